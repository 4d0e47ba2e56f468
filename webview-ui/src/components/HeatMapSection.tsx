import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { PanelChoice } from '../../../src/protocol';
import { createHeatMap, heatMapHeight, type HeatMapModel } from '../charts/heatMap';
import type { TimeModel } from '../charts/timeChart';
import { makeColorScale } from '../colorScale';
import { describeCell, describeDirection, describeMeasure, summarizeGrid } from '../describe';
import { formatCount } from '../format';
import { post } from '../vscodeApi';
import type { RunView } from '../runView';
import { gridTable } from '../tables';
import { ChartFrame } from './ChartFrame';
import { DataTable } from './DataTable';
import { useCursor, useGrowingHeight } from './hooks';
import { Icon } from './Icon';
import { checkpointKeys, columnOf } from './keys';
import { Legend } from './Legend';
import { Segmented } from './Segmented';

/** Layers by checkpoints: which layer, since when. */
export function HeatMapSection(props: {
  readonly view: RunView;
  readonly time: TimeModel;
  readonly layerColors: ReadonlyMap<string, string>;
  readonly choice: PanelChoice;
  readonly zoomed: boolean;
  readonly onToggleLayer: (layer: string) => void;
  readonly onChoose: (change: Partial<PanelChoice>) => void;
}): JSX.Element {
  const { view, time, layerColors, choice, zoomed, onToggleLayer, onChoose } = props;
  const { grid, checkpoints, show } = view;
  const [binned, setBinned] = useState(1);
  const scale = useMemo(
    () => makeColorScale(grid.minimum, grid.maximum, { aroundZero: show === 'gap', dark: time.theme.dark }),
    [grid, show, time.theme],
  );
  const model = useMemo(
    (): HeatMapModel => ({
      ...time,
      grid,
      checkpoints,
      scale,
      onset: view.onset,
      breaks: view.breaks.map((one) => one.at),
      layerColors,
      onToggleLayer,
      onBinned: setBinned,
    }),
    [time, view, scale, layerColors, onToggleLayer],
  );
  const summary = useMemo(() => summarizeGrid(view), [view]);
  return (
    <section class="section heat-map" aria-labelledby="heat-map-title">
      <MeasureTitle view={view} />
      <div class="toolbar">
        <Segmented
          name="axis"
          label={`Scale of the ${checkpoints.unit} axis`}
          segments={[
            { value: 'linear', label: 'Linear' },
            { value: 'log', label: 'Log' },
          ]}
          value={choice.axis}
          onChange={(axis) => onChoose({ axis })}
        />
        {zoomed && (
          <button type="button" class="link-button" onClick={() => time.onZoom(null)}>
            Whole run
          </button>
        )}
        <Segmented
          name="form"
          label="Show as chart or as table"
          segments={[
            { value: 'chart', label: 'Chart' },
            { value: 'table', label: 'Table' },
          ]}
          value={choice.asTable ? 'table' : 'chart'}
          onChange={(form) => onChoose({ asTable: form === 'table' })}
        />
      </div>
      {choice.asTable ? (
        <DataTable id="heat-map-table" table={gridTable(view)} />
      ) : (
        <>
          <HeatMapChart view={view} model={model} onToggleLayer={onToggleLayer} />
          <p id="heat-map-summary" class="hidden">
            {summary}
          </p>
          <Legend view={view} scale={scale} theme={time.theme} />
          <Readout view={view} model={model} />
        </>
      )}
      {!choice.asTable && binned > 1 && (
        <p class="note">Too many checkpoints to draw singly: one cell is the mean of up to {formatCount(binned)}. Drag over a part to see it closer.</p>
      )}
      {view.breaks.slice(0, 3).map((one) => (
        <p key={one.at} class="note break-note">
          {one.text}
        </p>
      ))}
      {checkpoints.notes.map((note) => (
        <p key={note} class="note">
          {note}
        </p>
      ))}
    </section>
  );
}

/** The measure, its unit and what is known to be weak about it, with the way to its page. */
function MeasureTitle({ view }: { view: RunView }): JSX.Element {
  const { metric } = view;
  return (
    <div class="measure-title">
      <h2 id="heat-map-title" class="section-title">
        {describeMeasure(view)}
        <span class="section-sub"> {[metric.unit, describeDirection(view)].filter(Boolean).join(', ')}</span>
      </h2>
      <button
        type="button"
        class="icon-button help"
        aria-label={`Help on ${metric.title}`}
        title={metric.summary}
        onClick={() => post({ kind: 'openHelp', page: metric.page })}
      >
        ?
      </button>
      {metric.caveat && (
        <p class="caveat">
          <Icon name="warning" />
          <span>{metric.caveat}</span>
        </p>
      )}
    </div>
  );
}

function HeatMapChart({ view, model, onToggleLayer }: { view: RunView; model: HeatMapModel; onToggleLayer: (layer: string) => void }): JSX.Element {
  const position = useCursor(model.cursor);
  const { row, column } = shownCell(view, model, position);
  const words = describeCell(view, row, column);
  const layer = view.layers[row];
  return (
    <ChartFrame
      id="heat-map"
      create={createHeatMap}
      model={model}
      height={heatMapHeight(view.layers.length, model.roomy)}
      label={`Heat map of ${describeMeasure(view)}. Left and right: ${view.checkpoints.unit}. Up and down: layer. Enter: show the layer as a line.`}
      keys={{
        ...checkpointKeys(view, model, { row, column }),
        text: `${words.place}: ${words.value}. ${words.conditions}`,
        choose: () => {
          if (layer !== undefined) onToggleLayer(layer);
        },
      }}
    />
  );
}

/** The cell under the cursor; without one the deepest layer at the last checkpoint that has a value. */
function shownCell(view: RunView, model: HeatMapModel, position: HeatMapModel['cursor']['position']): { row: number; column: number } {
  const { grid } = view;
  const row = position?.layer == null ? grid.layers.length - 1 : grid.layers.indexOf(position.layer);
  if (position) return { row, column: columnOf(model.axis, position.at) };
  let column = grid.columns - 1;
  while (column > 0 && Number.isNaN(grid.values[row * grid.columns + column] ?? NaN)) column--;
  return { row, column };
}

/** What the cell says, in a fixed place, so that nothing covers the chart and nothing jumps. */
function Readout({ view, model }: { view: RunView; model: HeatMapModel }): JSX.Element {
  const position = useCursor(model.cursor);
  const { row, column } = shownCell(view, model, position);
  const words = describeCell(view, row, column);
  const element = useGrowingHeight(`${model.gutter} ${view.metric.id} ${view.show}`);
  return (
    <p ref={element} class="readout" data-test="heat-map-readout">
      <span class="readout-place">{words.place}</span>
      <strong class="readout-value">{words.value}</strong>
      <span class="readout-conditions">{words.conditions}</span>
      {words.warnings.length > 0 && <span class="readout-warning">{words.warnings.join(' ')}</span>}
    </p>
  );
}
