import { cholesky, solveLower } from './cholesky';
import type { Engine, WorkOptions } from './engine';
import { type Matrix, requireSquare, toFloat64, zeros } from './matrix';
import { type Eigenpairs, symmetricEigenvectors } from './symmetricEigenvectors';
import { tridiagonalEigenvalues } from './tridiagonal';
import { tridiagonalEigenvectors } from './tridiagonalEigenvectors';
import { leaveTridiagonal, type TridiagonalBasis, type TridiagonalForm, tridiagonalFormWithBasis } from './tridiagonalForm';

/** Up to this size the full decomposition is as fast. */
const denseSize = 64;
/** Up to this size reduction is always faster than iteration; measured. */
const directSize = 1024;
/** Above this size the logged reflectors of a reduction would need more memory than a metric should. */
const directLimit = 4096;
const outerLimit = 200;
/** Residual ||A v - lambda v|| relative to the largest eigenvalue at which a vector counts as found. */
const tolerance = 1e-9;
/** While residuals are above this, the filter runs in float32: its rounding is far below what it still has to remove. */
const narrowAbove = 1e-5;
/**
 * A filter stretches the strongest direction against the weakest wanted one. What leaks from the one into the other is at most the residual
 * and is taken out again by orthogonalization, as long as the leak stays below these factors of what it leaks into. The exponent keeps the stretched vectors within the range of their type.
 */
const limits = { narrow: { leak: 1e4, exponent: 60 }, wide: { leak: 1e6, exponent: 500 } };
const degreeLimit = 24;

export interface LeadingOptions extends WorkOptions {
  /** The matrix, times any factor, in tridiagonal form; used when it has a basis. Default: it is reduced where that is the way. */
  readonly reduced?: (TridiagonalForm & { readonly basis?: TridiagonalBasis }) | undefined;
}

/**
 * The leading eigenvalues and eigenvectors of a symmetric positive semidefinite matrix. By reduction to tridiagonal form and inverse iteration; what that
 * finds is made orthonormal and checked. Large matrices with a steep spectrum, and what fails the check, go to Chebyshev-filtered subspace
 * iteration (Zhou, Saad, Tiago & Chelikowsky 2006). Deterministic. Vectors of eigenvalues that agree with their neighbours to many digits are determined only
 * as a subspace.
 */
export async function leadingEigenvectors(
  engine: Pick<Engine, 'gemm'>,
  matrix: Matrix<Float64Array>,
  count: number,
  options: LeadingOptions = {},
): Promise<Eigenpairs> {
  requireSquare(matrix, 'An eigenvector');
  const size = matrix.rows;
  if (!Number.isInteger(count) || count < 0 || count > size) throw new RangeError(`A matrix of ${size} has no ${count} leading eigenvectors.`);
  if (size <= denseSize || 2 * count > size) return leading(symmetricEigenvectors(matrix, options.checkpoint), count);
  if (options.reduced?.basis || size <= directSize || (size <= directLimit && participation(matrix) > count)) {
    const found = await direct(engine, matrix, count, options);
    const ritz = await rayleighRitz(engine, matrix, await orthonormalize(engine, found), options.checkpoint);
    if (worstResidual(ritz, count) <= tolerance * (ritz.values[0] as number)) return leading(ritz, count);
  }
  return iterate(engine, matrix, count, options);
}

/** (sum of eigenvalues)^2 / sum of their squares: as many as there are of them in an even spectrum, few in a steep one, which iteration is quick with. */
function participation({ rows, data }: Matrix<Float64Array>): number {
  let trace = 0;
  let squares = 0;
  for (let i = 0; i < rows; i++) trace += data[i * (rows + 1)] as number;
  for (let i = 0; i < data.length; i++) squares += (data[i] as number) ** 2;
  return trace ** 2 / squares;
}

