import { cholesky, solveLower } from '../../linalg/cholesky';
import { type Matrix, zeros } from '../../linalg/matrix';
import type { MeasureContext, PartValue } from '../contract';
import type { PartRows } from '../partRows';
import { Random } from '../random';
import { fewSamplesWarning } from '../reasons';
import { centredGram } from './centredGram';
import { livingFeatures, lyingFeatures, noSpectrumReason } from './livingFeatures';
import { oneMetric } from './oneMetric';
import { orthonormalRows } from './orthonormalRows';
import { spectra } from './spectra';

/** Directions with a singular value below this share of the largest are not counted as directions of the features. */
const rankFloor = 1e-6;
/** Singular values must fall by this factor where the rank ends; without such a gap it is a matter of rounding which directions count. */
const wantedGap = 1e-3;
/** Relative error of the sum of leverages, which is the rank, up to which one factorization is enough. */
const acceptedError = 1e-9;

const recordedOptions = { centred: false, normalisation: 'none', rankFloor };

/**
 * Coherence (Candes & Recht 2009; of representations: Tsitsulin, Munkhoeva & Perozzi 2023, arXiv 2305.16562): n/r times the largest squared
 * length of a row of U, the left singular vectors of the uncentred features of rank r. That length is the leverage of the row.
 * 1 when all rows take part alike, n/r when one row has a direction for itself.
 */
export const coherenceFamily = oneMetric('coherence', { dependsOnSize: true }, async (part, context): Promise<PartValue> => {
  const none = (reason: string) => ({ value: null, options: recordedOptions, warnings: [reason] });
  const reason = noSpectrumReason(part);
  if (reason) return none(reason);
  const n = part.features.rows;
  const { uncentred } = await spectra(part, context);
  const values = uncentred.map((value) => Math.sqrt(Math.max(0, value))).reverse();
  const largest = values[0] as number;
  const rank = values.filter((value) => value > rankFloor * largest).length;
  if (rank === n) return none(`The rows (${n}) are linearly independent, so that the coherence would be 1 whatever they are.`);
  const [inside, outside] = [values[rank - 1] as number, values[rank] ?? 0];
  if (outside > wantedGap * inside) {
    const share = (value: number) => (value / largest).toPrecision(1);
    return none(`The singular values fall below ${rankFloor} of the largest without a gap (${share(inside)}, then ${share(outside)}), so the rank is not certain.`);
  }
  const leverages = rank === livingFeatures(part).features.columns ? await fullRankLeverages(part, context) : await deficientLeverages(part, rank, context);
  if (!leverages) return none('The features are linearly dependent to rounding.');
  const most = leverages.reduce((found, value) => Math.max(found, value), 0);
  return { value: (n / rank) * most, options: recordedOptions, warnings: fewSamplesWarning(part), details: { rank } };
});

/** [n] z'(Z'Z)^-1 z. */
async function fullRankLeverages(part: PartRows, context: MeasureContext): Promise<Float64Array | null> {
  const { engine, checkpoint } = context;
  const { gram: centred, mean } = await centredGram(part, context);
  const { rows: d } = centred;
  const gram = zeros(d, d);
  for (let i = 0; i < d; i++) {
    const factor = part.features.rows * (mean[i] as number);
    for (let j = 0; j < d; j++) gram.data[i * d + j] = (centred.data[i * d + j] as number) + factor * (mean[j] as number);
  }
  checkpoint();
  const x = lyingFeatures(livingFeatures(part), checkpoint);
  checkpoint();
  let nearly = x;
  try {
    nearly = (await solveLower(engine, await cholesky(engine, gram, { checkpoint }), x, { checkpoint })) as Matrix<Float64Array>;
    checkpoint();
    const leverages = columnSquares(nearly);
    const sum = leverages.reduce((total, value) => total + value, 0);
    if (Math.abs(sum - d) <= acceptedError * d) return leverages;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  const orthonormal = await orthonormalRows(engine, nearly, { checkpoint });
  return orthonormal && columnSquares(orthonormal.q);
}

/**
 * Leverages in the span of the leading `rank` directions, found by subspace iteration from a fixed random start (Halko, Martinsson & Tropp
 * 2011, algorithm 4.4). What lies beyond the gap is damped by its third power.
 */
async function deficientLeverages(part: PartRows, rank: number, { engine, checkpoint }: MeasureContext): Promise<Float64Array | null> {
  const options = { checkpoint };
  const living = livingFeatures(part);
  const lying = lyingFeatures(living, checkpoint);
  const transposed = living.features.rows >= living.features.columns;
  /** rows x n out of rows x d. */
  const throughRows = (block: Matrix) => engine.gemm(block, lying, { transposeB: !transposed, ...options }) as Promise<Matrix<Float64Array>>;
  /** rows x d out of rows x n. */
  const throughColumns = (block: Matrix) => engine.gemm(block, lying, { transposeB: transposed, ...options }) as Promise<Matrix<Float64Array>>;

  const random = new Random(0);
  const start = zeros(rank, living.features.columns);
  for (let i = 0; i < start.data.length; i++) start.data[i] = random.next32() / 2 ** 32 - 0.5;
  const left = await orthonormalRows(engine, await throughRows(start), options);
  const right = left && (await orthonormalRows(engine, await throughColumns(left.q), options));
  const found = right && (await orthonormalRows(engine, await throughRows(right.q), options));
  return found && columnSquares(found.q);
}

/** Squared length of each column. */
function columnSquares({ rows, columns, data }: Matrix): Float64Array {
  const squares = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) squares[j] = (squares[j] as number) + (data[i * columns + j] as number) ** 2;
  }
  return squares;
}
