/** A Marchenko-Pastur bulk; eigenvalues are scaled so that their mean is 1. */
export interface MarchenkoPasturFit {
  /** Standard deviation of the entries that the bulk stands for, in the scale where the mean eigenvalue is 1. */
  readonly sigma: number;
  /** Upper edge of the bulk, scaled. */
  readonly edge: number;
  /** Eigenvalues above the edge by more than Tracy-Widom fluctuations: signal. */
  readonly spikes: number;
  /** edge / largest eigenvalue. */
  readonly softRank: number;
}

const bandwidth = 0.1;
const gridPoints = 1000;
/** The density is compared only where there is some. */
const leastDensity = 0.01;
const [sigmaFrom, sigmaTo, sigmaStep] = [0.05, 2, 0.01];

/**
 * The fit of WeightWatcher 0.7: the Marchenko-Pastur density whose sigma has the least squared distance to a kernel estimate of the density of
 * the eigenvalues (tent of half-width 0.1, 1000 points), among those whose bulk contains the mode and ends before the largest eigenvalue.
 * For square matrices the same with singular values and the quarter circle of radius 2 sigma (WeightWatcher keeps the radius at 2 whatever sigma is).
 * Martin & Mahoney 2021, arXiv 1810.01075.
 * @param ascending eigenvalues in order, with zeros
 * @param ratio larger side / smaller side
 * @param smaller smaller side of the matrix
 * @returns null when no bulk fits.
 */
export function fitMarchenkoPastur(ascending: Float64Array, ratio: number, smaller: number): MarchenkoPasturFit | null {
  const count = ascending.length;
  const mean = ascending.reduce((sum, value) => sum + value, 0) / count;
  if (!(mean > 0)) return null;
  const scaled = ascending.map((value) => value / mean);
  const largest = scaled[count - 1] as number;
  const square = ratio === 1;
  const { places, density } = kernelDensity(square ? scaled.map(Math.sqrt) : scaled);
  const residual = square ? quarterCircleResidual(places, density) : bulkResidual(places, density, ratio);
  const unit = Math.sqrt(largest) / (1 + Math.sqrt(1 / ratio));
  let best = { sigma: NaN, residual: Infinity };
  for (let i = 0; i < Math.round((sigmaTo - sigmaFrom) / sigmaStep); i++) {
    const sigma = (sigmaFrom + i * sigmaStep) * unit;
    const value = residual(sigma);
    if (value < best.residual) best = { sigma, residual: value };
  }
  if (best.residual === Infinity) return null;
  const sigma = minimizeBetween(residual, best.sigma - sigmaStep * unit, best.sigma + sigmaStep * unit, best.sigma);
  const edge = (sigma * (1 + Math.sqrt(1 / ratio))) ** 2;
  const fluctuation = Math.sqrt(Math.sqrt(1 / ratio) * edge ** (2 / 3) * smaller ** (-2 / 3));
  const spikes = scaled.reduce((above, value) => above + (value > edge + fluctuation ? 1 : 0), 0);
  return { sigma, edge, spikes, softRank: edge / largest };
}

interface Density {
  readonly places: Float64Array;
  readonly density: Float64Array;
}

/** Density by a tent of half-width `bandwidth` at the places where it is not nearly 0; two windows slide over the ordered values. */
function kernelDensity(ascending: Float64Array): Density {
  const count = ascending.length;
  const sums = new Float64Array(count + 1);
  for (let i = 0; i < count; i++) sums[i + 1] = (sums[i] as number) + (ascending[i] as number);
  const last = (ascending[count - 1] as number) + 0.5;
  const places: number[] = [];
  const density: number[] = [];
  let [from, middle, to] = [0, 0, 0];
  for (let i = 0; i < gridPoints; i++) {
    const x = (i / (gridPoints - 1)) * last;
    while (from < count && (ascending[from] as number) <= x - bandwidth) from++;
    while (middle < count && (ascending[middle] as number) <= x) middle++;
    while (to < count && (ascending[to] as number) < x + bandwidth) to++;
    const below = (middle - from) * (bandwidth - x) + (sums[middle] as number) - (sums[from] as number);
    const above = (to - middle) * (bandwidth + x) - (sums[to] as number) + (sums[middle] as number);
    const value = (below + above) / (count * bandwidth * bandwidth);
    if (value <= leastDensity) continue;
    places.push(x);
    density.push(value);
  }
  return { places: Float64Array.from(places), density: Float64Array.from(density) };
}

function bulkResidual(places: Float64Array, density: Float64Array, ratio: number): (sigma: number) => number {
  const peak = density.reduce((best, value, i) => (value > (density[best] as number) ? i : best), 0);
  const mode = places[peak] as number;
  const end = places.at(-1) ?? 0;
  return (sigma) => {
    const lower = (sigma * (1 - Math.sqrt(1 / ratio))) ** 2;
    const upper = (sigma * (1 + Math.sqrt(1 / ratio))) ** 2;
    if (upper < mode || upper > end || lower > mode) return Infinity;
    const factor = ratio / (2 * Math.PI * sigma * sigma);
    let sum = 0;
    for (let i = 0; i < places.length; i++) {
      const x = places[i] as number;
      const inside = (upper - x) * (x - lower);
      sum += ((inside > 0 ? (factor / x) * Math.sqrt(inside) : 0) - (density[i] as number)) ** 2;
    }
    return sum;
  };
}

function quarterCircleResidual(places: Float64Array, density: Float64Array): (sigma: number) => number {
  return (sigma) => {
    const factor = 1 / (Math.PI * sigma * sigma);
    let sum = 0;
    for (let i = 0; i < places.length; i++) {
      const inside = 4 * sigma * sigma - (places[i] as number) ** 2;
      sum += ((inside > 0 ? factor * Math.sqrt(inside) : 0) - (density[i] as number)) ** 2;
    }
    return sum;
  };
}

/** Golden section; `start` when nothing between the ends is better. */
function minimizeBetween(f: (x: number) => number, low: number, high: number, start: number): number {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [low, high];
  let [x1, x2] = [b - golden * (b - a), a + golden * (b - a)];
  let [f1, f2] = [f(x1), f(x2)];
  while (b - a > 1e-6 * start) {
    if (f1 <= f2) {
      [b, x2, f2] = [x2, x1, f1];
      x1 = b - golden * (b - a);
      f1 = f(x1);
    } else {
      [a, x1, f1] = [x1, x2, f2];
      x2 = a + golden * (b - a);
      f2 = f(x2);
    }
  }
  const found = (a + b) / 2;
  return f(found) < f(start) ? found : start;
}
