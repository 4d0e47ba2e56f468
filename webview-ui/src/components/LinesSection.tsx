import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { createLayerLines, type LayerLinesModel } from '../charts/layerLines';
import { markerNames, type MarkerName } from '../charts/markerNames';
import type { TimeModel } from '../charts/timeChart';
import { describeMeasure } from '../describe';
import { formatAt, formatInterval, formatShort, formatSplit } from '../format';
import type { RunView } from '../runView';
import { cellAt, cellState } from '../select/grid';
import { linesTable } from '../tables';
import { ChartFrame } from './ChartFrame';
import { DataTable } from './DataTable';
import { useCursor } from './hooks';
import { Icon } from './Icon';
import { checkpointKeys, columnOf } from './keys';
import { LineSample } from './LineSample';


/** The chosen layers over time: train and held-out, or the gap with its uncertainty. */
export function LinesSection(props: {
  readonly view: RunView;
  readonly time: TimeModel;
  readonly layerColors: ReadonlyMap<string, string>;
  readonly asTable: boolean;
  readonly onToggleLayer: (layer: string) => void;
}): JSX.Element {
  const { view, time, layerColors, asTable, onToggleLayer } = props;
  const markers = useMemo(
    (): ReadonlyMap<string, MarkerName> => new Map(view.chosen.map((layer, index) => [layer, markerNames[index % markerNames.length] ?? 'circle'])),
    [view.chosen],
  );
  const model = useMemo(
    (): LayerLinesModel => ({
      ...time,
      checkpoints: view.checkpoints,
      lines: view.lines,
      colors: layerColors,
      markers,
      onset: view.onset,
      breaks: view.breaks.map((one) => one.at),
      zeroLine: view.show === 'gap',
    }),
    [time, view, layerColors, markers],
  );
  return (
    <section class="section" aria-labelledby="lines-title">
      <h2 id="lines-title" class="section-title">
        Chosen layers
        <span class="section-sub"> {[describeMeasure(view), view.metric.unit].filter(Boolean).join(', ')}</span>
      </h2>
      {view.chosen.length === 0 ? (
        <p class="note">No layer is chosen. Click a row of the heat map to draw it as lines.</p>
      ) : asTable ? (
        <DataTable id="lines-table" table={linesTable(view)} />
      ) : (
        <>
          <LinesChart view={view} model={model} />
          <LineKey view={view} model={model} onToggleLayer={onToggleLayer} />
        </>
      )}
    </section>
  );
}

function LinesChart({ view, model }: { view: RunView; model: LayerLinesModel }): JSX.Element {
  const column = useShownColumn(view, model);
  const at = view.checkpoints.list[column]?.at;
  const values = view.chosen.map((layer) => `${layer} ${valuesAt(view, layer, column).map((one) => `${one.name} ${one.text}`).join(', ')}`);
  return (
    <ChartFrame
      id="layer-lines"
      create={createLayerLines}
      model={model}
      height={model.roomy ? 210 : 150}
      label={`Lines of ${describeMeasure(view)}. Left and right: ${view.checkpoints.unit}.`}
      keys={{ ...checkpointKeys(view, model, { row: 0, column }, false), text: `${view.checkpoints.unit} ${formatAt(at ?? 0)}: ${values.join('; ')}` }}
    />
  );
}

/** Legend and readout in one: what the strokes mean, and the numbers where the cursor is. */
function LineKey({ view, model, onToggleLayer }: { view: RunView; model: LayerLinesModel; onToggleLayer: (layer: string) => void }): JSX.Element {
  const column = useShownColumn(view, model);
  const at = view.checkpoints.list[column]?.at;
  const names = view.show === 'gap' ? ['gap', '95 % interval'] : view.lineGrids.map((grid) => formatSplit(grid.split));
  return (
    <table class="line-key" data-test="line-key">
      <caption class="hidden">Chosen layers at the cursor</caption>
      <thead>
        <tr>
          <th scope="col" class="line-key-at">
            {at === undefined ? '' : `${view.checkpoints.unit} ${formatAt(at)}`}
          </th>
          {names.map((name) => (
            <th key={name} scope="col">
              {name}
              {view.show === 'value' && <LineSample dashed={name === 'held-out'} theme={model.theme} />}
            </th>
          ))}
          <td />
        </tr>
      </thead>
      <tbody>
        {view.chosen.map((layer) => (
          <tr key={layer}>
            <th scope="row">
              <LineSample color={model.colors.get(layer)} marker={model.markers.get(layer)} theme={model.theme} />
              <span class="line-key-layer" title={layer}>
                {layer}
              </span>
            </th>
            {valuesAt(view, layer, column).map((one) => (
              <td key={one.name}>{one.text}</td>
            ))}
            <td>
              <button type="button" class="icon-button small" aria-label={`Remove ${layer} from the lines`} title="Remove from the lines" onClick={() => onToggleLayer(layer)}>
                <Icon name="close" />
              </button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function valuesAt(view: RunView, layer: string, column: number): { name: string; text: string }[] {
  const row = view.layers.indexOf(layer);
  return view.lineGrids.flatMap((grid) => {
    const record = cellAt(grid, row, column);
    const text = record?.value != null ? formatShort(record.value) : cellState(grid, view.checkpoints, row, column) === 'impossible' ? 'cannot' : '\u2013';
    if (view.show !== 'gap') return [{ name: formatSplit(grid.split), text }];
    return [
      { name: 'gap', text },
      { name: '95 % interval', text: record?.uncertainty ? formatInterval(record.uncertainty) : '\u2013' },
    ];
  });
}

function useShownColumn(view: RunView, model: LayerLinesModel): number {
  const position = useCursor(model.cursor);
  if (position) return columnOf(model.axis, position.at);
  let column = view.grid.columns - 1;
  while (column > 0 && view.chosen.every((layer) => cellAt(view.grid, view.layers.indexOf(layer), column)?.value == null)) column--;
  return column;
}
