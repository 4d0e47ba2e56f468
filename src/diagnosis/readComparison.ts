import type { Split } from '../protocol';
import type { ComparisonRow, RunDifference } from './compareRuns';

/** The gap where a metric has one, else the part seen in training, else weights. */
const splits: readonly (Split | null)[] = ['gap', 'train', 'held_out', null];

/** The rows of one metric that say most, all of one part; none where the metric was not compared. */
export function rowsToShow(rows: readonly ComparisonRow[], metric: string): { readonly split: Split | null; readonly shown: readonly ComparisonRow[] } {
  const ofMetric = rows.filter((row) => row.metric === metric);
  const split = splits.find((each) => ofMetric.some((row) => row.split === each)) ?? null;
  return { split, shown: ofMetric.filter((row) => row.split === split) };
}

/** Whether the 95 % interval of a difference leaves out zero. */
export function isClear({ low, high }: RunDifference): boolean {
  return low !== null && high !== null && (low > 0 || high < 0);
}

/**
 * Why differences are missing, each reason once with the layers.
 * @param other place of the run among the differences: 0 is the second run
 */
export function layersByObstacle(rows: readonly ComparisonRow[], other: number): ReadonlyMap<string, readonly string[]> {
  const reasons = new Map<string, string[]>();
  for (const { layer, differences } of rows) {
    const words = differences[other]?.obstacles.join(', ') ?? '';
    if (words !== '') reasons.set(words, [...(reasons.get(words) ?? []), layer]);
  }
  return reasons;
}
