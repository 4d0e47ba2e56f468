import type { LayerMeasurement } from '../contract';
import type { LayerWeights, WeightContext, WeightFamily } from './contract';
import { largestSide, pooledEigenvalues } from './eigenvalues';
import { fitMarchenkoPastur } from './marchenkoPastur';
import { weightShape } from './matrices';
import { noValues, toWeightMeasurement, unusableReason, type WeightValue } from './measurement';
import { fitPowerLaw } from './powerLaw';

const method = 1;
const metrics = [
  'ww_alpha', 'ww_alpha_hat', 'ww_log_alpha_norm', 'ww_stable_rank', 'ww_entropy', 'mp_spikes', 'mp_softrank', 'spectral_norm',
] as const;
type Metric = (typeof metrics)[number];

/** With fewer eigenvalues a distribution says nothing (Martin & Mahoney). */
export const fewestEigenvalues = 50;
/** Smaller eigenvalues take no part in the power law, as in WeightWatcher. */
const smallestFitted = 1e-5;
/** WeightWatcher scales convolutions by sqrt(1/2) before anything else (`conv2d_norm`), which halves their eigenvalues. */
const convolutionFactor = 0.5;
/** Added to every p of the entropy, and to the rank, as in WeightWatcher. */
const addend = 1e-10;

/** What follows from the eigenvalues (squared singular values) of a weight tensor: Martin & Mahoney 2021, arXiv 1810.01075; WeightWatcher 0.7. */
export const spectrumFamily: WeightFamily = {
  id: 'weight_spectrum',
  metrics,
  method,
  async measure(layer: LayerWeights, context: WeightContext): Promise<LayerMeasurement[]> {
    const { smaller, larger, positions } = weightShape(layer.weights.shape);
    let values: Record<Metric, WeightValue>;
    const reason =
      unusableReason(layer.weights) ??
      (smaller > largestSide ? `A matrix of ${larger} x ${smaller} has too many eigenvalues: the smaller side may be at most ${largestSide}.` : null);
    if (reason !== null) {
      values = noValues(metrics, reason);
    } else {
      const eigenvalues = await pooledEigenvalues(layer.weights, context);
      values = measureEigenvalues(eigenvalues, { larger, smaller, isConvolution: positions > 1 || layer.weights.shape.length > 2 }, context.checkpoint);
    }
    return metrics.map((metric) => toWeightMeasurement(layer, metric, method, values[metric]));
  },
};

export interface SpectrumShape {
  /** Sides of each matrix. */
  readonly larger: number;
  readonly smaller: number;
  readonly isConvolution: boolean;
}

/**
 * All values from the pooled eigenvalues.
 * @param ascending eigenvalues as they are, in order, zeros included
 */
export function measureEigenvalues(ascending: Float64Array, shape: SpectrumShape, checkpoint?: () => void): Record<Metric, WeightValue> {
  const largest = ascending.at(-1) ?? 0;
  if (largest === 0) {
    const none = noValues(metrics, 'All weights are zero.');
    return { ...none, spectral_norm: { value: 0 } };
  }
  const options = shape.isConvolution ? { conv2d_norm: true } : {};
  const scaled = shape.isConvolution ? ascending.map((value) => value * convolutionFactor) : ascending;
  return {
    ...powerLawValues(scaled, options, checkpoint),
    ...bulkValues(scaled, shape),
    ww_stable_rank: { value: sum(ascending) / largest },
    ww_entropy: entropyValue(ascending),
    spectral_norm: { value: Math.sqrt(largest) },
  };
}

function powerLawValues(
  ascending: Float64Array,
  options: Readonly<Record<string, boolean>>,
  checkpoint?: () => void,
): Record<'ww_alpha' | 'ww_alpha_hat' | 'ww_log_alpha_norm', WeightValue> {
  const of = ['ww_alpha', 'ww_alpha_hat', 'ww_log_alpha_norm'] as const;
  if (ascending.length < fewestEigenvalues) return noValues(of, tooFew(ascending.length));
  const fitted = ascending.slice(ascending.findIndex((value) => value > smallestFitted));
  if (!((ascending.at(-1) ?? 0) > smallestFitted) || fitted.length < fewestEigenvalues) {
    const above = (ascending.at(-1) ?? 0) > smallestFitted ? fitted.length : 0;
    return noValues(of, `Only ${above} of ${ascending.length} eigenvalues are above ${smallestFitted}; a power law needs ${fewestEigenvalues}.`);
  }
  const fit = fitPowerLaw(fitted, checkpoint);
  if (fit === null) return noValues(of, 'All eigenvalues are equal: no power law fits.');
  const { alpha, sigma, xmin, distance, tail } = fit;
  const logLargest = Math.log10(ascending.at(-1) as number);
  // Scaled by the largest, so that no power overflows.
  const powers = ascending.reduce((total, value) => total + (value > 0 ? 10 ** (alpha * (Math.log10(value) - logLargest)) : 0), 0);
  const details = { sigma, xmin, distance, tail, eigenvalues: ascending.length };
  return {
    ww_alpha: { value: alpha, options, details },
    ww_alpha_hat: { value: alpha * logLargest, options, details },
    ww_log_alpha_norm: { value: alpha * logLargest + Math.log10(powers), options, details },
  };
}

function bulkValues(ascending: Float64Array, { larger, smaller }: SpectrumShape): Record<'mp_spikes' | 'mp_softrank', WeightValue> {
  const of = ['mp_spikes', 'mp_softrank'] as const;
  if (ascending.length < fewestEigenvalues) return noValues(of, tooFew(ascending.length));
  const fit = fitMarchenkoPastur(ascending, larger / smaller, smaller);
  if (fit === null) return noValues(of, 'No Marchenko-Pastur bulk fits these eigenvalues.');
  const details = { sigma: fit.sigma, edge: fit.edge, eigenvalues: ascending.length };
  return { mp_spikes: { value: fit.spikes, details }, mp_softrank: { value: fit.softRank, details } };
}

/** -sum p log p / log rank, p being the shares of the eigenvalues. */
function entropyValue(ascending: Float64Array): WeightValue {
  const total = sum(ascending);
  const rank = ascending.reduce((count, value) => count + (value > 0 ? 1 : 0), 0);
  if (rank < 2) return { value: null, warnings: ['The rank is 1: there is nothing to divide the entropy by.'] };
  let entropy = 0;
  for (const value of ascending) {
    const p = value / total + addend;
    entropy -= p * Math.log(p);
  }
  return { value: entropy / Math.log(rank + addend) };
}

function tooFew(count: number): string {
  return `Only ${count} eigenvalue${count === 1 ? '' : 's'}; their distribution needs ${fewestEigenvalues} at least.`;
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
