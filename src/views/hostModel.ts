import { compareNaturally } from '../formats/fileNames';
import type { MeasurementRecord, RunDelta, RunDetail, RunsDelta, RunSummary, ScalarSeries } from '../protocol';

/** The runs after a delta, sorted by name. Untouched summaries keep their identity. */
export function applyRunsDelta(runs: readonly RunSummary[], delta: RunsDelta): readonly RunSummary[] {
  if (delta.changed.length === 0 && delta.removed.length === 0) return runs;
  const gone = new Set([...delta.removed, ...delta.changed.map((run) => run.id)]);
  return sortRuns([...runs.filter((run) => !gone.has(run.id)), ...delta.changed]);
}

/** By name as people count: version_9 before version_10. */
export function sortRuns(runs: readonly RunSummary[]): readonly RunSummary[] {
  return [...runs].sort((a, b) => compareNaturally(a.name, b.name));
}

/** A copy of a snapshot whose arrays nobody else holds: `applyRunDelta` grows them in place. */
export function ownDetail(detail: RunDetail): RunDetail {
  return { ...detail, records: [...detail.records], series: detail.series.map(ownSeries) };
}

function ownSeries(series: ScalarSeries): ScalarSeries {
  return { ...series, epochs: [...series.epochs], steps: [...series.steps], values: [...series.values] };
}

/**
 * The opened run after a delta, in the order of its fields: voided sources, records, voided logs, series.
 * Appends in place where nothing was voided, so that a delta costs what it carries and not what was there before.
 * `detail` must come from `ownDetail` or from here.
 */
export function applyRunDelta(detail: RunDetail, delta: RunDelta): RunDetail {
  return {
    run: delta.run,
    layers: delta.layers,
    weightLayers: delta.weightLayers ?? [],
    records: appendRecords(detail.records, delta),
    series: appendSeries(detail.series, delta),
  };
}

function appendRecords(records: readonly MeasurementRecord[], delta: RunDelta): readonly MeasurementRecord[] {
  const voided = new Set(delta.voidedSources);
  const kept = voided.size === 0 ? (records as MeasurementRecord[]) : records.filter((record) => !voided.has(record.source));
  for (const record of delta.records) kept.push(record);
  return kept;
}

function appendSeries(series: readonly ScalarSeries[], delta: RunDelta): readonly ScalarSeries[] {
  const voided = new Set(delta.voidedLogs);
  const kept = series.filter((one) => !voided.has(one.source));
  for (const added of delta.series) {
    const at = kept.findIndex((one) => one.tag === added.tag && one.source === added.source);
    const before = kept[at];
    if (before === undefined) kept.push(ownSeries(added));
    else kept[at] = joinSeries(before, added);
  }
  return kept;
}

function joinSeries(before: ScalarSeries, added: ScalarSeries): ScalarSeries {
  return {
    ...before,
    epochs: append(before.epochs, added.epochs),
    steps: append(before.steps, added.steps),
    values: append(before.values, added.values),
    nonFinite: before.nonFinite + added.nonFinite,
  };
}

function append(before: readonly (number | null)[], added: readonly (number | null)[]): readonly (number | null)[] {
  const target = before as (number | null)[];
  for (const value of added) target.push(value);
  return target;
}
