import { type Matrix, transpose, zeros } from '../../linalg/matrix';
import type { MeasureContext } from '../contract';
import type { PartRows } from '../partRows';
import { centredGram } from './centredGram';
import { livingFeatures } from './livingFeatures';

/** Smallest share of the scatter within samples in the total at which it is taken as a difference; that keeps 13 digits. */
const subtractionShare = 0.01;

export interface SampleScatters {
  /** d x samples: means of the given samples less their mean, over sqrt(samples - 1), so that their Gram matrix is a covariance. */
  readonly means: Matrix<Float64Array>;
  /** d x d: sum over all rows of the outer square of the row less the mean of its sample. */
  readonly within: Matrix<Float64Array>;
}

/** Of the scaled living features of a part with at least as many rows as those have columns. */
export async function sampleScatters(part: PartRows, samples: readonly number[], context: MeasureContext): Promise<SampleScatters> {
  const { gram, mean, centredSquares } = await centredGram(part, context);
  const options = { checkpoint: context.checkpoint };
  const around = meansAround(part, mean, context.checkpoint);
  const d = mean.length;
  const all = around.rows;
  const lying = transpose(around);
  context.checkpoint();
  const weights = Float64Array.from({ length: all }, (_, sample) => Math.sqrt((part.starts[sample + 1] as number) - (part.starts[sample] as number)));
  const weighted = zeros(d, all);
  let between = 0;
  for (let start = 0; start < weighted.data.length; start += all) {
    for (let sample = 0; sample < all; sample++) {
      const value = (weights[sample] as number) * (lying.data[start + sample] as number);
      weighted.data[start + sample] = value;
      between += value * value;
    }
  }
  context.checkpoint();
  const within =
    centredSquares - between >= subtractionShare * centredSquares
      ? lessPart(gram, await context.engine.gram(weighted, 'rows', options))
      : await context.engine.gram(residuals(part, mean, around, context.checkpoint), 'rows', options);

  context.checkpoint();
  const means = zeros(d, samples.length);
  const scale = 1 / Math.sqrt(samples.length - 1);
  for (let j = 0; j < d; j++) {
    let centre = 0;
    for (const sample of samples) centre += (lying.data[j * all + sample] as number) / samples.length;
    for (const [place, sample] of samples.entries()) means.data[j * samples.length + place] = ((lying.data[j * all + sample] as number) - centre) * scale;
  }
  return { means, within };
}

/** samples x d: mean of the rows of each sample, less the mean of all rows. */
function meansAround(part: PartRows, mean: Float64Array, checkpoint: () => void): Matrix<Float64Array> {
  const { features: { columns, data }, scale } = livingFeatures(part);
  const result = zeros(part.sampleIds.length, columns);
  for (let sample = 0; sample < result.rows; sample++) {
    checkpoint();
    const own = sample * columns;
    const [from, to] = [part.starts[sample] as number, part.starts[sample + 1] as number];
    for (let start = from * columns; start < to * columns; start += columns) {
      for (let j = 0; j < columns; j++) {
        result.data[own + j] = (result.data[own + j] as number) + ((data[start + j] as number) * scale - (mean[j] as number));
      }
    }
    for (let j = own; j < own + columns; j++) result.data[j] = (result.data[j] as number) / (to - from);
  }
  return result;
}

/** d x n: each row less the mean of its sample. */
function residuals(part: PartRows, mean: Float64Array, around: Matrix<Float64Array>, checkpoint: () => void): Matrix<Float64Array> {
  const { features: { rows, columns, data }, scale } = livingFeatures(part);
  const result = zeros(columns, rows);
  for (let sample = 0; sample < around.rows; sample++) {
    checkpoint();
    const [from, to] = [part.starts[sample] as number, part.starts[sample + 1] as number];
    for (let j = 0; j < columns; j++) {
      const own = around.data[sample * columns + j] as number;
      for (let i = from; i < to; i++) result.data[j * rows + i] = (data[i * columns + j] as number) * scale - (mean[j] as number) - own;
    }
  }
  return result;
}

/** Total less part, written over the part. */
function lessPart(total: Matrix<Float64Array>, part: Matrix<Float64Array>): Matrix<Float64Array> {
  for (let i = 0; i < part.data.length; i++) part.data[i] = (total.data[i] as number) - (part.data[i] as number);
  return part;
}
