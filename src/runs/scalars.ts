import type { ScalarColumns, ScalarPurge, ScalarRow } from '../formats';
import type { ScalarSeries } from '../protocol';

interface Points {
  readonly epochs: (number | null)[];
  readonly steps: (number | null)[];
  readonly values: (number | null)[];
}

/** What is new of one quantity. */
interface FreshSeries extends Points {
  readonly whole: GrowingSeries;
  nonFinite: number;
}

interface GrowingSeries {
  readonly tag: string;
  /** In order. Long ones are the arrays that were told as new; the last may be our own and grow. */
  chunks: Points[];
  /** The last chunk, when it is our own. */
  tail: Points | null;
  nonFinite: number;
  /** Of the points that are there; -Infinity before the first. */
  largestStep: number;
  /** NaN: has to be looked for. */
  largestEpoch: number;
  /** Whether no step is smaller than the one before it. */
  isSorted: boolean;
}

/** What new points make of the series. */
export interface CollectedSeries {
  /** Points that were there before are void: `series` is everything that is left, not only what is new. */
  readonly rewritten: boolean;
  /** In their order; a tag may come more than once. */
  readonly series: ScalarSeries[];
}

/** Above this many quantities a "log" is a table with data in its keys; more would fill memory and no picker could show them. */
export const maximumTags = 10_000;
/** So many new points are kept as they are; fewer are copied, so that a log that grows point by point does not become a heap of small arrays. */
const longChunk = 1024;

/** Gathers the points of one log into series. Every point is kept, in file order; only a restart of the training, as the log tells it, voids some. */
export class ScalarCollector {
  private readonly byTag = new Map<string, GrowingSeries>();
  private ignored = 0;

  /** @param source log file, relative to the run's folder */
  constructor(readonly source: string) {}

  /** Largest epoch seen. */
  get epoch(): number | null {
    return this.largest('largestEpoch');
  }

  /** Largest step seen. */
  get step(): number | null {
    return this.largest('largestStep');
  }

  /** Points left out because their tag came after the first `maximumTags`. */
  get ignoredPoints(): number {
    return this.ignored;
  }

  /** Adds rows and answers with what is new: one series a tag with only the new points, `nonFinite` counting among them. */
  append(rows: readonly ScalarRow[]): ScalarSeries[] {
    const fresh = new Map<string, FreshSeries>();
    for (const { epoch, step, values } of rows) {
      for (const [tag, value] of values) {
        let series = fresh.get(tag);
        if (series === undefined) {
          const whole = this.seriesOf(tag);
          if (whole === null) {
            this.ignored++;
            continue;
          }
          series = newSeries(whole);
          fresh.set(tag, series);
        }
        push(series, epoch, step, value);
      }
    }
    return this.keep([...fresh.values()]);
  }

  /** As `append`, for points in columns. */
  appendColumns({ tags, tag, epochs, steps, values, purges }: ScalarColumns): CollectedSeries {
    let byTag: (FreshSeries | null | undefined)[] = [];
    const told: ScalarSeries[] = [];
    let nextPurge = 0;
    let rewritten = false;
    const keep = () => {
      told.push(...this.keep(byTag.filter((series): series is FreshSeries => series !== null && series !== undefined)));
      byTag = [];
    };
    for (let i = 0; i < tag.length; i++) {
      for (; nextPurge < purges.length && purges[nextPurge]!.at <= i; nextPurge++) {
        keep();
        rewritten = this.purge(purges[nextPurge]!) || rewritten;
      }
      const index = tag[i]!;
      let series = byTag[index];
      if (series === undefined) {
        const whole = this.seriesOf(tags[index]!);
        series = whole === null ? null : newSeries(whole);
        byTag[index] = series;
      }
      if (series === null) {
        this.ignored++;
        continue;
      }
      if (epochs !== null) series.epochs.push(Number.isNaN(epochs[i]) ? null : epochs[i]!);
      pushValue(series, steps[i]!, values[i]!);
    }
    keep();
    for (; nextPurge < purges.length; nextPurge++) rewritten = this.purge(purges[nextPurge]!) || rewritten;
    return { rewritten, series: rewritten ? this.series() : told };
  }

  /** Everything so far, in order of first appearance; the arrays are copies. */
  series(): ScalarSeries[] {
    return [...this.byTag.values()].flatMap((series) => {
      const { epochs, steps, values } = joined(series.chunks);
      return values.length === 0 ? [] : [{ tag: series.tag, source: this.source, epochs, steps, values, nonFinite: series.nonFinite }];
    });
  }

  /**
   * The same as it is now, in pieces of at most `most` points of one quantity each. Points are copied when a piece is taken: what is appended or
   * voided meanwhile does not show.
   */
  pieces(most: number): IterableIterator<ScalarSeries> {
    const { source } = this;
    const frozen = [...this.byTag.values()].map(({ tag, chunks }) => ({ tag, chunks: chunks.map((points) => ({ points, length: points.values.length })) }));
    return (function* () {
      for (const { tag, chunks } of frozen) {
        let held: Points[] = [];
        let count = 0;
        const piece = (): ScalarSeries => {
          const { epochs, steps, values } = joined(held);
          held = [];
          count = 0;
          return { tag, source, epochs, steps, values, nonFinite: values.reduce<number>((sum, value) => sum + Number(value === null), 0) };
        };
        for (const { points, length } of chunks) {
          for (let from = 0; from < length; ) {
            const to = Math.min(length, from + most - count);
            held.push({ epochs: points.epochs.slice(from, to), steps: points.steps.slice(from, to), values: points.values.slice(from, to) });
            count += to - from;
            from = to;
            if (count === most) yield piece();
          }
        }
        if (count > 0) yield piece();
      }
    })();
  }

