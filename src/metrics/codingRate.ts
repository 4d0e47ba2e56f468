import { cholesky, smallLogDeterminant, solveLower, toFloat32Factor } from '../linalg/cholesky';
import type { Engine } from '../linalg/engine';
import { kernels, layOut } from '../linalg/kernels';
import { type Matrix, rowsOf, transpose, zeros } from '../linalg/matrix';
import { RowBlock } from '../linalg/rowBlock';
import { type LinearForm, sum } from './bootstrap';
import { requirePartitionOptions } from './clusters/partition';
import type { MeasureContext, MeasureOptions, MetricFamily, PartValue } from './contract';
import { normalizedGram } from './normalizedGram';
import { normalizedRows, type PartRows } from './partRows';
import { type RateClasses, rateClasses } from './rateClasses';
import { fewSamplesWarning, noDirectionReason } from './reasons';

/** Classes up to this size (or width) get their determinant from plain loops. */
const smallClass = 48;
/** Rows whose influence is found at a time. */
const rowsAtOnce = 512;

const metrics = ['coding_rate', 'coding_rate_within', 'coding_rate_reduction', 'crr_normalized'] as const;
type CodingRateMetric = (typeof metrics)[number];

/**
 * Coding rate, coding rate within classes and coding rate reduction of maximal coding rate reduction (Yu et al. 2020, arXiv 2006.08558),
 * taken as an indicator of overfitting by Qiang et al. (arXiv 2410.00772). Rows have length 1; a class is the views of one sample unless the option `partition` says otherwise. In nats.
 */
export const codingRateFamily: MetricFamily<CodingRateMetric> = {
  id: 'coding_rate',
  shapes: metrics.map((metric) => ({ metric, random: ({ partition }) => partition === 'clusters', gap: 'train - held_out', dependsOnSize: true })),
  method: 1,
  async measurePart(part, _layer, options, context) {
    const { eps2, partition } = options;
    if (!(eps2 > 0) || !Number.isFinite(eps2)) throw new RangeError(`eps2 must be a positive number, not ${eps2}.`);
    if (partition === 'clusters') requirePartitionOptions(options);
    return measureRates(part, options, context);
  },
};

async function measureRates(whole: PartRows, options: MeasureOptions, context: MeasureContext): Promise<Record<CodingRateMetric, PartValue>> {
  const { eps2, partition } = options;
  const ofAll = (value: PartValue) => ({ coding_rate: value, coding_rate_within: value, coding_rate_reduction: value, crr_normalized: value });
  const fault = noDirectionReason(whole);
  if (fault !== null) return ofAll({ value: null, options: { eps2, normalisation: 'l2', partition }, warnings: [fault] });
  const classes = await rateClasses(whole, options, context);
  const recordedOptions = { eps2, normalisation: 'l2', partition, ...classes.options };
  const give = (value: number | null, warnings: readonly string[], form?: LinearForm): PartValue => ({ value, options: recordedOptions, warnings, form });
  const { part } = classes;
  if (!part) return ofAll(give(null, classes.reason === null ? [] : [classes.reason]));
  const n = part.features.rows;
  const d = part.features.columns;
  const { rate, influence: rowInfluence } = await codingRate(part, eps2, context);
  const bound = codingRateBound(n, d, eps2);
  const samples = part.sampleIds.length;
  const sizes = Float64Array.from({ length: samples }, (_, sample) => (part.starts[sample + 1] as number) - (part.starts[sample] as number));
  const influence = new Float64Array(samples);
  for (let sample = 0; sample < samples; sample++) {
    for (let row = part.starts[sample] as number; row < (part.starts[sample + 1] as number); row++) {
      influence[sample] = (influence[sample] as number) + (rowInfluence[row] as number);
    }
  }
  const offset = rate - sum(influence) / n;
  const few = [...fewSamplesWarning(part), ...classes.warnings];
  const wide = n < d ? [`Fewer rows (${n}) than dimensions (${d}): the value is bounded by the number of rows.`] : [];
  const coding_rate = give(rate, [...few, ...wide], { offset, factor: 1, numerator: influence, denominator: sizes });
  if (classes.reason !== null) {
    const none = give(null, [classes.reason]);
    return { coding_rate, coding_rate_within: none, coding_rate_reduction: none, crr_normalized: none };
  }

  const within = await classTerms(part, classes, eps2, context);
  const rateWithin = sum(within) / n;
  // Only where a sample is a class of its own is the rate within a mean over samples.
  const bySample = classes.order === null;
  const difference = bySample ? influence.map((value, sample) => value - (within[sample] as number)) : influence;
  const form = (scale: number): LinearForm | undefined => (bySample ? { offset: offset / scale, factor: 1 / scale, numerator: difference, denominator: sizes } : undefined);
  const reduction = [...classes.reductionWarnings, ...few, ...wide];
  return {
    coding_rate,
    coding_rate_within: give(rateWithin, few, bySample ? { offset: 0, factor: 1, numerator: within, denominator: sizes } : undefined),
    coding_rate_reduction: give(rate - rateWithin, reduction, form(1)),
    crr_normalized: give((rate - rateWithin) / bound, reduction, form(bound)),
  };
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
async function codingRate(part: PartRows, eps2: number, context: MeasureContext): Promise<CodingRate> {
  const { engine, checkpoint } = context;
  const { rows: n, columns: d } = part.features;
  const a = d / (n * eps2);
  const options = { checkpoint };
  const influence = new Float64Array(n);
  const gram = await normalizedGram(part, context);
  checkpoint();
  const factor = await cholesky(engine, shifted(gram, a), options);
  checkpoint();
  if (n < d) {
    // z'(I + a Z'Z)^-1 z = (1 - [(I + a ZZ')^-1]_ii) / a.
    const inverse = await solveLower(engine, factor, identity(n), options);
    const lengths = columnSquares(inverse);
    for (let row = 0; row < n; row++) influence[row] = (n / 2) * (1 - (lengths[row] as number));
    return { rate: factor.logDeterminant / 2, influence };
  }
  // Influences only feed the interval, where float32 is more than enough.
  const narrowFactor = toFloat32Factor(factor);
  const z = normalizedRows(part);
  const buffer = new Float32Array(d * Math.min(n, rowsAtOnce));
  for (let start = 0; start < n; start += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, n - start);
    checkpoint();
    const lying = transpose(rowsOf(z, start, count), { rows: d, columns: count, data: buffer.subarray(0, d * count) });
    const lengths = columnSquares(await solveLower(engine, narrowFactor, lying, options));
    for (let i = 0; i < count; i++) influence[start + i] = (d / (2 * eps2)) * (lengths[i] as number);
  }
  return { rate: factor.logDeterminant / 2, influence };
}