/** By reduction to tridiagonal form; not yet checked. */
async function direct(
  engine: Pick<Engine, 'gemm'>,
  matrix: Matrix<Float64Array>,
  count: number,
  { reduced, ...options }: LeadingOptions,
): Promise<Matrix<Float64Array>> {
  const size = matrix.rows;
  const { basis, ...form } = reduced?.basis ? { ...reduced, basis: reduced.basis } : await tridiagonalFormWithBasis(engine, matrix, options);
  const eigenvalues = tridiagonalEigenvalues(form.diagonal, form.offDiagonal, undefined, options.checkpoint).slice(size - count).reverse();
  const vectors = tridiagonalEigenvectors(form, eigenvalues, options.checkpoint);
  await leaveTridiagonal(engine, vectors, basis, options);
  return vectors;
}

/** By Chebyshev-filtered subspace iteration: nearly all work is products on the engine. */
async function iterate(engine: Pick<Engine, 'gemm'>, matrix: Matrix<Float64Array>, count: number, options: WorkOptions): Promise<Eigenpairs> {
  const size = matrix.rows;
  const width = Math.min(size, count + Math.max(8, Math.ceil(count / 2)));
  let block = startBlock(width, size);
  for (let outer = 0; ; outer++) {
    options.checkpoint?.();
    block = await orthonormalize(engine, block);
    options.checkpoint?.();
    const ritz = await rayleighRitz(engine, matrix, block, options.checkpoint);
    options.checkpoint?.();
    block = ritz.vectors;
    const top = ritz.values[0] as number;
    const residual = worstResidual(ritz, count);
    if (!(residual > tolerance * top) || outer === outerLimit) return leading(ritz, count);
    block = await filter(engine, matrix, ritz, count, residual / top, options);
  }
}

function leading({ values, vectors }: Eigenpairs, count: number): Eigenpairs {
  const { columns, data } = vectors;
  return { values: values.slice(0, count), vectors: { rows: count, columns, data: data.slice(0, count * columns) } };
}

interface Ritz extends Eigenpairs {
  /** The block times the matrix. */
  readonly image: Matrix;
}

async function rayleighRitz(engine: Pick<Engine, 'gemm'>, matrix: Matrix<Float64Array>, block: Matrix<Float64Array>, checkpoint: WorkOptions['checkpoint']): Promise<Ritz> {
  const image = await engine.gemm(block, matrix, { checkpoint });
  const projected = (await engine.gemm(image, block, { transposeB: true, checkpoint })) as Matrix<Float64Array>;
  const { values, vectors: rotation } = symmetricEigenvectors(projected, checkpoint);
  const vectors = (await engine.gemm(rotation, block, { checkpoint })) as Matrix<Float64Array>;
  return { values, vectors, image: await engine.gemm(rotation, image, { checkpoint }) };
}

function worstResidual({ values, vectors, image }: Ritz, count: number): number {
  let worst = 0;
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let j = i * vectors.columns; j < (i + 1) * vectors.columns; j++) {
      sum += ((image.data[j] as number) - (values[i] as number) * (vectors.data[j] as number)) ** 2;
    }
    worst = Math.max(worst, sum);
  }
  return Math.sqrt(worst);
}

/** Damps everything below the block's smallest Ritz value by a Chebyshev polynomial of the matrix. */
async function filter(
  engine: Pick<Engine, 'gemm'>,
  matrix: Matrix<Float64Array>,
  { values, vectors }: Ritz,
  count: number,
  residual: number,
  options: WorkOptions,
): Promise<Matrix<Float64Array>> {
  const narrow = residual > narrowAbove;
  const top = values[0] as number;
  const edge = Math.max(values[values.length - 1] as number, 1e-12 * top);
  const half = edge / 2;
  const growth = (value: number) => Math.acosh(Math.max(1, value / half - 1));
  const stretch = growth(top) - growth(values[count - 1] as number);
  const { leak, exponent } = narrow ? limits.narrow : limits.wide;
  const byLeak = Math.log(leak / Math.min(1, residual)) / Math.max(stretch, 1e-3);
  const degree = Math.max(2, Math.floor(Math.min(degreeLimit, byLeak, exponent / Math.max(growth(top), 1))));
  const wide = zeros(matrix.rows, matrix.columns);
  for (let i = 0; i < wide.data.length; i++) wide.data[i] = (matrix.data[i] as number) / half;
  for (let i = 0; i < matrix.rows; i++) wide.data[i * matrix.rows + i] = (wide.data[i * matrix.rows + i] as number) - 1;
  options.checkpoint?.();
  const shifted: Matrix = narrow ? { ...wide, data: new Float32Array(wide.data) } : wide;
  let before: Matrix = narrow ? { ...vectors, data: new Float32Array(vectors.data) } : vectors;
  let current = await engine.gemm(before, shifted);
  let spare: Float32Array | Float64Array = narrow ? new Float32Array(current.data.length) : new Float64Array(current.data.length);
  for (let step = 1; step < degree; step++) {
    options.checkpoint?.();
    const next = await engine.gemm(current, shifted, { scale: 2, addend: before, addendScale: -1, into: spare });
    // The block given is the caller's and is not written over.
    spare = step === 1 ? (narrow ? new Float32Array(spare.length) : new Float64Array(spare.length)) : before.data;
    before = current;
    current = next;
  }
  return toFloat64(current);
}

