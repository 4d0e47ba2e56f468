import { kernels, layOut } from './kernels';

/** Rotations in one call of the kernel: some 3 ms. */
const rotationsAtOnce = 2e5;
/** Sweeps that QL may take for one eigenvalue; it needs fewer than two on average. */
const sweepLimit = 60;

type Rotate = (i: number, cosine: number, sine: number) => void;

/**
 * Eigenvalues, ascending, of the symmetric tridiagonal matrix with the given diagonal and off-diagonal (`offDiagonal[i]` couples i and i+1),
 * by the square-root-free QL and QR of Pal, Walker and Kahan (LAPACK sterf), with two shifts at once.
 * With `rotate`, by implicit QL (EISPACK imtql1) and in the order it finds them: every plane rotation is reported, to be applied to
 * rows i and i+1 of a basis; squares of the elements must be in range then. Both arrays may be overwritten.
 */
export function tridiagonalEigenvalues(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  rotate?: Rotate,
  checkpoint?: () => void,
): Float64Array {
  if (rotate) return rotateToDiagonal(diagonal, offDiagonal, rotate, checkpoint);
  const size = diagonal.length;
  const [d, e] = layOut(size, size);
  // A power of two, so that scaling is exact: sixth powers of the elements must be in range.
  const largest = Math.max(largestOf(diagonal), largestOf(offDiagonal));
  const scale = largest > 0 ? 2 ** -Math.max(-1000, Math.min(1000, Math.floor(Math.log2(largest)))) : 1;
  for (let i = 0; i < size; i++) {
    d[i] = scale * (diagonal[i] as number);
    e[i] = scale * (offDiagonal[i] ?? 0);
  }
  kernels().beginTridiagonal(d.byteOffset, e.byteOffset, size);
  for (;;) {
    checkpoint?.();
    const state = kernels().continueTridiagonal(rotationsAtOnce);
    if (state === 0) return d.map((value) => value / scale).sort();
    if (state === 2) throw new RangeError(`The eigenvalues of a tridiagonal matrix of ${size} did not converge.`);
  }
}

function largestOf(values: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i] as number));
  return largest;
}

function rotateToDiagonal(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  rotate: Rotate,
  checkpoint: (() => void) | undefined,
): Float64Array {
  const size = diagonal.length;
  for (let l = 0; l < size; l++) {
    if ((l & 15) === 0) checkpoint?.();
    for (let sweep = 0; ; sweep++) {
      let m = l;
      for (; m < size - 1; m++) {
        const scale = Math.abs(diagonal[m] as number) + Math.abs(diagonal[m + 1] as number);
        if (Math.abs(offDiagonal[m] as number) <= Number.EPSILON * scale) break;
      }
      if (m === l) break;
      if (sweep === sweepLimit) throw new RangeError(`Eigenvalue ${l} of ${size} did not converge.`);
      const p = diagonal[l] as number;
      const half = ((diagonal[l + 1] as number) - p) / (2 * (offDiagonal[l] as number));
      const root = Math.hypot(half, 1);
      let g = (diagonal[m] as number) - p + (offDiagonal[l] as number) / (half + (half >= 0 ? root : -root));
      let sine = 1;
      let cosine = 1;
      let shift = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const f = sine * (offDiagonal[i] as number);
        const b = cosine * (offDiagonal[i] as number);
        const radius = Math.sqrt(f * f + g * g);
        if (i + 1 < size - 1 || radius === 0) offDiagonal[i + 1] = radius;
        if (radius === 0) {
          // The matrix splits here: undo the shift and start over on the smaller part.
          diagonal[i + 1] = (diagonal[i + 1] as number) - shift;
          if (m < size - 1) offDiagonal[m] = 0;
          break;
        }
        sine = f / radius;
        cosine = g / radius;
        const next = (diagonal[i + 1] as number) - shift;
        const slope = ((diagonal[i] as number) - next) * sine + 2 * cosine * b;
        shift = sine * slope;
        diagonal[i + 1] = next + shift;
        g = cosine * slope - b;
        rotate(i, cosine, sine);
      }
      if (i >= l) continue;
      diagonal[l] = (diagonal[l] as number) - shift;
      offDiagonal[l] = g;
      if (m < size - 1) offDiagonal[m] = 0;
    }
  }
  return diagonal;
}
