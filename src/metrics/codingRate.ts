import { cholesky, smallLogDeterminant, solveLower, toFloat32Factor } from '../linalg/cholesky';
import type { Engine } from '../linalg/engine';
import { type Matrix, zeros } from '../linalg/matrix';
import { type LinearForm, sum } from './bootstrap';
import type { LayerFeatures, LayerMeasurement, MeasureContext, MeasureOptions, MetricFamily } from './contract';
import { fewSamplesWarning, type MetricShape, noDirectionReason, type SplitValue, toMeasurements, usefulViews } from './measurement';
import { normalizedRows, type SplitRows, splitRows } from './splitRows';

/** Classes up to this size (or width) get their determinant from plain loops. */
const smallClass = 48;

const metrics = ['coding_rate', 'coding_rate_within', 'coding_rate_reduction', 'crr_normalized'] as const;
type CodingRateMetric = (typeof metrics)[number];

const method = 1;

const shapeOf = (metric: CodingRateMetric): MetricShape => ({ metric, method, random: false, gap: 'train - held_out', dependsOnSize: true });

/**
 * Coding rate, coding rate within classes and coding rate reduction of maximal coding rate reduction (Yu et al. 2020, arXiv 2006.08558),
 * taken as an indicator of overfitting by Qiang et al. (arXiv 2410.00772). Rows have length 1; a class is the views of one sample. In nats.
 */
export const codingRateFamily: MetricFamily = {
  id: 'coding_rate',
  metrics,
  method,
  async measure(layer: LayerFeatures, options: MeasureOptions, context: MeasureContext): Promise<LayerMeasurement[]> {
    if (!(options.eps2 > 0) || !Number.isFinite(options.eps2)) throw new RangeError(`eps2 must be a positive number, not ${options.eps2}.`);
    const values: Record<CodingRateMetric, SplitValue>[] = [];
    for (const split of splitRows(layer)) values.push(await measureSplit(split, options.eps2, context));
    return metrics.flatMap((metric) => toMeasurements(layer, shapeOf(metric), values.map((one) => one[metric]), options));
  },
};

async function measureSplit(split: SplitRows, eps2: number, context: MeasureContext): Promise<Record<CodingRateMetric, SplitValue>> {
  const recordedOptions = { eps2, normalisation: 'l2', partition: 'views' };
  const reason = noDirectionReason(split);
  const give = (value: number | null, warnings: readonly string[], form?: LinearForm): SplitValue => ({ split, value, options: recordedOptions, warnings, form });
  if (reason) {
    const none = give(null, [reason]);
    return { coding_rate: none, coding_rate_within: none, coding_rate_reduction: none, crr_normalized: none };
  }
  const n = split.features.rows;
  const d = split.features.columns;
  const whole = await codingRate(normalizedRows(split), eps2, context);
  const within = await classTerms(split, eps2, context);
  const rate = whole.rate;
  const rateWithin = sum(within) / n;
  const bound = codingRateBound(n, d, eps2);

  const samples = split.sampleIds.length;
  const sizes = Float64Array.from({ length: samples }, (_, sample) => (split.starts[sample + 1] as number) - (split.starts[sample] as number));
  const influence = new Float64Array(samples);
  for (let sample = 0; sample < samples; sample++) {
    for (let row = split.starts[sample] as number; row < (split.starts[sample + 1] as number); row++) {
      influence[sample] = (influence[sample] as number) + (whole.influence[row] as number);
    }
  }
  const offset = rate - sum(influence) / n;
  const difference = influence.map((value, sample) => value - (within[sample] as number));

  const few = fewSamplesWarning(split);
  const wide = n < d ? [`Fewer rows (${n}) than dimensions (${d}): the value is bounded by the number of rows.`] : [];
  const blind = viewWarnings(split);
  return {
    coding_rate: give(rate, [...few, ...wide], { offset, factor: 1, numerator: influence, denominator: sizes }),
    coding_rate_within: give(rateWithin, few, { offset: 0, factor: 1, numerator: within, denominator: sizes }),
    coding_rate_reduction: give(rate - rateWithin, [...blind, ...few, ...wide], { offset, factor: 1, numerator: difference, denominator: sizes }),
    crr_normalized: give((rate - rateWithin) / bound, [...blind, ...few, ...wide], {
      offset: offset / bound,
      factor: 1 / bound,
      numerator: difference,
      denominator: sizes,
    }),
  };
}

function viewWarnings({ views, sampleIds }: SplitRows): string[] {
  if (sampleIds.length === 1) return ['A single sample is a single class, so the reduction is 0 whatever the features are.'];
  if (views === 1) return ['A sample with one view says nothing about agreement between views: its share of the rate within is a constant.'];
  if (views < usefulViews) return [`The reduction barely sees alignment below ${usefulViews} views; this probe has ${views}.`];
  return [];
}

/** Largest possible coding rate of n rows of length 1 in d dimensions: that of an even spectrum. */
export function codingRateBound(n: number, d: number, eps2: number): number {
  return n >= d ? (d / 2) * Math.log1p(1 / eps2) : (n / 2) * Math.log1p(d / (n * eps2));
}

interface CodingRate {
  /** R = 1/2 logdet(I + a Z'Z), a = d / (n eps2), in nats. */
  readonly rate: number;
  /**
   * [n] n times the derivative of R by the weight of each row, 1/2 (d/eps2) z'(I + a Z'Z)^-1 z: its leverage.
   * R of reweighted rows is R + mean of (influence - its mean) to first order.
   */
  readonly influence: Float64Array;
}

