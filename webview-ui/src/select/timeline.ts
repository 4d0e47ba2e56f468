import type { MeasurementRecord, Onset, RunFile, ScalarSeries } from '../../../src/protocol';

export type TimeUnit = 'epoch' | 'step' | 'checkpoint';

/** Where something lies in training, as far as it says so itself. */
export interface Moment {
  readonly epoch: number | null;
  readonly step: number | null;
}

/** The one horizontal axis of a run: everything that is drawn gets its place from here. */
export interface Timeline {
  readonly unit: TimeUnit;
  /** Place of a measured file; null when it has none. */
  ofSource(source: string): number | null;
  /** Place of any other moment; null when it can be neither read nor interpolated. */
  ofMoment(moment: Moment): number | null;
  /** Place of the low end, the start and the high end of an onset. */
  ofOnset(onset: Onset): { readonly low: number; readonly at: number; readonly high: number } | null;
}

/**
 * Epochs where they tell the files apart, else steps, else the order of the files.
 * Between epochs and steps it interpolates along the pairs that the run itself contains.
 */
export function makeTimeline(
  records: readonly MeasurementRecord[],
  files: readonly RunFile[],
  series: readonly ScalarSeries[],
  kind: MeasuredKind = 'probe',
  /** The unit where nothing measured decides. */
  unitOfLogs: TimeUnit = 'epoch',
): Timeline {
  const moments = new Map<string, Moment>();
  for (const file of files) if (isMeasured(file, kind)) moments.set(file.path, file);
  for (const record of records) if (!moments.has(record.source) || record.epoch !== null) moments.set(record.source, record);

  const unit = moments.size === 0 ? unitOfLogs : chooseUnit([...moments.values()], kind);
  const order = new Map([...moments.keys()].sort(naturalOrder).map((source, index) => [source, index]));
  const pairs = collectPairs([...moments.values()], series);
  const epochOfStep = interpolator(pairs.map(([epoch, step]) => [step, epoch]));
  const stepOfEpoch = interpolator(pairs);

  const ofMoment = (moment: Moment): number | null => {
    if (unit === 'epoch') return moment.epoch ?? (moment.step === null ? null : epochOfStep(moment.step));
    if (unit === 'step') return moment.step ?? (moment.epoch === null ? null : stepOfEpoch(moment.epoch));
    return null;
  };
  return {
    unit,
    ofMoment,
    ofSource: (source) => {
      const moment = moments.get(source);
      if (!moment) return null;
      return unit === 'checkpoint' ? (order.get(source) ?? null) : ofMoment(moment);
    },
    ofOnset: (onset) => {
      const place = (value: number): number | null => ofMoment({ epoch: onset.axis === 'epoch' ? value : null, step: onset.axis === 'step' ? value : null });
      const [low, at, high] = [place(onset.low), place(onset.at), place(onset.high)];
      return low === null || at === null || high === null ? null : { low, at, high };
    },
  };
}

/** Whether some log names only epochs or only steps while another one tells how the two go together. */
export function needsLogPairs(series: readonly ScalarSeries[]): boolean {
  const lacking = (one: ScalarSeries): boolean => one.epochs.at(-1) == null || one.steps.at(-1) == null;
  return series.some(lacking) && !series.every(lacking);
}

/** The unit in which most logs can be placed; epochs where both serve. */
export function chooseUnitOfLogs(series: readonly ScalarSeries[]): TimeUnit {
  const names = (values: readonly (number | null)[]): boolean => values.at(-1) != null || values[0] != null;
  const convertible = series.some(({ epochs, steps }) => names(epochs) && names(steps));
  const placed = (unit: 'epochs' | 'steps'): number => series.filter((one) => names(one[unit]) || convertible).length;
  return placed('steps') > placed('epochs') ? 'step' : 'epoch';
}

export function naturalOrder(a: string, b: string): number {
  return collator.compare(a, b);
}

const collator = new Intl.Collator('en', { numeric: true });

/** What is measured of a run: features of probes, or weights of checkpoints; what its training recorded itself belongs to no file. */
export type MeasuredKind = 'probe' | 'checkpoint' | 'training';

/** Whether a file is one to be measured. Checkpoints that are only listed (not opened yet, or without weights) are not. */
export function isMeasured(file: RunFile, kind: MeasuredKind): boolean {
  return file.kind === kind && (kind === 'probe' || file.layers !== undefined || file.state === 'waiting' || file.state === 'problem');
}

function chooseUnit(moments: readonly Moment[], kind: MeasuredKind): TimeUnit {
  // A best.pt beside checkpoints of epochs is no reason to number all of them; where most files say nothing, it is.
  const mayLack = kind === 'checkpoint' ? moments.length / 2 : 0;
  const distinct = (values: readonly (number | null)[]): number => {
    const known = values.filter((value) => value !== null);
    return values.length - known.length > mayLack ? 0 : new Set(known).size;
  };
  const epochs = distinct(moments.map((moment) => moment.epoch));
  const steps = distinct(moments.map((moment) => moment.step));
  if (epochs === 0 && steps === 0) return 'checkpoint';
  return steps > epochs ? 'step' : 'epoch';
}

const maximumPairsOfALog = 2000;

function collectPairs(moments: readonly Moment[], series: readonly ScalarSeries[]): [epoch: number, step: number][] {
  const pairs: [number, number][] = [];
  const add = (epoch: number | null | undefined, step: number | null | undefined): void => {
    if (typeof epoch === 'number' && typeof step === 'number') pairs.push([epoch, step]);
  };
  for (const moment of moments) add(moment.epoch, moment.step);
  for (const { epochs, steps } of series) {
    const stride = Math.max(1, Math.ceil(epochs.length / maximumPairsOfALog));
    for (let i = 0; i < epochs.length; i += stride) add(epochs[i], steps[i]);
  }
  return pairs;
}

/** Piecewise linear through the points, straight on beyond the ends; null with fewer than two different points. */
function interpolator(points: readonly (readonly [number, number])[]): (x: number) => number | null {
  const sorted = [...points].sort((a, b) => a[0] - b[0]).filter(([x], i, all) => i === 0 || x > (all[i - 1]?.[0] ?? NaN));
  return (x) => {
    if (sorted.length < 2) return null;
    let upper = 1;
    let last = sorted.length - 1;
    while (upper < last) {
      const middle = (upper + last) >> 1;
      if ((sorted[middle]?.[0] ?? 0) < x) upper = middle + 1;
      else last = middle;
    }
    const [x0, y0] = sorted[upper - 1] ?? [0, 0];
    const [x1, y1] = sorted[upper] ?? [1, 0];
    return y0 + ((x - x0) * (y1 - y0)) / (x1 - x0);
  };
}