/** [classes] n_j/2 logdet(I + d/(n_j eps2) Z_j Z_j'), each class on its smaller side. */
async function classTerms(part: PartRows, { order, starts }: RateClasses, eps2: number, context: MeasureContext): Promise<Float64Array> {
  const { columns: d, data } = normalizedRows(part);
  const terms = new Float64Array(starts.length - 1);
  for (let one = 0; one < terms.length; one++) {
    context.checkpoint();
    const start = starts[one] as number;
    const size = (starts[one + 1] as number) - start;
    if (size === 0) continue;
    const rows = order ? gatherRows(data, d, order.subarray(start, start + size)) : { rows: size, columns: d, data: data.subarray(start * d, (start + size) * d) };
    const a = d / (size * eps2);
    const logDeterminant =
      size <= smallClass ? smallLogDeterminant(smallShiftedGram(rows, a), size) : await largeLogDeterminant(context.engine, rows, a, context.checkpoint);
    terms[one] = (size / 2) * logDeterminant;
  }
  return terms;
}

function gatherRows(data: Float64Array, columns: number, rows: Int32Array): Matrix<Float64Array> {
  const gathered = zeros(rows.length, columns);
  for (const [place, row] of rows.entries()) gathered.data.set(data.subarray(row * columns, (row + 1) * columns), place * columns);
  return gathered;
}

async function largeLogDeterminant(engine: Engine, z: Matrix, a: number, checkpoint: () => void): Promise<number> {
  const gram = await engine.gram(z, z.rows < z.columns ? 'rows' : 'columns', { checkpoint });
  return engine.choleskyLogDeterminant(shifted(gram, a), { checkpoint });
}

/** Lower triangle of I + a ZZ'. */
function smallShiftedGram(z: Matrix<Float64Array>, a: number): Float64Array {
  const { rows, columns } = z;
  const block = new RowBlock(z, [rows * rows], rows);
  const [gram] = block.vectors as [Float64Array];
  block.load(0, rows);
  kernels().shiftedGram(block.address, rows, columns, a, gram.byteOffset);
  return gram.slice();
}

/** I + a G. */
function shifted({ rows, columns, data }: Matrix<Float64Array>, a: number): Matrix<Float64Array> {
  const result = zeros(rows, columns);
  for (let i = 0; i < data.length; i++) result.data[i] = a * (data[i] as number);
  for (let i = 0; i < rows; i++) result.data[i * rows + i] = (result.data[i * rows + i] as number) + 1;
  return result;
}

function identity(size: number): Matrix<Float64Array> {
  const matrix = zeros(size, size);
  for (let i = 0; i < size; i++) matrix.data[i * size + i] = 1;
  return matrix;
}

/** Squared length of each column. */
function columnSquares(matrix: Matrix): Float64Array {
  const { rows, columns, data } = matrix;
  if (data instanceof Float32Array) return narrowColumnSquares({ rows, columns, data });
  const squares = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    const start = i * columns;
    for (let j = 0; j < columns; j++) squares[j] = (squares[j] as number) + (data[start + j] as number) ** 2;
  }
  return squares;
}

function narrowColumnSquares({ rows, columns, data }: Matrix<Float32Array>): Float64Array {
  const rowsAtOnce = Math.max(1, Math.floor(2 ** 15 / columns));
  const [squares, room] = layOut(columns, Math.ceil((rowsAtOnce * columns) / 2));
  const values = new Float32Array(room.buffer, room.byteOffset, rowsAtOnce * columns);
  squares.fill(0);
  for (let row = 0; row < rows; row += rowsAtOnce) {
    const some = data.subarray(row * columns, (row + rowsAtOnce) * columns);
    values.set(some);
    kernels().addNarrowSquares(squares.byteOffset, values.byteOffset, some.length / columns, columns);
  }
  return squares.slice();
}