/** Rows made orthonormal by two rounds of Cholesky factors of their Gram matrix, or, when that breaks down, by Gram-Schmidt. */
async function orthonormalize(engine: Pick<Engine, 'gemm'>, block: Matrix<Float64Array>): Promise<Matrix<Float64Array>> {
  const { rows, columns, data } = block;
  try {
    for (let start = 0; start < data.length; start += columns) {
      if (!normalize(data, start, columns)) throw new RangeError(`Row ${start / columns} is zero.`);
    }
    let current: Matrix = block;
    for (let round = 0; round < 2; round++) {
      const factor = await cholesky(engine, await engine.gemm(current, current, { transposeB: true }));
      let smallest = Infinity;
      for (let i = 0; i < rows; i++) smallest = Math.min(smallest, factor.lower.data[i * (rows + 1)] as number);
      if (smallest < 1e-7) throw new RangeError('The rows are nearly dependent.');
      current = await solveLower(engine, factor, current);
    }
    return current as Matrix<Float64Array>;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    orthonormalizeRows(block);
    return block;
  }
}

/** Modified Gram-Schmidt, twice; a row that is a combination of those before it is replaced by a fresh one. */
function orthonormalizeRows(block: Matrix<Float64Array>): void {
  const { rows, columns, data } = block;
  const spare = startBlock(rows, columns, 7);
  for (let i = 0; i < rows; i++) {
    const start = i * columns;
    for (let attempt = 0; attempt < 3; attempt++) {
      if (!normalize(data, start, columns)) data.set(spare.data.subarray(start, start + columns), start);
      normalize(data, start, columns);
      let kept = 1;
      for (let pass = 0; pass < 2; pass++) {
        for (let other = 0; other < start; other += columns) {
          let dot = 0;
          for (let j = 0; j < columns; j++) dot += (data[other + j] as number) * (data[start + j] as number);
          for (let j = 0; j < columns; j++) data[start + j] = (data[start + j] as number) - dot * (data[other + j] as number);
        }
        if (pass === 0) kept = norm(data, start, columns);
      }
      if (kept > 1e-12 && normalize(data, start, columns)) break;
      data.set(spare.data.subarray(start, start + columns), start);
    }
  }
}

function norm(data: Float64Array, start: number, length: number): number {
  let sum = 0;
  for (let j = start; j < start + length; j++) sum += (data[j] as number) ** 2;
  return Math.sqrt(sum);
}

function normalize(data: Float64Array, start: number, length: number): boolean {
  let largest = 0;
  for (let j = start; j < start + length; j++) largest = Math.max(largest, Math.abs(data[j] as number));
  if (!(largest > 0) || largest === Infinity) return false;
  for (let j = start; j < start + length; j++) data[j] = (data[j] as number) / largest;
  const length2 = norm(data, start, length);
  for (let j = start; j < start + length; j++) data[j] = (data[j] as number) / length2;
  return true;
}

/** A fixed block of pseudorandom numbers in (-1/2, 1/2) (xorshift32, Marsaglia 2003). */
function startBlock(rows: number, columns: number, seed = 1): Matrix<Float64Array> {
  const block = zeros(rows, columns);
  let state = Math.imul(seed, 0x9e3779b9) | 1;
  for (let i = 0; i < block.data.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    block.data[i] = (state >>> 0) / 2 ** 32 - 0.5;
  }
  return block;
}
