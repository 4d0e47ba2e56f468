import type { LayerMeasurement } from '../contract';
import { weightCatalog } from '../weightCatalog';
import type { LayerWeights, WeightContext, WeightFamily } from './contract';
import { driftFamily, teacherFamily } from './drift';
import { weightNormFamily } from './norms';
import { spectrumFamily } from './spectrum';

export type { LayerWeights, WeightContext, WeightFamily, WeightReference, WeightTensor } from './contract';
export { driftMetrics } from './drift';
export { weightShape } from './matrices';

/** Families in the order they are measured: cheap ones first. */
export const weightFamilies: readonly WeightFamily[] = [weightNormFamily, driftFamily, teacherFamily, spectrumFamily];

const known = new Set(weightCatalog.map(({ id }) => id));

/**
 * Measures the asked metrics on one weight tensor. A family is computed once however many of its metrics are asked for; only the asked ones are
 * answered, in catalog order. A value that cannot be taken is null with a warning that says why, never an exception.
 * @throws {RangeError} naming the id when a metric is none of weights.
 * @throws whatever `context.checkpoint` throws when the measurement was cancelled.
 */
export async function measureWeights(layer: LayerWeights, metricIds: readonly string[], context: WeightContext): Promise<LayerMeasurement[]> {
  const unknown = metricIds.find((id) => !known.has(id));
  if (unknown !== undefined) throw new RangeError(`There is no metric "${unknown}" of weights. Known: ${[...known].join(', ')}.`);
  const asked = new Set(metricIds);
  const measurements: LayerMeasurement[] = [];
  for (const family of weightFamilies) {
    if (!family.metrics.some((id) => asked.has(id))) continue;
    context.checkpoint();
    measurements.push(...(await family.measure(layer, context)));
  }
  return weightCatalog.flatMap(({ id }) => (asked.has(id) ? measurements.filter((one) => one.metric === id) : []));
}
