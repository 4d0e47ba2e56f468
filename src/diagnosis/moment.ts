import type { MeasurementRecord } from '../protocol';

/** The latest moment that all runs have, the last of each, or an epoch (a step where the runs have no epochs). */
export type WhereToCompare = 'common' | 'last' | number;

/** Where in training runs are compared. Without `axis` at the last moment of each, as they share none or were asked to be. */
export type Moment = { readonly axis: 'epoch' | 'step'; readonly at: number } | { readonly axis: null; readonly at: null };

const lastOfEach: Moment = { axis: null, at: null };

/** Chooses for the runs that have records; null when none has any. */
export function chooseMoment(runs: readonly (readonly MeasurementRecord[])[], at: WhereToCompare): Moment | null {
  const withRecords = runs.filter((records) => records.length > 0);
  if (withRecords.length === 0) return null;
  if (at === 'last') return lastOfEach;
  for (const axis of ['epoch', 'step'] as const) {
    const positions = withRecords.map((records) => new Set(records.flatMap((record) => record[axis] ?? [])));
    if (typeof at === 'number') {
      if (positions.some(({ size }) => size > 0)) return { axis, at };
      continue;
    }
    const [first = new Set<number>(), ...others] = positions;
    const common = [...first].filter((position) => others.every((each) => each.has(position)));
    if (common.length > 0) return { axis, at: common.reduce((latest, each) => Math.max(latest, each)) };
  }
  return lastOfEach;
}

/** The records of a run at a moment. Of several files of one epoch those of the latest step count, later ones in the list before earlier ones. */
export function momentRecords(records: readonly MeasurementRecord[], moment: Moment): MeasurementRecord[] {
  const { axis, at } = moment.axis === null ? lastOf(records) : moment;
  const there = axis === null ? records : records.filter((record) => record[axis] === at);
  return [...there].sort((a, b) => (a.step ?? -Infinity) - (b.step ?? -Infinity) || 0);
}

/** Files that say no epoch are not later than those that do. */
function lastOf(records: readonly MeasurementRecord[]): Moment {
  for (const axis of ['epoch', 'step'] as const) {
    const positions = records.flatMap((record) => record[axis] ?? []);
    if (positions.length > 0) return { axis, at: positions.reduce((latest, each) => Math.max(latest, each)) };
  }
  return lastOfEach;
}

/** "at epoch 600", "at the last moment of each". */
export function momentWords(moment: Moment | null): string {
  return moment === null || moment.axis === null ? 'at the last moment of each' : `at ${moment.axis} ${String(moment.at)}`;
}
