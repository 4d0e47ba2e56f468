import type { ScalarRow } from '../formats';
import type { ScalarSeries } from '../protocol';

interface GrowingSeries {
  readonly tag: string;
  readonly source: string;
  readonly epochs: (number | null)[];
  readonly steps: (number | null)[];
  readonly values: (number | null)[];
  nonFinite: number;
}

/** Above this many quantities a "log" is a table with data in its keys; more would fill memory and no picker could show them. */
export const maximumTags = 10_000;

/** Gathers the rows of one log into series. Every point is kept, in file order. */
export class ScalarCollector {
  private readonly byTag = new Map<string, GrowingSeries>();
  private latestEpoch: number | null = null;
  private latestStep: number | null = null;
  private ignored = 0;

  /** @param source log file, relative to the run's folder */
  constructor(readonly source: string) {}

  /** Largest epoch seen. */
  get epoch(): number | null {
    return this.latestEpoch;
  }

  /** Largest step seen. */
  get step(): number | null {
    return this.latestStep;
  }

  /** Points left out because their tag came after the first `maximumTags`. */
  get ignoredPoints(): number {
    return this.ignored;
  }

  /** Adds rows and answers with what is new: one series a tag with only the new points, `nonFinite` counting among them. */
  append(rows: readonly ScalarRow[]): ScalarSeries[] {
    const fresh = new Map<string, GrowingSeries>();
    for (const row of rows) {
      this.latestEpoch = larger(this.latestEpoch, row.epoch);
      this.latestStep = larger(this.latestStep, row.step);
      for (const [tag, value] of row.values) {
        const whole = this.seriesOf(this.byTag, tag);
        if (whole === null) {
          this.ignored++;
          continue;
        }
        push(whole, row, value);
        push(this.seriesOf(fresh, tag)!, row, value);
      }
    }
    return [...fresh.values()];
  }

  /** Everything so far, in order of first appearance; the arrays are copies. */
  series(): ScalarSeries[] {
    return [...this.byTag.values()].map((series) => ({
      ...series,
      epochs: series.epochs.slice(),
      steps: series.steps.slice(),
      values: series.values.slice(),
    }));
  }

  /** Forgets everything: the log was truncated or replaced. */
  clear(): void {
    this.byTag.clear();
    this.latestEpoch = null;
    this.latestStep = null;
    this.ignored = 0;
  }

  private seriesOf(map: Map<string, GrowingSeries>, tag: string): GrowingSeries | null {
    let series = map.get(tag);
    if (series === undefined) {
      if (map.size >= maximumTags) {
        return null;
      }
      series = { tag, source: this.source, epochs: [], steps: [], values: [], nonFinite: 0 };
      map.set(tag, series);
    }
    return series;
  }
}

function push(series: GrowingSeries, row: ScalarRow, value: number): void {
  const finite = Number.isFinite(value);
  series.epochs.push(row.epoch);
  series.steps.push(row.step);
  series.values.push(finite ? value : null);
  if (!finite) {
    series.nonFinite++;
  }
}

function larger(best: number | null, candidate: number | null): number | null {
  return candidate !== null && (best === null || candidate > best) ? candidate : best;
}
