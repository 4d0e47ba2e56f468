import type { SymmetricBand } from './bandReduction';
import { makeReflector } from './householder';

/**
 * Second half of the two-stage reduction: each column is cleared by a reflector and the bulge that this makes is chased
 * down the band (Murata & Horikoshi 1975). The band is overwritten.
 */
export function bandToTridiagonal(band: SymmetricBand, checkpoint?: () => void): { diagonal: Float64Array; offDiagonal: Float64Array } {
  const { size, bandwidth, stride, data } = band;
  const v = new Float64Array(bandwidth);
  const w = new Float64Array(bandwidth);
  if (bandwidth > 1) {
    for (let column = 0; column < size - 2; column++) {
      if ((column & 15) === 0) checkpoint?.();
      let source = column;
      let first = column + 1;
      let length = Math.min(bandwidth, size - first);
      while (length > 1) {
        // Clear column `source` below row `first`.
        const head = source * stride + first - source;
        const tau = makeReflector(data, head, length);
        v[0] = 1;
        for (let i = 1; i < length; i++) {
          v[i] = data[head + i] as number;
          data[head + i] = 0;
        }
        if (source > column) reflectFromLeft(data, stride, source + 1, first - 1, first, length, v, tau);
        reflectBothSides(data, stride, first, length, v, w, tau);
        const below = first + length;
        const belowLength = Math.min(bandwidth, size - below);
        if (belowLength <= 0) break;
        reflectFromRight(data, stride, first, length, below, belowLength, v, w, tau);
        source = first;
        first = below;
        length = belowLength;
      }
    }
  }
  const diagonal = new Float64Array(size);
  const offDiagonal = new Float64Array(size);
  for (let j = 0; j < size; j++) {
    diagonal[j] = data[j * stride] as number;
    if (j < size - 1) offDiagonal[j] = data[j * stride + 1] as number;
  }
  return { diagonal, offDiagonal };
}

/** Rows first .. first+length of columns from .. to (inclusive) are multiplied by H from the left. */
function reflectFromLeft(a: Float64Array, stride: number, from: number, to: number, first: number, length: number, v: Float64Array, tau: number): void {
  if (tau === 0) return;
  for (let j = from; j <= to; j++) {
    const start = j * stride + first - j;
    let dot = 0;
    for (let i = 0; i < length; i++) dot += (a[start + i] as number) * (v[i] as number);
    dot *= tau;
    for (let i = 0; i < length; i++) a[start + i] = (a[start + i] as number) - dot * (v[i] as number);
  }
}

/** The symmetric block at (first, first) becomes H A H. */
function reflectBothSides(a: Float64Array, stride: number, first: number, length: number, v: Float64Array, w: Float64Array, tau: number): void {
  if (tau === 0) return;
  w.fill(0, 0, length);
  for (let j = 0; j < length; j++) {
    const start = (first + j) * stride - j;
    const vj = v[j] as number;
    let sum = (a[start + j] as number) * vj;
    for (let i = j + 1; i < length; i++) {
      const value = a[start + i] as number;
      w[i] = (w[i] as number) + value * vj;
      sum += value * (v[i] as number);
    }
    w[j] = (w[j] as number) + sum;
  }
  let dot = 0;
  for (let i = 0; i < length; i++) dot += (w[i] as number) * (v[i] as number);
  const half = 0.5 * tau * dot;
  for (let i = 0; i < length; i++) w[i] = tau * ((w[i] as number) - half * (v[i] as number));
  for (let j = 0; j < length; j++) {
    const start = (first + j) * stride - j;
    const vj = v[j] as number;
    const wj = w[j] as number;
    for (let i = j; i < length; i++) a[start + i] = (a[start + i] as number) - (v[i] as number) * wj - (w[i] as number) * vj;
  }
}

/** The block of rows below .. below+belowLength and columns first .. first+length is multiplied by H from the right. */
function reflectFromRight(
  a: Float64Array,
  stride: number,
  first: number,
  length: number,
  below: number,
  belowLength: number,
  v: Float64Array,
  w: Float64Array,
  tau: number,
): void {
  if (tau === 0) return;
  w.fill(0, 0, belowLength);
  for (let j = 0; j < length; j++) {
    const start = (first + j) * stride + below - first - j;
    const vj = v[j] as number;
    for (let i = 0; i < belowLength; i++) w[i] = (w[i] as number) + (a[start + i] as number) * vj;
  }
  for (let j = 0; j < length; j++) {
    const start = (first + j) * stride + below - first - j;
    const scale = tau * (v[j] as number);
    for (let i = 0; i < belowLength; i++) a[start + i] = (a[start + i] as number) - scale * (w[i] as number);
  }
}
