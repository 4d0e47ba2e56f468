import { compareNaturally } from '../formats/fileNames';
import type { MeasurementRecord } from '../protocol';
import type { Text } from './blocks';
import { formatAt } from './numbers';

type Placed = Pick<MeasurementRecord, 'source' | 'epoch' | 'step'>;

/** When in a training something was measured: a checkpoint, or a moment of what the training recorded itself. */
export interface Moment extends Placed {
  readonly key: string;
  readonly label: Text;
}

export function momentKey({ source, epoch, step }: Placed): string {
  return JSON.stringify([source, epoch, step]);
}

/** The moments of records from first to last; those without epoch and step behind the others, by file. */
export function momentsOf(records: readonly Placed[]): readonly Moment[] {
  const found = new Map(records.map((record) => [momentKey(record), record]));
  const sorted = [...found.values()].sort(
    (a, b) => (a.epoch ?? Infinity) - (b.epoch ?? Infinity) || (a.step ?? Infinity) - (b.step ?? Infinity) || compareNaturally(a.source, b.source),
  );
  const sharing = new Map<string | null, number>();
  for (const one of sorted) sharing.set(placeOf(one), (sharing.get(placeOf(one)) ?? 0) + 1);
  return sorted.map(({ source, epoch, step }) => {
    const label = placeOf({ epoch, step });
    const isShared = (sharing.get(label) ?? 0) > 1;
    return { source, epoch, step, key: momentKey({ source, epoch, step }), label: label === null ? [{ name: source }] : isShared ? [`${label}, `, { name: source }] : label };
  });
}

/** "epoch 100", "step 5000", or null where neither is known. */
export function placeOf({ epoch, step }: Pick<Placed, 'epoch' | 'step'>): string | null {
  return epoch !== null ? `epoch ${formatAt(epoch)}` : step !== null ? `step ${formatAt(step)}` : null;
}

/**
 * Places of a list from first to last: all of them if they are few, else the first, the last and `wanted`, and then time and again the one that lies
 * furthest from those already taken.
 * @param most at least 2
 */
export function spreadOver(count: number, most: number, wanted: readonly number[] = []): readonly number[] {
  if (count <= most) return Array.from({ length: count }, (_, place) => place);
  const taken = new Set([0, count - 1, ...wanted.filter((place) => place >= 0 && place < count)].slice(0, most));
  while (taken.size < most) {
    let [furthest, distance] = [0, 0];
    for (let place = 0; place < count; place += 1) {
      const nearest = Math.min(...[...taken].map((other) => Math.abs(other - place)));
      if (nearest > distance) [furthest, distance] = [place, nearest];
    }
    taken.add(furthest);
  }
  return [...taken].sort((a, b) => a - b);
}
