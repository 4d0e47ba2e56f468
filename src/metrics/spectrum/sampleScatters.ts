import { kernels } from '../../linalg/kernels';
import { type Matrix, transpose, zeros } from '../../linalg/matrix';
import { RowBlock } from '../../linalg/rowBlock';
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
  const count = samples.length;
  const places = Int32Array.from(samples);
  for (let j = 0; j < d; j++) {
    const from = j * all;
    let centre = 0;
    for (let place = 0; place < count; place++) centre += lying.data[from + (places[place] as number)] as number;
    centre /= count;
    for (let place = 0; place < count; place++) means.data[j * count + place] = ((lying.data[from + (places[place] as number)] as number) - centre) * scale;
  }
  return { means, within };
}

/** samples x d: mean of the rows of each sample, less the mean of all rows. */
function meansAround(part: PartRows, mean: Float64Array, checkpoint: () => void): Matrix<Float64Array> {
  const { features, scale } = livingFeatures(part);
  const { columns } = features;
  const result = zeros(part.sampleIds.length, columns);
  const { addRows, centre } = kernels();
  const block = new RowBlock(features, [columns, columns]);
  const [around, sum] = block.vectors as [Float64Array, Float64Array];
  around.set(mean);
  for (let sample = 0; sample < result.rows; sample++) {
    checkpoint();
    const [from, to] = [part.starts[sample] as number, part.starts[sample + 1] as number];
    sum.fill(0);
    for (let row = from; row < to; row += block.rowsAtOnce) {
      const count = Math.min(block.rowsAtOnce, to - row);
      block.load(row, count);
      centre(block.address, count, columns, around.byteOffset, scale);
      addRows(sum.byteOffset, block.address, count, columns, 1 / (to - from));
    }
    result.data.set(sum, sample * columns);
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
