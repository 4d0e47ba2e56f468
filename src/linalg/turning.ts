import { dot } from './dot';
import { makeReflector } from './householder';
import type { KernelExports } from './kernels';
import type { Matrix } from './matrix';

/** The reflector H = I - tau v v'. */
export interface Turn {
  readonly v: Float64Array;
  readonly tau: number;
}

/**
 * A becomes HAH with the reflector H that brings `direction` to the first coordinate. A and the two vectors of its size, which are written over, lie in the
 * memory of the kernels. The answer is null, and A stays as it is, when the direction is zero.
 */
export function turnTo(kernels: KernelExports, { rows, columns, data }: Matrix<Float64Array>, direction: Float64Array, [v, w]: readonly [Float64Array, Float64Array]): Turn | null {
  // Scaled to keep the squares of a tiny direction from underflow.
  const largest = direction.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0) return null;
  for (let i = 0; i < rows; i++) v[i] = (direction[i] as number) / largest;
  const tau = makeReflector(v, 0, rows);
  v[0] = 1;
  // HAH = A - v w' - w v' with w = tau (A v - tau/2 (v'Av) v).
  kernels.timesVector(data.byteOffset, rows, columns, v.byteOffset, w.byteOffset);
  const half = (tau / 2) * dot(v, w);
  for (let i = 0; i < rows; i++) w[i] = tau * ((w[i] as number) - half * (v[i] as number));
  kernels.subtractRankTwo(data.byteOffset, 0, rows, columns, v.byteOffset, w.byteOffset);
  return { v: v.slice(), tau };
}

/** H times each row of the vectors, which are written over. */
export function turnBack({ rows, columns, data }: Matrix<Float64Array>, { v, tau }: Turn): void {
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * columns, (i + 1) * columns);
    const along = tau * dot(v, row);
    for (let j = 0; j < columns; j++) row[j] = (row[j] as number) - along * (v[j] as number);
  }
}
