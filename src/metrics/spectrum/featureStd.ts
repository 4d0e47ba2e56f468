import { kernels } from '../../linalg/kernels';
import { RowBlock } from '../../linalg/rowBlock';
import { type LinearForm, sum } from '../bootstrap';
import type { MeasureContext, PartValue } from '../contract';
import { normalizedRows, type PartRows } from '../partRows';
import { fewSamplesWarning, noDirectionReason } from '../reasons';
import { oneMetric } from './oneMetric';

const recordedOptions = { normalisation: 'l2', ddof: 1 };

/**
 * Mean over dimensions of the standard deviation of rows of length 1 (the collapse monitor of SimSiam, Chen & He 2021, and of lightly):
 * 0 when all rows are one, 1/sqrt(d) when they point everywhere alike.
 */
export const featureStdFamily = oneMetric('feature_std', { dependsOnSize: false }, (part, context): PartValue => {
  const none = (reason: string) => ({ value: null, options: recordedOptions, warnings: [reason] });
  const reason = noDirectionReason(part);
  if (reason) return none(reason);
  const { rows, columns } = part.features;
  if (rows < 2) return none('A single row has no standard deviation.');
  const { value, form } = deviation(part, context);
  return { value, options: recordedOptions, warnings: fewSamplesWarning(part), form, details: { isotropic: 1 / Math.sqrt(columns) } };
});

function deviation(part: PartRows, { checkpoint }: MeasureContext): { value: number; form: LinearForm } {
  const { rows, columns } = part.features;
  const { mean, variance } = columnVariances(part);
  checkpoint();
  const deviations = variance.map(Math.sqrt);
  const value = sum(deviations) / columns;
  // To first order a row changes the deviation s of a dimension by (its squared difference - s^2) / (2 s).
  const numerator = weightedSquares(part, mean, deviations.map((one) => (one > 0 ? 1 / (2 * one * columns) : 0)));
  const denominator = Float64Array.from({ length: numerator.length }, (_, sample) => (part.starts[sample + 1] as number) - (part.starts[sample] as number));
  return { value, form: { offset: value - sum(numerator) / rows, factor: 1, numerator, denominator } };
}

/** [samples] sum over the rows of a sample of their weighted squared differences from the mean. */
function weightedSquares(part: PartRows, mean: Float64Array, weights: Float64Array): Float64Array {
  const { columns } = part.features;
  const sums = new Float64Array(part.sampleIds.length);
  const block = new RowBlock(normalizedRows(part), [columns, columns]);
  const [ownMean, ownWeights] = block.vectors as [Float64Array, Float64Array];
  ownMean.set(mean);
  ownWeights.set(weights);
  for (let sample = 0; sample < sums.length; sample++) {
    const end = part.starts[sample + 1] as number;
    for (let row = part.starts[sample] as number; row < end; row += block.rowsAtOnce) {
      const count = Math.min(block.rowsAtOnce, end - row);
      block.load(row, count);
      sums[sample] = (sums[sample] as number) + kernels().weightedScatter(block.address, count, columns, ownMean.byteOffset, ownWeights.byteOffset);
    }
  }
  return sums;
}

/** Mean and unbiased variance of each column, from sums around the first row: those lose few digits however close together the rows are. */
function columnVariances(part: PartRows): { mean: Float64Array; variance: Float64Array } {
  const normalized = normalizedRows(part);
  const { rows, columns, data } = normalized;
  const block = new RowBlock(normalized, [columns, columns, columns]);
  const [first, sums, squares] = block.vectors as [Float64Array, Float64Array, Float64Array];
  first.set(data.subarray(0, columns));
  sums.fill(0);
  squares.fill(0);
  block.visit((_, count) => {
    kernels().addAround(block.address, count, columns, first.byteOffset, sums.byteOffset, squares.byteOffset);
  });
  const mean = sums.map((sum, j) => (first[j] as number) + sum / rows);
  const variance = squares.map((square, j) => Math.max(0, square - (sums[j] as number) ** 2 / rows) / (rows - 1));
  return { mean, variance };
}