/** On the smaller side: det(I + a Z'Z) = det(I + a ZZ'). */
async function codingRate(z: Matrix<Float64Array>, eps2: number, { engine, checkpoint }: MeasureContext): Promise<CodingRate> {
  const { rows: n, columns: d } = z;
  const a = d / (n * eps2);
  const options = { checkpoint };
  const influence = new Float64Array(n);
  if (n < d) {
    const factor = await cholesky(engine, shifted(await engine.gram(z, 'rows', options), a), options);
    // z'(I + a Z'Z)^-1 z = (1 - [(I + a ZZ')^-1]_ii) / a.
    const inverse = await solveLower(engine, factor, identity(n), options);
    const lengths = columnSquares(inverse);
    for (let row = 0; row < n; row++) influence[row] = (n / 2) * (1 - (lengths[row] as number));
    return { rate: factor.logDeterminant / 2, influence };
  }
  const transposed = transpose(z);
  const factor = await cholesky(engine, shifted(await engine.gram(transposed, 'rows', options), a), options);
  // Influences only feed the interval, where float32 is more than enough.
  const narrow = { ...transposed, data: new Float32Array(transposed.data) };
  const lengths = columnSquares(await solveLower(engine, toFloat32Factor(factor), narrow, options));
  for (let row = 0; row < n; row++) influence[row] = (d / (2 * eps2)) * (lengths[row] as number);
  return { rate: factor.logDeterminant / 2, influence };
}

/** [samples] n_j/2 logdet(I + d/(n_j eps2) Z_j Z_j'), each class on its smaller side. */
async function classTerms(split: SplitRows, eps2: number, context: MeasureContext): Promise<Float64Array> {
  const { columns: d, data } = normalizedRows(split);
  const samples = split.sampleIds.length;
  const terms = new Float64Array(samples);
  for (let sample = 0; sample < samples; sample++) {
    context.checkpoint();
    const start = split.starts[sample] as number;
    const size = (split.starts[sample + 1] as number) - start;
    const rows = { rows: size, columns: d, data: data.subarray(start * d, (start + size) * d) };
    const a = d / (size * eps2);
    const logDeterminant =
      size <= smallClass ? smallLogDeterminant(smallShiftedGram(rows, a), size) : await largeLogDeterminant(context.engine, rows, a, context.checkpoint);
    terms[sample] = (size / 2) * logDeterminant;
  }
  return terms;
}

async function largeLogDeterminant(engine: Engine, z: Matrix, a: number, checkpoint: () => void): Promise<number> {
  const gram = await engine.gram(z, z.rows < z.columns ? 'rows' : 'columns', { checkpoint });
  return engine.choleskyLogDeterminant(shifted(gram, a), { checkpoint });
}

/** Lower triangle of I + a ZZ', two rows against two at a time. */
function smallShiftedGram({ rows, columns, data }: Matrix<Float64Array>, a: number): Float64Array {
  const gram = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i += 2) {
    const upper = i * columns;
    const lower = (i + 1 < rows ? i + 1 : i) * columns;
    for (let j = 0; j <= i; j += 2) {
      const left = j * columns;
      const right = (j + 1 < rows ? j + 1 : j) * columns;
      let ul = 0;
      let ur = 0;
      let ll = 0;
      let lr = 0;
      for (let k = 0; k < columns; k++) {
        const u = data[upper + k] as number;
        const l = data[lower + k] as number;
        const s = data[left + k] as number;
        const t = data[right + k] as number;
        ul += u * s;
        ur += u * t;
        ll += l * s;
        lr += l * t;
      }
      gram[i * rows + j] = a * ul;
      if (j + 1 < rows) gram[i * rows + j + 1] = a * ur;
      if (i + 1 < rows) gram[(i + 1) * rows + j] = a * ll;
      if (i + 1 < rows && j + 1 < rows) gram[(i + 1) * rows + j + 1] = a * lr;
    }
  }
  for (let i = 0; i < rows; i++) gram[i * rows + i] = (gram[i * rows + i] as number) + 1;
  return gram;
}

/** I + a G, in place. */
function shifted(gram: Matrix<Float64Array>, a: number): Matrix<Float64Array> {
  const { rows, data } = gram;
  for (let i = 0; i < data.length; i++) data[i] = a * (data[i] as number);
  for (let i = 0; i < rows; i++) data[i * rows + i] = (data[i * rows + i] as number) + 1;
  return gram;
}

function identity(size: number): Matrix<Float64Array> {
  const matrix = zeros(size, size);
  for (let i = 0; i < size; i++) matrix.data[i * size + i] = 1;
  return matrix;
}

function transpose({ rows, columns, data }: Matrix<Float64Array>): Matrix<Float64Array> {
  const tile = 16;
  const result = zeros(columns, rows);
  for (let rowTile = 0; rowTile < rows; rowTile += tile) {
    const rowEnd = Math.min(rowTile + tile, rows);
    for (let j = 0; j < columns; j++) {
      for (let i = rowTile; i < rowEnd; i++) result.data[j * rows + i] = data[i * columns + j] as number;
    }
  }
  return result;
}

/** Squared length of each column. */
function columnSquares({ rows, columns, data }: Matrix): Float64Array {
  const squares = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    const start = i * columns;
    for (let j = 0; j < columns; j++) squares[j] = (squares[j] as number) + (data[start + j] as number) ** 2;
  }
  return squares;
}
