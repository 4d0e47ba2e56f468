import type { SymmetricBand } from './bandReduction';
import { kernels, layOut } from './kernels';

/** Element operations in one call of a kernel: some 3 ms. Short calls also let the runtime put in the optimized code once it has it. */
const chunk = 2e6;
/** Vectors that go through all reflectors together: they should stay in the cache. */
const vectorsAtOnce = 16;

/** A symmetric tridiagonal matrix: `offDiagonal[i]` couples i and i+1; its last element is 0. */
export interface TridiagonalForm {
  readonly diagonal: Float64Array;
  readonly offDiagonal: Float64Array;
}

/** Every reflector of a chase, in order: tau, then `bandwidth` numbers. */
export interface ChaseLog {
  readonly size: number;
  readonly bandwidth: number;
  readonly reflectors: Float64Array;
}

/**
 * Second half of the two-stage reduction: each column is cleared by a reflector and the bulge that this makes is chased
 * down the band (Murata & Horikoshi 1975).
 */
export function bandToTridiagonal(band: SymmetricBand, checkpoint?: () => void): TridiagonalForm {
  return chase(band, 0, checkpoint).form;
}

/** The same, and what `unwind` needs to turn the eigenvectors of the tridiagonal matrix into those of the band. */
export function bandToTridiagonalLogged(band: SymmetricBand, checkpoint?: () => void): TridiagonalForm & { readonly log: ChaseLog } {
  const { size, bandwidth } = band;
  let count = 0;
  if (bandwidth > 1) for (let column = 0; column < size - 2; column++) count += reflectorsOf(column, size, bandwidth);
  const { form, reflectors } = chase(band, count * (bandwidth + 1), checkpoint);
  return { ...form, log: { size, bandwidth, reflectors } };
}

function chase(
  { size, bandwidth, stride, data }: SymmetricBand,
  logLength: number,
  checkpoint?: () => void,
): { form: TridiagonalForm; reflectors: Float64Array } {
  const [band, work, log] = layOut(data.length, 3 * bandwidth, logLength);
  band.set(data);
  if (bandwidth > 1) {
    const columnsAtOnce = Math.max(1, Math.floor(chunk / (size * bandwidth)));
    let logEnd = logLength > 0 ? log.byteOffset : 0;
    for (let column = 0; column < size - 2; column += columnsAtOnce) {
      checkpoint?.();
      const end = Math.min(column + columnsAtOnce, size - 2);
      logEnd = kernels().chaseBulges(band.byteOffset, size, bandwidth, column, end, work.byteOffset, logEnd);
    }
  }
  const diagonal = new Float64Array(size);
  const offDiagonal = new Float64Array(size);
  for (let j = 0; j < size; j++) {
    diagonal[j] = band[j * stride] as number;
    if (j < size - 1) offDiagonal[j] = band[j * stride + 1] as number;
  }
  return { form: { diagonal, offDiagonal }, reflectors: log.slice() };
}

/** How many reflectors clear column `column` and chase its bulge. */
function reflectorsOf(column: number, size: number, bandwidth: number): number {
  return Math.floor((size - 3 - column) / bandwidth) + 1;
}

/** Vectors (one after the other, each of `size` numbers) in the coordinates of the tridiagonal matrix are turned into those of the band. */
export function unwind(vectors: Float64Array, { size, bandwidth, reflectors }: ChaseLog, checkpoint?: () => void): void {
  if (reflectors.length === 0) return;
  const [log, own] = layOut(reflectors.length, vectorsAtOnce * size);
  log.set(reflectors);
  const columnsAtOnce = Math.max(1, Math.floor(chunk / (size * vectorsAtOnce)));
  for (let start = 0; start < vectors.length; start += own.length) {
    const part = vectors.subarray(start, start + own.length);
    own.set(part);
    let logEnd = log.byteOffset + 8 * reflectors.length;
    for (let end = size - 2; end > 0; end -= columnsAtOnce) {
      checkpoint?.();
      logEnd = kernels().unwindChase(own.byteOffset, part.length / size, size, bandwidth, Math.max(0, end - columnsAtOnce), end, logEnd);
    }
    part.set(own.subarray(0, part.length));
  }
}
