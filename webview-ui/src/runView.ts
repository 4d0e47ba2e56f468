import type { FileProblem, Finding, MeasurementRecord, MetricInfo, RunFile, Split } from '../../src/protocol';
import type { OnsetMark } from './charts/marks';
import { buildCheckpoints, type Checkpoints } from './select/checkpoints';
import { buildGrid, findBreaks, type Break, type Grid } from './select/grid';
import { buildLine, chosenLayers, type Line } from './select/lines';
import { isOfTrainingId } from './select/ofTraining';
import { shownForm, whyNoGap } from './select/openingMetric';
import type { MeasuredKind, Timeline } from './select/timeline';

/** What the heat map shows, and the lines could. */
export interface MeasureView {
  readonly metric: MetricInfo;
  /** `value` as well where there is no gap. */
  readonly show: 'value' | 'gap';
  /** Why there is none; null when there is one, or may be. */
  readonly noGap: string | null;
  readonly checkpoints: Checkpoints;
  readonly layers: readonly string[];
  /** What the heat map shows. */
  readonly grid: Grid;
  /** One a split that the lines show: train and held-out, or the gap. */
  readonly lineGrids: readonly Grid[];
  readonly breaks: readonly Break[];
}

/** Everything that the charts and tables of one run and one metric show. */
export interface RunView extends MeasureView {
  readonly chosen: readonly string[];
  readonly lines: readonly Line[];
  /** The finding whose onset is marked, where it can be placed. */
  readonly onset: (OnsetMark & { readonly finding: Finding }) | null;
}

export interface MeasureViewInput {
  readonly metric: MetricInfo;
  readonly show: 'value' | 'gap';
  /** Of this metric. */
  readonly records: readonly MeasurementRecord[];
  /** Those that the metric is measured of, shallow to deep. */
  readonly layers: readonly string[];
  readonly files: readonly RunFile[];
  readonly problems: readonly FileProblem[];
  readonly timeline: Timeline;
}

/** Places the records of one metric. Pure. */
export function makeMeasureView(input: MeasureViewInput): MeasureView {
  const { metric, records, timeline } = input;
  const show = shownForm(metric, records, input.show);
  const checkpoints = buildCheckpoints(records, input.files, input.problems, timeline, kindOf(metric));
  const layers = allLayers(input.layers, records);
  const splits = show === 'gap' ? (['gap'] as const) : valueSplits(records);
  const lineGrids = splits.map((split) => buildGrid(records, metric.id, split, layers, checkpoints));
  const grid = lineGrids[0] ?? buildGrid([], metric.id, null, layers, checkpoints);
  return { metric, show, noGap: whyNoGap(metric, records), checkpoints, layers, grid, lineGrids, breaks: findBreaks(grid, checkpoints) };
}

/**
 * Adds what the person chose and what was found. Pure.
 * @param chosenByPerson null where the choice is left to the panel
 * @param findings worst first
 */
export function makeRunView(measure: MeasureView, chosenByPerson: readonly string[] | null, findings: readonly Finding[], timeline: Timeline): RunView {
  const chosen = chosenLayers(chosenByPerson, measure.layers, findings, (layer) => hasValue(measure.lineGrids, layer));
  const [worst] = findings;
  const place = worst ? timeline.ofOnset(worst.onset) : null;
  return {
    ...measure,
    chosen,
    lines: chosen.flatMap((layer) => measure.lineGrids.map((one) => buildLine(one, layer, measure.checkpoints))),
    onset: worst && place ? { ...place, finding: worst } : null,
  };
}

function hasValue(grids: readonly Grid[], layer: string): boolean {
  return grids.some(({ layers, columns, values }) => {
    const start = layers.indexOf(layer) * columns;
    return values.subarray(start, start + columns).some((value) => !Number.isNaN(value));
  });
}

/** Which files a metric is measured of; none where the training recorded it. */
export function kindOf({ id, subject }: MetricInfo): MeasuredKind {
  if (isOfTrainingId(id)) return 'training';
  return subject === 'weights' ? 'checkpoint' : 'probe';
}

/** Train first: it is what the heat map shows. Measures of weights have no split. */
function valueSplits(records: readonly MeasurementRecord[]): readonly (Split | null)[] {
  const present = new Set<Split | null>();
  for (const record of records) present.add(record.split);
  const wanted = (['train', 'held_out'] as const).filter((split) => present.has(split));
  return wanted.length > 0 ? wanted : [null];
}

function allLayers(known: readonly string[], records: readonly MeasurementRecord[]): readonly string[] {
  const all = new Map(known.map((layer, index) => [layer, index]));
  for (const record of records) if (!all.has(record.layer)) all.set(record.layer, record.layerIndex);
  return all.size === known.length ? known : [...all].sort((a, b) => a[1] - b[1]).map(([layer]) => layer);
}
