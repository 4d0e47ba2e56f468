import type { MeasurementRecord } from '../protocol';
import { forEachInSteps, groupInSteps, type Steps } from './steps';

/** One checkpoint of one layer: how differently it treats training and held-out samples. */
export interface GapPoint {
  /** Epoch or step, whichever the series runs over. */
  readonly at: number;
  readonly gap: number;
  /** Bootstrap over samples. */
  readonly standardError: number;
  /** The same metric on the held-out samples; null where it was not recorded. */
  readonly heldOut: number | null;
  /** Share of the rows that are held out; null where that was not recorded. */
  readonly heldOutShare: number | null;
  readonly record: MeasurementRecord;
}

/** One layer over the checkpoints, in order; without points when nothing of it could be measured. */
export interface LayerGaps {
  readonly layer: string;
  readonly layerIndex: number;
  readonly points: readonly GapPoint[];
}

/** The gaps of one metric, all of them comparable: one probe, one width per layer, one set of options, one method. */
export interface GapSeries {
  readonly metric: string;
  readonly axis: 'epoch' | 'step';
  /** Where the first checkpoint of the run lies, and whether it is the untrained network (nothing trained before it). */
  readonly start: { readonly at: number; readonly untrained: boolean };
  /** Different samples that went in, both splits together. */
  readonly samples: number;
  /** Shallow to deep. */
  readonly layers: readonly LayerGaps[];
}

/**
 * Collects the comparable gap series of one metric. Where a run was measured in several ways (another probe, other options, an older
 * method), the newest method wins and of it the way with the most checkpoints; values of two ways are never mixed.
 * Points without a finite value and standard error are left out. Null when nothing is left.
 */
export function* collectGapSeries(records: readonly MeasurementRecord[], metric: string): Steps<GapSeries | null> {
  const ofMetric = records.filter((record) => record.metric === metric);
  const usable = ofMetric.filter((record) => record.split === 'gap' && isUsable(record));
  const method = usable.reduce((newest, record) => Math.max(newest, record.method), -Infinity);
  const probeOf = nameProbes(usable);
  const groups = yield* groupInSteps(
    usable.filter((record) => record.method === method),
    (record) => JSON.stringify([probeOf(record), record.n, record.views, record.seed, record.options['eps2'] ?? null]),
  );
  const chosen = [...groups.entries()]
    .map(([key, group]) => ({ key, group, checkpoints: new Set(group.map((record) => record.source)).size }))
    .sort((a, b) => b.checkpoints - a.checkpoints || (a.key < b.key ? -1 : 1))[0];
  if (!chosen) return null;
  const heldOut = new Map<string, MeasurementRecord>();
  yield* forEachInSteps(ofMetric, (record) => {
    if (record.split === 'held_out' && record.method === method) heldOut.set(besideGap(record), record);
  });
  const sources = new Set(chosen.group.map((record) => record.source));
  const layers = new Map(ofMetric.filter(({ source }) => sources.has(source)).map(({ layer, layerIndex }) => [layer, layerIndex]));
  return yield* buildSeries(metric, chosen.group, layers, heldOut);
}

function* buildSeries(
  metric: string,
  records: readonly MeasurementRecord[],
  layerIndices: ReadonlyMap<string, number>,
  heldOut: ReadonlyMap<string, MeasurementRecord>,
): Steps<GapSeries | null> {
  const axis = chooseAxis(records);
  const placed = records.flatMap((record) => {
    const at = record[axis];
    return at === null ? [] : [{ record, at }];
  });
  const first = placed.reduce<(typeof placed)[number] | null>((least, each) => (least === null || each.at < least.at ? each : least), null);
  if (first === null) return null;
  const byLayer = yield* groupInSteps(placed, ({ record }) => record.layer);
  const layers: LayerGaps[] = [];
  for (const [layer, layerIndex] of layerIndices) {
    // A layer whose width changed is another layer under the same name. Options such as the number of components follow from the width.
    const kinds = yield* groupInSteps(byLayer.get(layer) ?? [], ({ record }) => `${String(record.d)}\n${wayOfMeasuring(record)}`);
    const points = new Map<number, GapPoint>();
    for (const { record, at } of largest([...kinds.values()])) {
      const beside = heldOut.get(besideGap(record));
      points.set(at, {
        at,
        gap: record.value ?? NaN,
        standardError: record.uncertainty?.standardError ?? NaN,
        heldOut: beside && isFiniteNumber(beside.value) ? beside.value : null,
        heldOutShare: beside ? beside.n / record.n : null,
        record,
      });
    }
    layers.push({ layer, layerIndex, points: [...points.values()].sort((a, b) => a.at - b.at) });
  }
  return {
    metric,
    axis,
    start: { at: first.at, untrained: first.at === 0 && (first.record.step ?? 0) === 0 },
    samples: Math.floor(first.record.n / Math.max(1, first.record.views)),
    layers: layers.sort((a, b) => a.layerIndex - b.layerIndex),
  };
}

function isUsable(record: MeasurementRecord): boolean {
  return isFiniteNumber(record.value) && isFiniteNumber(record.uncertainty?.standardError) && (record.uncertainty?.standardError ?? -1) >= 0;
}

function isFiniteNumber(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** Epochs when every checkpoint has its own, else steps. */
function chooseAxis(records: readonly MeasurementRecord[]): 'epoch' | 'step' {
  const epochOf = new Map(records.map((record) => [record.source, record.epoch]));
  const epochs = new Set(epochOf.values());
  return !epochs.has(null) && epochs.size === epochOf.size ? 'epoch' : records.some((record) => record.step !== null) ? 'step' : 'epoch';
}

/**
 * Which probe a record belongs to. Files of one probe differ by numbers only ("probes/epoch=0012", "checkpoint-500/probe");
 * folders that each hold several checkpoints are probes of their own even when only a number tells them apart ("probe1/", "probe2/").
 */
function nameProbes(records: readonly MeasurementRecord[]): (record: MeasurementRecord) => string {
  const sourcesOf = new Map<string, Set<string>>();
  const names = new Map<string, string>();
  const split = (source: string): [folder: string, name: string] => {
    const slash = source.lastIndexOf('/');
    return [source.slice(0, slash + 1), withoutNumbers(source.slice(slash + 1))];
  };
  for (const source of new Set(records.map((record) => record.source))) {
    const key = split(source).join('');
    sourcesOf.set(key, (sourcesOf.get(key) ?? new Set()).add(source));
  }
  const nameOf = (source: string): string => {
    const [folder, name] = split(source);
    return (sourcesOf.get(folder + name)?.size ?? 0) > 1 ? folder + name : withoutNumbers(folder) + name;
  };
  return ({ source }) => {
    const known = names.get(source) ?? nameOf(source);
    names.set(source, known);
    return known;
  };
}

function withoutNumbers(text: string): string {
  return text.replace(/\d+/g, '#');
}

function wayOfMeasuring(record: MeasurementRecord): string {
  const options = Object.entries(record.options).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([record.seed, options]);
}

/** What the records of one layer, checkpoint and way of measuring share; options that only one of the parts has do not count. */
function besideGap({ source, sourceVersion, layer, seed, options }: MeasurementRecord): string {
  return JSON.stringify([source, sourceVersion, layer, seed, options['eps2'] ?? null]);
}

function largest<Item>(groups: readonly Item[][]): Item[] {
  return groups.reduce<Item[]>((most, group) => (group.length > most.length ? group : most), []);
}
