import type { LayerMeasurement } from '../contract';
import type { LayerWeights, WeightFamily } from './contract';
import { scanWeights, toWeightMeasurement, unusableReason, type WeightValue } from './measurement';

const method = 1;

/** What needs no eigenvalues. */
export const weightNormFamily: WeightFamily = {
  id: 'weight_norms',
  metrics: ['frobenius_norm', 'nonfinite_count'],
  method,
  measure(layer: LayerWeights): Promise<LayerMeasurement[]> {
    const reason = unusableReason(layer.weights);
    const norm: WeightValue = reason === null ? { value: scanWeights(layer.weights).norm } : { value: null, warnings: [reason] };
    return Promise.resolve([
      toWeightMeasurement(layer, 'frobenius_norm', method, norm),
      toWeightMeasurement(layer, 'nonfinite_count', method, { value: scanWeights(layer.weights).nonFinite }),
    ]);
  },
};
