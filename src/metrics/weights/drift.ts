import type { LayerMeasurement } from '../contract';
import type { LayerWeights, WeightFamily, WeightReference, WeightTensor } from './contract';
import { distance, scanWeights, toWeightMeasurement, unusableReason, type WeightValue } from './measurement';

const method = 1;

/** Metrics that are measured against another checkpoint; their records name it in the option `since`. */
export const driftMetrics = ['drift_prev', 'drift_first'] as const;

/** How far the weights have moved: ||W - V||_F / ||V||_F, V being the weights of an earlier checkpoint. */
export const driftFamily: WeightFamily = {
  id: 'weight_drift',
  metrics: driftMetrics,
  method,
  measure(layer: LayerWeights): Promise<LayerMeasurement[]> {
    return Promise.resolve([
      toWeightMeasurement(layer, 'drift_prev', method, drift(layer.weights, layer.previous, 'There is no earlier checkpoint.')),
      toWeightMeasurement(layer, 'drift_first', method, drift(layer.weights, layer.first, 'The first checkpoint is not known.')),
    ]);
  },
};

/** ||W_student - W_teacher||_F / ||W_student||_F where a checkpoint holds both (DINO, MoCo, BYOL, RC-MAE). */
export const teacherFamily: WeightFamily = {
  id: 'teacher_distance',
  metrics: ['teacher_distance'],
  method,
  measure(layer: LayerWeights): Promise<LayerMeasurement[]> {
    const { weights, teacher } = layer;
    const value: WeightValue = teacher
      ? relativeDistance(weights, teacher, weights, ' of the teacher')
      : { value: null, warnings: ['The checkpoint holds no teacher for this layer.'] };
    return Promise.resolve([toWeightMeasurement(layer, 'teacher_distance', method, value)]);
  },
};

function drift(weights: WeightTensor, reference: WeightReference | null | undefined, missing: string): WeightValue {
  if (!reference) return { value: null, options: { since: '' }, warnings: [missing] };
  const options = { since: reference.since };
  if (reference.weights === null) return { value: null, options, warnings: [reference.reason] };
  return { ...relativeDistance(weights, reference.weights, reference.weights, ' of the other checkpoint'), options };
}

function relativeDistance(weights: WeightTensor, other: WeightTensor, unit: WeightTensor, whose: string): WeightValue {
  if (weights.shape.join() !== other.shape.join()) {
    return { value: null, warnings: [`The shapes differ: [${weights.shape.join(', ')}] and [${other.shape.join(', ')}].`] };
  }
  const reason = unusableReason(weights) ?? unusableReason(other, whose);
  if (reason !== null) return { value: null, warnings: [reason] };
  const length = scanWeights(unit).norm;
  if (length === 0) return { value: null, warnings: ['The weights to compare with are all zero.'] };
  return { value: distance(weights.data, other.data) / length };
}
