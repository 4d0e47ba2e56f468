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
  const { columns, data } = normalizedRows(part);
  const sums = new Float64Array(part.sampleIds.length);
  for (let sample = 0; sample < sums.length; sample++) {
    const end = (part.starts[sample + 1] as number) * columns;
    let total = 0;
    for (let start = (part.starts[sample] as number) * columns; start < end; start += columns) total += weightedSquare(data, start, mean, weights);
    sums[sample] = total;
  }
  return sums;
}

function weightedSquare(data: Float64Array, start: number, mean: Float64Array, weights: Float64Array): number {
  let total = 0;
  for (let j = 0; j < mean.length; j++) {
    const difference = (data[start + j] as number) - (mean[j] as number);
    total += (weights[j] as number) * difference * difference;
  }
  return total;
}

/** Mean and unbiased variance of each column, from sums around the first row: those lose few digits however close together the rows are. */
function columnVariances(part: PartRows): { mean: Float64Array; variance: Float64Array } {
  const { rows, columns, data } = normalizedRows(part);
  const sums = new Float64Array(columns);
  const squares = new Float64Array(columns);
  // Two rows at a time, so that the sums are read and written half as often; the last row may come alone.
  for (let upper = 0; upper < data.length; upper += 2 * columns) {
    const lower = upper + columns < data.length ? upper + columns : 0;
    for (let j = 0; j < columns; j++) {
      const first = data[j] as number;
      const a = (data[upper + j] as number) - first;
      const b = (data[lower + j] as number) - first;
      sums[j] = (sums[j] as number) + (a + b);
      squares[j] = (squares[j] as number) + (a * a + b * b);
    }
  }
  const mean = sums.map((sum, j) => (data[j] as number) + sum / rows);
  const variance = squares.map((square, j) => Math.max(0, square - (sums[j] as number) ** 2 / rows) / (rows - 1));
  return { mean, variance };
}
