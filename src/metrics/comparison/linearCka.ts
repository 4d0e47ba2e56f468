import { sum } from '../bootstrap';
import type { MeasureContext } from '../contract';
import type { CentredFeatures, Precision } from './centredFeatures';
import { type FrobeniusProducts, frobeniusProducts } from './frobeniusProducts';

/** Debiased where rows are fewer than this many times the wider of the two layers (Kornblith et al. 2019 use it for few examples). */
const rowsPerDimension = 4;
/** The debiased estimate divides by (n - 1)(n - 2) and leaves nothing of three rows. */
export const leastRows = 4;
/** The n x n products of both layers take less work below the sum of their widths; d x d products of one layer are kept for the next comparison. */
const rowsSideBelow = 0.75;
/** Multiplications up to which float64 costs next to nothing. */
const smallProduct = 3e7;
/** Relative error of a sum of squares of products in float32, with a margin of five over the worst that was seen (docs/metrics/cka-prev.md). */
const narrowError = 1e-7;
const acceptedError = 1e-6;
/** A debiased self-similarity below this share of the plain one is rounding. */
const vanishing = 1e-10;

export interface LinearCka {
  /** 0 to 1, debiased slightly below 0 at times; null when one side has no variation that exceeds its bias. */
  readonly value: number | null;
  readonly debiased: boolean;
  readonly precision: Precision;
}

export interface CkaOptions {
  /** Default: by the number of rows. */
  readonly debiased?: boolean;
  /** Default: the smaller of the products. */
  readonly side?: 'columns' | 'rows';
  /** Default: float32 where it keeps 1e-6. */
  readonly precision?: Precision;
}

export function isDebiased(x: CentredFeatures, y: CentredFeatures): boolean {
  return x.features.rows < rowsPerDimension * Math.max(x.features.columns, y.features.columns);
}

/**
 * Linear centred kernel alignment (Kornblith, Norouzi, Lee & Hinton 2019, arXiv 1905.00414) of two layers on the same rows:
 * ||X'Y||^2 / (||X'X|| ||Y'Y||), its three parts replaced by unbiased estimates (Song et al. 2012, HSIC_1) when debiased.
 */
export async function linearCka(x: CentredFeatures, y: CentredFeatures, context: MeasureContext, options: CkaOptions = {}): Promise<LinearCka> {
  const { rows, columns } = x.features;
  const other = y.features.columns;
  const { debiased = isDebiased(x, y), side = rows < rowsSideBelow * (columns + other) ? 'rows' : 'columns', precision } = options;
  const work = side === 'rows' ? rows * rows * (columns + other) : rows * columns * other;
  if (precision === 'float32' || (precision === undefined && work > smallProduct)) {
    const found = combine(await frobeniusProducts(x, y, side, 'float32', context), x, y, debiased);
    if (precision || found.amplification * narrowError <= acceptedError) return { value: found.value, debiased, precision: 'float32' };
  }
  return { value: combine(await frobeniusProducts(x, y, side, 'float64', context), x, y, debiased).value, debiased, precision: 'float64' };
}

/** `amplification` is by how much the relative error of the sums of squares can grow in the value. */
function combine(
  { xy, xx, yy }: FrobeniusProducts,
  x: CentredFeatures,
  y: CentredFeatures,
  debiased: boolean,
): { value: number | null; amplification: number } {
  if (!debiased) return { value: xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : null, amplification: 2 };
  const ofX = debias(xx, x.squares, x.squares);
  const ofY = debias(yy, y.squares, y.squares);
  const cross = debias(xy, x.squares, y.squares);
  if (!(ofX.value > vanishing * ofX.size && ofY.value > vanishing * ofY.size)) return { value: null, amplification: Infinity };
  const scale = Math.sqrt(ofX.value * ofY.value);
  const value = cross.value / scale;
  const amplification = cross.size / scale + (Math.abs(value) / 2) * (ofX.size / ofX.value + ofY.size / ofY.value);
  return { value, amplification };
}

/** The unbiased estimate up to a factor that cancels in CKA, from ||X'Y||^2 and the squared lengths of the rows; `size` is ||X'Y||^2. */
function debias(product: number, squaresX: Float64Array, squaresY: Float64Array): { value: number; size: number } {
  const n = squaresX.length;
  let diagonal = 0;
  for (let i = 0; i < n; i++) diagonal += (squaresX[i] as number) * (squaresY[i] as number);
  const traces = (sum(squaresX) * sum(squaresY)) / ((n - 1) * (n - 2));
  return { value: product - (n / (n - 2)) * diagonal + traces, size: product };
}
