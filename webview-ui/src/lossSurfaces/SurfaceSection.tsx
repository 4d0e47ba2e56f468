import type { JSX } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { DataTable } from '../components/DataTable';
import { useWidth } from '../components/hooks';
import type { Theme } from '../theme';
import { ContourPlot, defaultPlace, describePoint } from './ContourPlot';
import type { Place } from './contours';
import { nearestPoint } from './grid';
import { post } from './landscapeApi';
import { ScaleBar } from './ScaleBar';
import { pointName, summarize, titleOf } from './summary';
import { SurfacePlot } from './SurfacePlot';
import type { SurfaceModel } from './surfaceModel';
import { SurfaceRenderer } from './surfaceRenderer';
import { surfaceTable, trajectoryTable } from './tables';
import { useCamera } from './useCamera';

export type Form = 'contours' | 'surface' | 'table';

const plotGap = 20;
const leastPlot = 300;
const widestPlot = 560;

/** The surfaces side by side on one scale, as contours, in space or as tables. */
export function SurfaceSection(props: {
  readonly models: readonly SurfaceModel[];
  readonly form: Form;
  readonly theme: Theme;
  readonly selected: string | null;
  readonly onSelect: (file: string) => void;
}): JSX.Element {
  const { models, form, theme, selected, onSelect } = props;
  const section = useRef<HTMLElement>(null);
  const width = useWidth(section);
  const [cursor, setCursor] = useState<Place | null>(null);
  const { camera, target, turn } = useCamera();
  const { renderer, missing } = useRenderer(form === 'surface', models);
  const open = useCallback(
    (file: string) => {
      onSelect(file);
      post({ kind: 'openCheckpoint', file });
    },
    [onSelect],
  );
  const inRow = Math.max(1, Math.min(models.length, Math.floor((width + plotGap) / (leastPlot + plotGap))));
  const plotWidth = Math.min(widestPlot, Math.floor((width - (inRow - 1) * plotGap) / inRow));
  const scale = models[0]?.scale;
  return (
    <section ref={section} class="section surfaces" aria-label="Loss surfaces">
      {form === 'surface' && missing && (
        <p class="note" role="status" data-test="no-webgl">
          Surfaces in space need WebGL, which this window does not have. Contours are shown instead.
        </p>
      )}
      <div class="plots">
        {width > 0 &&
          models.map((model, index) => (
            <SurfaceCard key={index} model={model} index={index} width={form === 'table' ? width : plotWidth}>
              {form === 'table' ? (
                <DataTable id={`surface-table-${index}`} table={surfaceTable(model.surface)} />
              ) : form === 'surface' && renderer ? (
                <SurfacePlot id={`surface-${index}`} {...{ model, renderer, theme, camera, target, selected }} width={plotWidth} onTurn={turn} onOpen={open} />
              ) : (
                <>
                  <ContourPlot id={`contours-${index}`} {...{ model, theme, cursor, selected }} width={plotWidth} onPoint={setCursor} onOpen={open} />
                  <Readout model={model} cursor={cursor} />
                </>
              )}
              {model.surface.trajectory.length > 0 && <Checkpoints id={`trajectory-table-${index}`} model={model} selected={selected} asTable={form === 'table'} onOpen={open} />}
            </SurfaceCard>
          ))}
      </div>
      {form !== 'table' && scale && width > 0 && (
        <div class="scale">
          <ScaleBar scale={scale} width={Math.min(width, widestPlot)} theme={theme} label={`${scale.kind} scale${models.length > 1 ? ', the same for all surfaces' : ''}`} />
          <Keys models={models} inSpace={renderer !== null} />
        </div>
      )}
    </section>
  );
}

function SurfaceCard({ model, index, width, children }: { model: SurfaceModel; index: number; width: number; children: JSX.Element | (JSX.Element | false)[] }): JSX.Element {
  const title = titleOf(model.surface);
  return (
    <figure class="surface-figure" data-title={title} style={{ width: `${width}px` }} aria-labelledby={`surface-title-${index}`}>
      <h2 id={`surface-title-${index}`} class="section-title" title={model.surface.file}>
        {title}
      </h2>
      {children}
      <figcaption class="hidden" data-test="summary">
        {summarize(model.surface)}
      </figcaption>
    </figure>
  );
}

/** The point under the cursor, else the lowest one. */
function Readout({ model, cursor }: { model: SurfaceModel; cursor: Place | null }): JSX.Element {
  return (
    <p class="point-readout" data-test="readout">
      {cursor === null && model.surface.minimum ? 'Lowest point ' : ''}
      {describePoint(model, nearestPoint(model.grid, ...(cursor ?? defaultPlace(model))))}
    </p>
  );
}

/** The checkpoints in a list: what a click on a point does, for the keyboard. */
function Checkpoints(props: { id: string; model: SurfaceModel; selected: string | null; asTable: boolean; onOpen: (file: string) => void }): JSX.Element {
  const { id, model, selected, asTable, onOpen } = props;
  if (asTable) return <DataTable id={id} table={trajectoryTable(model.surface)} />;
  return (
    <ol class="checkpoints" aria-label="Checkpoints of the training">
      {model.surface.trajectory.map((point) => (
        <li key={point.file}>
          <button type="button" class="checkpoint-button" aria-pressed={point.file === selected} title={point.file} onClick={() => onOpen(point.file)}>
            {pointName(point)}
          </button>
        </li>
      ))}
    </ol>
  );
}

/** What the marks mean, as far as they occur. */
function Keys({ models, inSpace }: { models: readonly SurfaceModel[]; inSpace: boolean }): JSX.Element {
  const any = (has: (model: SurfaceModel) => boolean): boolean => models.some(has);
  return (
    <ul class="legend-keys">
      {any(({ surface }) => surface.minimum !== null) && <Key sign={'\u25c7'}>lowest point</Key>}
      <Key sign="+">{models.every(({ surface }) => surface.setting.directions === 'trajectory') ? 'origin' : 'model'}</Key>
      {any(({ outline }) => outline.length > 0) && <Key sign={'\u2504'}>border of the convex region</Key>}
      {any(({ surface }) => surface.trajectory.length > 0) && <Key sign={'\u25cb'}>checkpoints</Key>}
      {!inSpace && any(({ grid }) => grid.unfinished) && <Key sign={'\u00b7'}>computed so far</Key>}
      {!inSpace && any(({ grid }) => grid.drawn.some(Number.isNaN)) && <Key sign={'\u2059'}>{any(({ grid }) => grid.unfinished) ? 'no value yet' : 'no value'}</Key>}
    </ul>
  );
}

function Key({ sign, children }: { sign: string; children: string }): JSX.Element {
  return (
    <li data-key={sign}>
      <span class="key-sign" data-sign={sign} aria-hidden="true" />
      {children}
    </li>
  );
}

/** The one renderer, made when surfaces in space are first asked for. */
function useRenderer(wanted: boolean, models: readonly SurfaceModel[]): { readonly renderer: SurfaceRenderer | null; readonly missing: boolean } {
  const [missing, setMissing] = useState(false);
  const renderer = useMemo(() => (wanted && !missing ? SurfaceRenderer.create(() => setMissing(true)) : null), [wanted, missing]);
  useEffect(() => () => renderer?.dispose(), [renderer]);
  useEffect(() => renderer?.keepOnly(models), [renderer, models]);
  return { renderer, missing: wanted && renderer === null };
}
