import type { ScalarSeries } from '../../../src/protocol';
import { spreadWithinEpochs } from './spread';
import type { Timeline } from './timeline';

/** One line of the log chart. */
export interface ScalarMember {
  readonly series: ScalarSeries;
  readonly label: string;
  /** Held-out quantities are dashed, as everywhere. */
  readonly heldOut: boolean;
}

/** What the tag picker offers: one quantity, or the same one on both splits. */
export interface ScalarChoice {
  readonly id: string;
  readonly label: string;
  readonly members: readonly ScalarMember[];
}

const trainWord = /(^|[/_.\- ])(train|training)(?=$|[/_.\- ])/i;
const heldOutWord = /(^|[/_.\- ])(held[_-]?out|val|valid|validation|test|eval)(?=$|[/_.\- ])/i;

/** The quantities of all logs, losses first; a quantity logged on both splits is offered as one. */
export function scalarChoices(series: readonly ScalarSeries[]): ScalarChoice[] {
  const useful = series.filter((one) => one.values.length > 0 && !isAxisItself(one.tag));
  const sources = new Set(useful.map((one) => one.source));
  const groups = new Map<string, ScalarMember[]>();
  for (const one of useful) {
    const stem = one.tag.replace(trainWord, '$1*').replace(heldOutWord, '$1*');
    const key = `${one.source}\u0000${stem}`;
    const label = sources.size > 1 ? `${one.tag} (${one.source})` : one.tag;
    const member = { series: one, label, heldOut: heldOutWord.test(one.tag) && !trainWord.test(one.tag) };
    const members = groups.get(key);
    if (members) members.push(member);
    else groups.set(key, [member]);
  }
  const choices = [...groups].map(([id, members]): ScalarChoice => {
    const [only] = members;
    if (members.length === 1 && only) return { id, label: only.label, members };
    const stem = (id.split('\u0000')[1] ?? '').replace(/[*]/g, '').replace(/[/_.\- ]+/g, ' ').trim();
    return { id, label: `${stem || 'value'}: train, held-out`, members: [...members].sort((a, b) => Number(a.heldOut) - Number(b.heldOut)) };
  });
  const rank = (choice: ScalarChoice): number => (choice.label.toLowerCase().includes('loss') ? 0 : 2) - (choice.members.length > 1 ? 1 : 0);
  return choices.sort((a, b) => rank(a) - rank(b));
}

function isAxisItself(tag: string): boolean {
  return /^(epoch|step|global_step|iteration|iter)$/i.test(tag);
}

export interface PlacedScalar {
  /** Places on the timeline, NaN where a point has none. */
  readonly at: Float64Array;
  /** NaN where the log holds no finite number. */
  readonly values: Float64Array;
  readonly unplaced: number;
}

export function placeScalar(series: ScalarSeries, timeline: Timeline): PlacedScalar {
  const count = series.values.length;
  const at = new Float64Array(count);
  const values = new Float64Array(count);
  let unplaced = 0;
  for (let i = 0; i < count; i++) {
    const epoch = series.epochs[i] ?? null;
    const step = series.steps[i] ?? null;
    const place = timeline.unit === 'checkpoint' ? (epoch ?? step) : timeline.ofMoment({ epoch, step });
    if (place === null) unplaced++;
    at[i] = place ?? NaN;
    values[i] = series.values[i] ?? NaN;
  }
  if (timeline.unit === 'epoch') spreadWithinEpochs(at, series.steps);
  return { at, values, unplaced };
}

/** Index of the placed point nearest to `at`; -1 without any. Places ascend except where a run was resumed. */
export function nearestPoint(scalar: PlacedScalar, at: number): number {
  const { at: places } = scalar;
  let low = 0;
  let high = places.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    const place = places[middle] ?? NaN;
    if (Number.isNaN(place)) return nearestByWalking(places, at);
    if (place < at) low = middle + 1;
    else high = middle;
  }
  const before = low > 0 && Math.abs((places[low - 1] ?? NaN) - at) <= Math.abs((places[low] ?? NaN) - at) ? low - 1 : low;
  return Number.isNaN(places[before] ?? NaN) ? nearestByWalking(places, at) : before;
}

function nearestByWalking(places: Float64Array, at: number): number {
  let best = -1;
  let distance = Infinity;
  places.forEach((place, index) => {
    const own = Math.abs(place - at);
    if (own < distance) [best, distance] = [index, own];
  });
  return best;
}
