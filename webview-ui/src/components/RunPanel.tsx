import type { JSX } from 'preact';
import { useCallback, useMemo, useState } from 'preact/hooks';
import type { MetricInfo, PanelChoice } from '../../../src/protocol';
import { createCursor } from '../charts/cursor';
import { makeSharedAxis, type Range } from '../charts/sharedAxis';
import { axisFontSize, type TimeModel } from '../charts/timeChart';
import { distinctPart } from '../format';
import { metricsOfRun } from '../select/metrics';
import { scalarChoices, type PlacedScalar } from '../select/scalars';
import type { OpenRun, PanelState } from '../state';
import type { Theme } from '../theme';
import { loadArrangement, saveArrangement } from '../vscodeApi';
import { HeatMapSection } from './HeatMapSection';
import { useTheme } from './hooks';
import { LinesSection } from './LinesSection';
import { MetricPicker } from './MetricPicker';
import { Problems } from './Problems';
import { placeMembers, ScalarsSection } from './ScalarsSection';
import { NothingToMeasure } from './States';
import { StatusRow } from './StatusRow';
import { useRunView } from './useRunView';

/** One run: the measure, its charts on one axis with one cursor, and the state of the measurements. */
export function RunPanel(props: {
  readonly state: PanelState;
  readonly open: OpenRun;
  readonly metric: MetricInfo;
  readonly width: number;
  readonly onChoose: (change: Partial<PanelChoice>) => void;
}): JSX.Element {
  const { state, open, metric, width, onChoose } = props;
  const { choice, metrics } = state;
  const theme = useTheme();
  const [cursor] = useState(createCursor);
  const [zoom, setZoom] = useState<Range | null>(null);
  const [scalarId, setScalarId] = useState(() => loadArrangement().scalar);
  const [smoothing, setSmoothing] = useState(() => loadArrangement().smoothing);
  const { view, timeline } = useRunView(open, metric, choice);

  const scalars = useMemo(() => scalarChoices(open.series), [open.series]);
  const scalar = scalars.find((one) => one.id === scalarId) ?? scalars[0];
  const members = useMemo(() => placeMembers(scalar, timeline, smoothing), [scalar, timeline, smoothing]);
  const logs = useMemo(() => rangeOf(members.map((member) => member.placed)), [members]);
  const gutter = useMemo(() => gutterWidth(view.layers, theme, width), [view.layers, theme, width]);
  const time = useMemo(
    (): TimeModel => ({
      axis: makeSharedAxis({ kind: choice.axis, checkpoints: view.checkpoints.list.map((one) => one.at), logs, zoom }),
      theme,
      cursor,
      gutter,
      roomy: width >= roomyWidth,
      onZoom: setZoom,
    }),
    [choice.axis, view.checkpoints, logs, zoom, theme, cursor, gutter, width >= roomyWidth],
  );
  const layerColors = useMemo(
    () => new Map(view.chosen.map((layer, index) => [layer, theme.series[index % theme.series.length] ?? theme.foreground])),
    [view.chosen, theme],
  );
  const { chosen } = view;
  const toggleLayer = useCallback(
    (layer: string) => onChoose({ layers: chosen.includes(layer) ? chosen.filter((one) => one !== layer) : [...chosen, layer] }),
    [chosen, onChoose],
  );
  const chooseScalar = (id: string): void => {
    setScalarId(id);
    saveArrangement({ scalar: id });
  };
  const chooseSmoothing = (weight: number): void => {
    setSmoothing(weight);
    saveArrangement({ smoothing: weight });
  };
  const measured = view.layers.length > 0 && view.checkpoints.list.length > 0;
  return (
    <>
      {measured ? (
        <>
          <MetricPicker metrics={metricsOfRun(metrics, open)} metric={view.metric} show={view.show} noGap={view.noGap} onChoose={onChoose} />
          <div class="charts">
            <HeatMapSection
              view={view}
              time={time}
              layerColors={layerColors}
              choice={choice}
              zoomed={zoom !== null}
              onToggleLayer={toggleLayer}
              onChoose={onChoose}
            />
            <LinesSection view={view} time={time} layerColors={layerColors} asTable={choice.asTable} onToggleLayer={toggleLayer} />
          </div>
        </>
      ) : (
        <NothingToMeasure run={open.run} />
      )}
      {scalar && (
        <ScalarsSection
          unit={timeline.unit}
          time={time}
          choices={scalars}
          chosen={scalar}
          members={members}
          onset={view.onset}
          asTable={choice.asTable}
          onChoose={chooseScalar}
          smoothing={smoothing}
          onSmooth={chooseSmoothing}
        />
      )}
      <StatusRow run={open.run} runs={state.runs} progress={state.progress} />
      <Problems problems={open.run.problems} />
    </>
  );
}

function rangeOf(scalars: readonly PlacedScalar[]): Range | null {
  let min = Infinity;
  let max = -Infinity;
  for (const { at } of scalars) {
    for (const place of at) {
      if (place < min) min = place;
      if (place > max) max = place;
    }
  }
  return min <= max ? { min, max } : null;
}

/** As in the style sheets. */
const roomyWidth = 700;

const smallestGutter = 48;
const largestGutter = 132;

/** Room for the names of the layers, as far as the width allows it. */
function gutterWidth(layers: readonly string[], theme: Theme, width: number): number {
  const pen = document.createElement('canvas').getContext('2d');
  if (!pen) return smallestGutter;
  pen.font = `${axisFontSize}px ${theme.fontFamily}`;
  const own = distinctPart(layers);
  const longest = layers.reduce((most, layer) => Math.max(most, pen.measureText(own(layer)).width), 0);
  return Math.round(Math.min(Math.max(smallestGutter, longest + 14), largestGutter, Math.max(smallestGutter, width * 0.32)));
}
