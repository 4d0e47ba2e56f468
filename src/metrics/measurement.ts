import type { OptionValue } from '../protocol';
import { bootstrapReplicates, type LinearForm, standardDeviation, summarizeReplicates } from './bootstrap';
import type { LayerFeatures, LayerMeasurement, MeasureOptions } from './contract';
import type { Part, SplitRows } from './splitRows';

/** A metric on one split, before it becomes a record: what the gap also needs. */
export interface SplitValue {
  readonly split: SplitRows;
  readonly value: number | null;
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly warnings: readonly string[];
  /** Present where the value is a mean over samples, or is one to first order. */
  readonly form?: LinearForm | undefined;
  /** Values of the repetitions, where there are any; `value` is their mean. */
  readonly repetitions?: readonly number[] | undefined;
}

/** How a metric becomes records. */
export interface MetricShape {
  readonly metric: string;
  readonly method: number;
  /** Whether its value depends on the seed. */
  readonly random: boolean;
  /** What is subtracted from what, larger meaning more memorization; null when the metric has no gap record. */
  readonly gap: 'train - held_out' | 'held_out - train' | null;
  /** Whether the value depends on how many samples a split has, so that a gap between splits of different size is partly size. */
  readonly dependsOnSize: boolean;
}

const partNumber: Record<Part, number> = { train: 0, held_out: 1 };
const partName: Record<Part, string> = { train: 'train', held_out: 'held-out' };

/** Records of one metric: one for each split, then the gap when there are both. */
export function toMeasurements(layer: LayerFeatures, shape: MetricShape, values: readonly SplitValue[], options: MeasureOptions): LayerMeasurement[] {
  const replicates = values.map(({ form, split, value }) =>
    form && value !== null && split.sampleIds.length > 1 ? bootstrapReplicates(form, options.seed, partNumber[split.part]) : null,
  );
  const measurements = values.map((one, index): LayerMeasurement => {
    const own = replicates[index];
    return {
      ...base(layer, shape, options),
      split: one.split.part,
      n: one.split.features.rows,
      views: one.split.views,
      options: one.options,
      ...finite(one.value, one.warnings),
      ...(own && { uncertainty: summarizeReplicates(own) }),
      ...(one.value !== null && one.repetitions && { standardDeviation: standardDeviation(one.repetitions) }),
    };
  });
  const [train, heldOut] = values;
  if (!shape.gap || !train || !heldOut) return measurements;
  const sign = shape.gap === 'train - held_out' ? 1 : -1;
  const differences = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Float64Array.from({ length: Math.min(a.length, b.length) }, (_, index) => sign * ((a[index] as number) - (b[index] as number)));
  const value = train.value === null || heldOut.value === null ? null : sign * (train.value - heldOut.value);
  const [ofTrain, ofHeldOut] = replicates;
  measurements.push({
    ...base(layer, shape, options),
    split: 'gap',
    n: train.split.features.rows + heldOut.split.features.rows,
    views: Math.min(train.split.views, heldOut.split.views),
    options: gapOptions(train, heldOut),
    ...finite(value, gapWarnings(train, heldOut, shape)),
    ...(value !== null && ofTrain && ofHeldOut && { uncertainty: summarizeReplicates(differences(ofTrain, ofHeldOut)) }),
    ...(value !== null &&
      train.repetitions &&
      heldOut.repetitions && { standardDeviation: standardDeviation(differences(train.repetitions, heldOut.repetitions)) }),
  });
  return measurements;
}

function base(layer: LayerFeatures, { metric, method, random }: MetricShape, options: MeasureOptions) {
  return { layer: layer.layer, layerIndex: layer.layerIndex, metric, d: layer.features.columns, seed: random ? options.seed : null, method };
}

function finite(value: number | null, warnings: readonly string[]): { value: number | null; warnings: readonly string[] } {
  if (value === null || Number.isFinite(value)) return { value, warnings };
  return { value: null, warnings: [...warnings, `The computation gave ${value}.`] };
}

/** Options of both; where they differ (a smaller part allows fewer components) the held-out one stands beside it. */
function gapOptions(train: SplitValue, heldOut: SplitValue): Record<string, OptionValue> {
  const options: Record<string, OptionValue> = { ...train.options };
  for (const [name, value] of Object.entries(heldOut.options)) if (train.options[name] !== value) options[`${name}_held_out`] = value;
  return options;
}

function gapWarnings(train: SplitValue, heldOut: SplitValue, { dependsOnSize }: MetricShape): string[] {
  const warnings: string[] = [];
  for (const { value, warnings: own, split } of [train, heldOut]) {
    if (value === null) warnings.push(`No gap without a value on the ${partName[split.part]} part: ${own.join(' ')}`);
  }
  if (warnings.length > 0) return warnings;
  const [samples, others] = [train.split.sampleIds.length, heldOut.split.sampleIds.length];
  if (dependsOnSize && (samples !== others || train.split.views !== heldOut.split.views)) {
    warnings.push(
      `The parts differ in size (train ${samples} samples x ${train.split.views} views, held-out ${others} x ${heldOut.split.views}), so part of the gap is size.`,
    );
  }
  return [...new Set([...warnings, ...train.warnings, ...heldOut.warnings])];
}

/** Why nothing can be computed from these rows at all, or null. */
export function notFiniteReason({ notFinite, features }: SplitRows): string | null {
  if (!notFinite) return features.columns === 0 ? 'The layer has no features.' : null;
  return `${count(notFinite.rows, features.rows)} NaN or infinite (first: row ${notFinite.first}).`;
}

/** Why rows cannot be scaled to length 1, or null. */
export function noDirectionReason(split: SplitRows): string | null {
  const reason = notFiniteReason(split);
  if (reason || !split.allZero) return reason;
  return `${count(split.allZero.rows, split.features.rows)} all zero and so without direction (first: row ${split.allZero.first}).`;
}

function count(rows: number, of: number): string {
  return `${rows} of ${of} rows ${rows === 1 ? 'is' : 'are'}`;
}

/** Of one part of a probe. A useful probe has 128 samples x 8 views at least, half of them held out. */
export const usefulSamples = 64;
export const usefulViews = 8;

export function fewSamplesWarning({ sampleIds }: SplitRows): string[] {
  return sampleIds.length < usefulSamples ? [`Only ${sampleIds.length} sample${sampleIds.length === 1 ? '' : 's'}; a part of a probe should have ${usefulSamples} at least.`] : [];
}
