import { alignmentFamily } from './alignment';
import { featureCatalog } from './catalog';
import { codingRateFamily } from './codingRate';
import type { LayerFeatures, LayerMeasurement, MeasureContext, MeasureOptions, MetricFamily } from './contract';
import { randomLabelFamily } from './randomLabels';
import { rankmeFamily } from './rankme';

export { featureCatalog, isKnownMetric, metricCatalog, metricInfo } from './catalog';
export { weightCatalog } from './weightCatalog';
export { driftMetrics, measureWeights, weightFamilies } from './weights';
export type { LayerWeights, WeightContext, WeightFamily, WeightReference, WeightTensor } from './weights';
export { defaultMeasureOptions } from './contract';
export type { LayerFeatures, LayerMeasurement, MeasureContext, MeasureOptions, MetricFamily } from './contract';

/** Families in the order they are measured: cheap ones first, so that something is seen early. */
export const metricFamilies: readonly MetricFamily[] = [alignmentFamily, codingRateFamily, rankmeFamily, randomLabelFamily];

const featureIds = new Set(featureCatalog.map(({ id }) => id));

/**
 * Measures the asked metrics on one layer: each on every split that has rows, and the gaps that the catalog names.
 * A family is computed once however many of its metrics are asked for; only the asked ones are answered, in catalog order.
 * A value that cannot be taken is null with a warning that says why, never an exception.
 * @throws {RangeError} naming the id when a metric is not known or an option is out of range.
 * @throws whatever `context.checkpoint` throws when the measurement was cancelled.
 */
export async function measureLayer(
  layer: LayerFeatures,
  metricIds: readonly string[],
  options: MeasureOptions,
  context: MeasureContext,
): Promise<LayerMeasurement[]> {
  for (const id of metricIds) {
    if (!featureIds.has(id)) throw new RangeError(`There is no metric "${id}" of features. Known: ${[...featureIds].join(', ')}.`);
  }
  const asked = new Set(metricIds);
  const measurements: LayerMeasurement[] = [];
  for (const family of metricFamilies) {
    if (!family.metrics.some((id) => asked.has(id))) continue;
    context.checkpoint();
    measurements.push(...(await family.measure(layer, options, context)));
  }
  return featureCatalog.flatMap(({ id }) => (asked.has(id) ? measurements.filter((one) => one.metric === id) : []));
}