  /** Forgets everything: the log was truncated or replaced. */
  clear(): void {
    this.byTag.clear();
    this.ignored = 0;
  }

  /** @returns whether points went */
  private purge({ fromStep, tags }: ScalarPurge): boolean {
    const concerned = tags === null ? this.byTag.values() : tags.flatMap((tag) => this.byTag.get(tag) ?? []);
    let isAny = false;
    for (const series of concerned) {
      if (series.largestStep >= fromStep) {
        dropFrom(series, fromStep);
        isAny = true;
      }
    }
    return isAny;
  }

  private keep(fresh: readonly FreshSeries[]): ScalarSeries[] {
    return fresh.map((series) => {
      const { epochs, steps, values, nonFinite, whole } = series;
      const hasEpochs = epochs.length > 0;
      if (!hasEpochs) {
        epochs.length = values.length;
        epochs.fill(null);
      }
      absorb(whole, series, hasEpochs);
      return { tag: whole.tag, source: this.source, epochs, steps, values, nonFinite };
    });
  }

  private largest(of: 'largestEpoch' | 'largestStep'): number | null {
    let best = -Infinity;
    for (const series of this.byTag.values()) {
      if (Number.isNaN(series.largestEpoch)) series.largestEpoch = series.chunks.reduce((most, { epochs }) => Math.max(most, largestOf(epochs)), -Infinity);
      best = Math.max(best, series[of]);
    }
    return best === -Infinity ? null : best;
  }

  private seriesOf(tag: string): GrowingSeries | null {
    let series = this.byTag.get(tag);
    if (series === undefined) {
      if (this.byTag.size >= maximumTags) {
        return null;
      }
      series = { tag, chunks: [], tail: null, nonFinite: 0, largestStep: -Infinity, largestEpoch: -Infinity, isSorted: true };
      this.byTag.set(tag, series);
    }
    return series;
  }
}

function newSeries(whole: GrowingSeries): FreshSeries {
  return { whole, epochs: [], steps: [], values: [], nonFinite: 0 };
}

function push(series: Points & { nonFinite: number }, epoch: number | null, step: number | null, value: number): void {
  series.epochs.push(epoch);
  pushValue(series, step, value);
}

function pushValue(series: Points & { nonFinite: number }, step: number | null, value: number): void {
  const finite = Number.isFinite(value);
  series.steps.push(step);
  series.values.push(finite ? value : null);
  if (!finite) {
    series.nonFinite++;
  }
}

/** Adds points to a series. The arrays may be kept: nobody changes them afterwards. */
function absorb(series: GrowingSeries, { epochs, steps, values, nonFinite }: Points & { readonly nonFinite: number }, hasEpochs: boolean): void {
  series.nonFinite += nonFinite;
  if (hasEpochs) series.largestEpoch = Math.max(series.largestEpoch, largestOf(epochs));
  let largest = series.largestStep;
  let isSorted = series.isSorted;
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    if (step === null) continue;
    if (step >= largest) largest = step;
    else isSorted = false;
  }
  series.largestStep = largest;
  series.isSorted = isSorted;
  if (values.length >= longChunk) {
    series.chunks.push({ epochs, steps, values });
    series.tail = null;
    return;
  }
  if (series.tail === null || series.tail.values.length >= longChunk) {
    series.tail = { epochs: [], steps: [], values: [] };
    series.chunks.push(series.tail);
  }
  series.tail.epochs.push(...epochs);
  series.tail.steps.push(...steps);
  series.tail.values.push(...values);
}

/** One copy of all. `concat` copies blocks of memory; `flatMap` would take thirty times as long. */
function joined(chunks: readonly Points[]): Points {
  const join = (column: keyof Points) => ([] as (number | null)[]).concat(...chunks.map((chunk) => chunk[column]));
  return { epochs: join('epochs'), steps: join('steps'), values: join('values') };
}

/** Drops the points of `fromStep` and later steps. Where the steps rise, as they nearly always do, only those are touched. */
function dropFrom(series: GrowingSeries, fromStep: number): void {
  const dropped: Points[] = [];
  if (!series.isSorted) {
    const { epochs, steps, values } = joined(series.chunks);
    const kept = { epochs: [] as Points['epochs'], steps: [] as Points['steps'], values: [] as Points['values'], nonFinite: 0 };
    steps.forEach((step, i) => {
      if (step === null || step < fromStep) push(kept, epochs[i]!, step, values[i] ?? NaN);
    });
    Object.assign(series, { chunks: [], tail: null, nonFinite: 0, largestStep: -Infinity, largestEpoch: -Infinity, isSorted: true });
    absorb(series, kept, true);
    return;
  }
  for (let last = series.chunks.at(-1); last !== undefined; last = series.chunks.at(-1)) {
    let start = last.steps.length;
    while (start > 0 && !(last.steps[start - 1]! < fromStep)) start--;
    dropped.push({ epochs: last.epochs.slice(start), steps: last.steps.slice(start), values: last.values.slice(start) });
    series.chunks.pop();
    if (start > 0) {
      series.chunks.push({ epochs: last.epochs.slice(0, start), steps: last.steps.slice(0, start), values: last.values.slice(0, start) });
      break;
    }
  }
  series.tail = series.chunks.at(-1) ?? null;
  series.nonFinite -= dropped.reduce((sum, { values }) => sum + values.filter((value) => value === null).length, 0);
  series.largestStep = series.tail?.steps.at(-1) ?? -Infinity;
  series.largestEpoch = NaN;
}

function largestOf(values: readonly (number | null)[]): number {
  let best = -Infinity;
  for (const value of values) if (value !== null && value > best) best = value;
  return best;
}
