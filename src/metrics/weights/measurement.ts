import { dot } from '../../linalg/dot';
import type { OptionValue } from '../../protocol';
import type { LayerMeasurement } from '../contract';
import type { LayerWeights, WeightTensor } from './contract';
import { weightShape } from './matrices';

/** A metric of one weight tensor, before it becomes a record. */
export interface WeightValue {
  readonly value: number | null;
  readonly options?: Readonly<Record<string, OptionValue>>;
  readonly details?: Readonly<Record<string, number>>;
  readonly warnings?: readonly string[];
}

export function toWeightMeasurement(layer: LayerWeights, metric: string, method: number, { value, options, details, warnings = [] }: WeightValue): LayerMeasurement {
  const { larger, smaller, positions } = weightShape(layer.weights.shape);
  const finite = value !== null && Number.isFinite(value);
  return {
    layer: layer.layer,
    layerIndex: layer.layerIndex,
    metric,
    split: null,
    value: finite ? value : null,
    n: larger,
    d: smaller,
    views: positions,
    seed: null,
    options: options ?? {},
    warnings: value === null || finite ? warnings : [...warnings, `The computation gave ${value}.`],
    method,
    ...(finite && details && { details }),
  };
}

/** The same reason for several metrics. */
export function noValues<Metric extends string>(metrics: readonly Metric[], reason: string): Record<Metric, WeightValue> {
  return Object.fromEntries(metrics.map((metric) => [metric, { value: null, warnings: [reason] }])) as unknown as Record<Metric, WeightValue>;
}

interface Scan {
  readonly nonFinite: number;
  /** Root of the sum of squares; NaN when weights are not finite. */
  readonly norm: number;
}

/** Families ask for the same; a layer has millions of weights. */
const scans = new WeakMap<WeightTensor, Scan>();

/** Looks at every weight once. */
export function scanWeights(weights: WeightTensor): Scan {
  const known = scans.get(weights);
  if (known !== undefined) return known;
  const { data } = weights;
  const sum = dot(data, data);
  // Finite and far from underflow: so is every weight that counts.
  const scan = sum < Infinity && sum > smallestExactSum ? { nonFinite: 0, norm: Math.sqrt(sum) } : scanCarefully(data);
  scans.set(weights, scan);
  return scan;
}

/** ||a - b||_F; both finite, of one length. */
export function distance(a: WeightTensor['data'], b: WeightTensor['data']): number {
  const difference = new Float64Array(a.length);
  for (let i = 0; i < a.length; i++) difference[i] = (a[i] as number) - (b[i] as number);
  const sum = dot(difference, difference);
  return sum < Infinity && sum > smallestExactSum ? Math.sqrt(sum) : scaledNorm(difference);
}

/** Below it, squares of what matters may have been lost. */
const smallestExactSum = 1e-280;

function scanCarefully(data: WeightTensor['data']): Scan {
  let nonFinite = 0;
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) nonFinite++;
  return { nonFinite, norm: nonFinite > 0 ? NaN : scaledNorm(data) };
}

/** In the scale of the largest, so that nothing overflows or vanishes. */
function scaledNorm(data: WeightTensor['data']): number {
  let largest = 0;
  for (let i = 0; i < data.length; i++) largest = Math.max(largest, Math.abs(data[i] as number));
  if (largest === 0) return 0;
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += ((data[i] as number) / largest) ** 2;
  return largest * Math.sqrt(sum);
}

/** Why nothing but the count of bad weights can be computed, or null. */
export function unusableReason(weights: WeightTensor, whose = ''): string | null {
  const { nonFinite } = scanWeights(weights);
  return nonFinite === 0 ? null : `${nonFinite} of ${weights.data.length} weights${whose} ${nonFinite === 1 ? 'is' : 'are'} NaN or infinite.`;
}
