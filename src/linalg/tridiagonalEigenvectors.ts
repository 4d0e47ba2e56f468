import { type Matrix, zeros } from './matrix';

/** Solves for each vector: the first brings it into the cluster's subspace, the second takes out what orthogonalization brought back. */
const iterations = 2;
/** Vectors whose eigenvalues are closer than this, relative to the largest element, are kept orthogonal (LAPACK stein). */
const clusterWidth = 1e-3;

/**
 * Eigenvectors of a symmetric tridiagonal matrix for given eigenvalues (descending, exact to rounding of the largest), as rows, by inverse iteration
 * with orthogonalization inside clusters (LAPACK stein). Starts are fixed, so it is deterministic. Callers check the residuals: in hard clusters a
 * vector may come out as a mixture of its neighbours.
 */
export function tridiagonalEigenvectors(
  { diagonal, offDiagonal }: { readonly diagonal: Float64Array; readonly offDiagonal: Float64Array },
  eigenvalues: Float64Array,
  checkpoint?: () => void,
): Matrix<Float64Array> {
  const size = diagonal.length;
  const vectors = zeros(eigenvalues.length, size);
  let norm = 0;
  for (let i = 0; i < size; i++) norm = Math.max(norm, Math.abs(diagonal[i] as number), Math.abs(offDiagonal[i] as number));
  const smallestPivot = Math.max(Number.EPSILON * norm, Number.MIN_VALUE / Number.EPSILON);
  const factor = new TridiagonalFactor(size);
  let clusterStart = 0;
  let shift = Infinity;
  for (let at = 0; at < eigenvalues.length; at++) {
    if ((at & 3) === 0) checkpoint?.();
    const value = eigenvalues[at] as number;
    if (at > 0 && (eigenvalues[at - 1] as number) - value > clusterWidth * norm) clusterStart = at;
    // Equal eigenvalues get shifts that differ a little, lest they give the same vector.
    shift = Math.min(value, shift - 10 * Number.EPSILON * norm);
    factor.factorize(diagonal, offDiagonal, shift, smallestPivot);
    const x = vectors.data.subarray(at * size, (at + 1) * size);
    fillStart(x, at + 1);
    for (let iteration = 0; iteration < iterations; iteration++) {
      factor.solve(x);
      normalize(x);
      for (let other = clusterStart; other < at; other++) remove(x, vectors.data.subarray(other * size, (other + 1) * size));
      normalize(x);
    }
  }
  return vectors;
}

/** P (T - shift I) = L U with row exchanges; U has two diagonals above its own. */
class TridiagonalFactor {
  private readonly pivots: Float64Array;
  private readonly above: Float64Array;
  private readonly farAbove: Float64Array;
  private readonly multipliers: Float64Array;
  private readonly exchanged: Uint8Array;

  constructor(private readonly size: number) {
    [this.pivots, this.above, this.farAbove, this.multipliers] = Array.from({ length: 4 }, () => new Float64Array(size)) as [Float64Array, Float64Array, Float64Array, Float64Array];
    this.exchanged = new Uint8Array(size);
  }

  factorize(diagonal: Float64Array, offDiagonal: Float64Array, shift: number, smallestPivot: number): void {
    const { size, pivots, above, farAbove, multipliers, exchanged } = this;
    const safe = (pivot: number) => (Math.abs(pivot) < smallestPivot ? (pivot < 0 ? -smallestPivot : smallestPivot) : pivot);
    let pivot = (diagonal[0] as number) - shift;
    let right = offDiagonal[0] as number;
    for (let k = 0; k < size - 1; k++) {
      const below = offDiagonal[k] as number;
      const next = (diagonal[k + 1] as number) - shift;
      const nextRight = k + 2 < size ? (offDiagonal[k + 1] as number) : 0;
      if (Math.abs(pivot) >= Math.abs(below)) {
        pivots[k] = safe(pivot);
        above[k] = right;
        farAbove[k] = 0;
        multipliers[k] = below / (pivots[k] as number);
        exchanged[k] = 0;
        pivot = next - (multipliers[k] as number) * right;
        right = nextRight;
      } else {
        pivots[k] = safe(below);
        above[k] = next;
        farAbove[k] = nextRight;
        multipliers[k] = pivot / (pivots[k] as number);
        exchanged[k] = 1;
        pivot = right - (multipliers[k] as number) * next;
        right = -(multipliers[k] as number) * nextRight;
      }
    }
    pivots[size - 1] = safe(pivot);
    above[size - 1] = 0;
    farAbove[size - 1] = 0;
  }

  solve(x: Float64Array): void {
    const { size, pivots, above, farAbove, multipliers, exchanged } = this;
    for (let k = 0; k < size - 1; k++) {
      const own = x[k] as number;
      const next = x[k + 1] as number;
      if (exchanged[k] === 0) {
        x[k + 1] = next - (multipliers[k] as number) * own;
      } else {
        x[k] = next;
        x[k + 1] = own - (multipliers[k] as number) * next;
      }
    }
    let one = 0;
    let two = 0;
    for (let k = size - 1; k >= 0; k--) {
      const value = ((x[k] as number) - (above[k] as number) * one - (farAbove[k] as number) * two) / (pivots[k] as number);
      x[k] = value;
      two = one;
      one = value;
    }
  }
}

/** A fixed vector of pseudorandom numbers in (-1/2, 1/2) (xorshift32, Marsaglia 2003). */
function fillStart(x: Float64Array, seed: number): void {
  let state = Math.imul(seed, 0x9e3779b9) | 1;
  for (let i = 0; i < x.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    x[i] = (state >>> 0) / 2 ** 32 - 0.5;
  }
}

function normalize(x: Float64Array): void {
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i] as number));
  if (!(largest > 0)) return;
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += ((x[i] as number) / largest) ** 2;
  const factor = 1 / (largest * Math.sqrt(sum));
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) * factor;
}

/** Takes out of x what lies along a unit vector. */
function remove(x: Float64Array, unit: Float64Array): void {
  let [even, odd] = [0, 0];
  let i = 0;
  // Two sums, as one would wait for itself.
  for (; i + 2 <= x.length; i += 2) {
    even += (x[i] as number) * (unit[i] as number);
    odd += (x[i + 1] as number) * (unit[i + 1] as number);
  }
  if (i < x.length) even += (x[i] as number) * (unit[i] as number);
  const dot = even + odd;
  for (i = 0; i < x.length; i++) x[i] = (x[i] as number) - dot * (unit[i] as number);
}
