import type { OptionValue } from '../protocol';
import { bootstrapReplicates, standardDeviation, summarizeReplicates } from './bootstrap';
import type { LayerMeasurement, MeasureOptions, MetricShape, PartValue } from './contract';
import type { Part } from './partRows';

/** What the records of one part of a layer say beside the values. */
export interface PartSummary {
  readonly part: Part;
  readonly layer: string;
  readonly layerIndex: number;
  readonly rows: number;
  readonly columns: number;
  readonly samples: number;
  /** Smallest number of views a sample has. */
  readonly views: number;
}

/** One metric on one part. */
export interface PartMeasurement extends PartValue {
  readonly summary: PartSummary;
}

const partNumber: Record<Part, number> = { train: 0, held_out: 1 };
const partName: Record<Part, string> = { train: 'train', held_out: 'held-out' };

/** Records of one metric: one for each part (train first), then the gap when there are both. */
export function toMeasurements(shape: MetricShape, method: number, values: readonly PartMeasurement[], options: MeasureOptions): LayerMeasurement[] {
  const random = typeof shape.random === 'function' ? shape.random(options) : shape.random;
  const base = ({ layer, layerIndex, columns }: PartSummary) => ({ layer, layerIndex, metric: shape.metric, d: columns, seed: random ? options.seed : null, method });
  const replicates = values.map(({ form, summary, value }) =>
    form && value !== null && summary.samples > 1 ? bootstrapReplicates(form, options.seed, partNumber[summary.part]) : null,
  );
  const measurements = values.map((one, index): LayerMeasurement => {
    const own = replicates[index];
    const checked = finite(one.value, one.warnings);
    return {
      ...base(one.summary),
      split: one.summary.part,
      n: one.summary.rows,
      views: one.summary.views,
      options: one.options,
      ...checked,
      ...(own && { uncertainty: summarizeReplicates(own) }),
      ...(one.value !== null && one.repetitions && { standardDeviation: standardDeviation(one.repetitions) }),
      ...(checked.value !== null && one.details && { details: one.details }),
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
    ...base(train.summary),
    split: 'gap',
    n: train.summary.rows + heldOut.summary.rows,
    views: Math.min(train.summary.views, heldOut.summary.views),
    options: gapOptions(train, heldOut),
    ...finite(value, gapWarnings(train, heldOut, shape)),
    ...(value !== null && ofTrain && ofHeldOut && { uncertainty: summarizeReplicates(differences(ofTrain, ofHeldOut)) }),
    ...(value !== null &&
      train.repetitions &&
      heldOut.repetitions && { standardDeviation: standardDeviation(differences(train.repetitions, heldOut.repetitions)) }),
  });
  return measurements;
}

function finite(value: number | null, warnings: readonly string[]): { value: number | null; warnings: readonly string[] } {
  if (value === null || Number.isFinite(value)) return { value, warnings };
  return { value: null, warnings: [...warnings, `The computation gave ${value}.`] };
}

/** Options of both; where they differ (a smaller part allows fewer components) the held-out one stands beside it. */
function gapOptions(train: PartValue, heldOut: PartValue): Record<string, OptionValue> {
  const options: Record<string, OptionValue> = { ...train.options };
  for (const [name, value] of Object.entries(heldOut.options)) if (train.options[name] !== value) options[`${name}_held_out`] = value;
  return options;
}

function gapWarnings(train: PartMeasurement, heldOut: PartMeasurement, { dependsOnSize }: MetricShape): string[] {
  const warnings: string[] = [];
  for (const { value, warnings: own, summary } of [train, heldOut]) {
    if (value === null) warnings.push(`No gap without a value on the ${partName[summary.part]} part: ${own.join(' ')}`);
  }
  if (warnings.length > 0) return warnings;
  const [{ samples, views }, other] = [train.summary, heldOut.summary];
  if (dependsOnSize && (samples !== other.samples || views !== other.views)) {
    warnings.push(
      `The parts differ in size (train ${samples} samples x ${views} views, held-out ${other.samples} x ${other.views}), so part of the gap is size.`,
    );
  }
  return [...new Set([...warnings, ...train.warnings, ...heldOut.warnings])];
}
