import { alignmentFamily } from './alignment';
import { featureCatalog } from './catalog';
import { clustersFamilies } from './clusters';
import { releaseRows } from './clusters/centredRows';
import { codingRateFamily } from './codingRate';
import { comparisonFamilies } from './comparison';
import type { LayerFeatures, LayerMeasurement, MeasureContext, MeasureOptions, MetricFamily } from './contract';
import { labelsFamilies } from './labels';
import { type PartMeasurement, toMeasurements } from './measurement';
import { neighboursFamilies } from './neighbours';
import { type Part, partRows, parts } from './partRows';
import { randomLabelFamily } from './randomLabels';
import { spectrumFamilies } from './spectrum';
import { weightFamilies } from './weights';

export { featureCatalog, isKnownMetric, metricCatalog, metricInfo, metricsNamed } from './catalog';
export { weightCatalog } from './weightCatalog';
export { nearestNames } from './nearestNames';
export { driftMetrics, measureWeights, weightFamilies } from './weights';
export type { LayerWeights, WeightContext, WeightFamily, WeightReference, WeightTensor } from './weights';
export { defaultMeasureOptions } from './contract';
export type { LayerFeatures, LayerMeasurement, LayerReference, MeasureContext, MeasureOptions, MetricFamily, Partition } from './contract';
export type { Part } from './partRows';
export { suggestLabels } from './labels';
export type { LabelSuggestion, LabelSuggestions, SuggestOptions } from './labels';

/** Families in the order they are measured: cheap ones first, so that something is seen early. */
export const metricFamilies: readonly MetricFamily[] = [
  alignmentFamily,
  codingRateFamily,
  ...spectrumFamilies,
  ...neighboursFamilies,
  ...clustersFamilies,
  ...comparisonFamilies,
  ...labelsFamilies,
  randomLabelFamily,
];

const methods = new Map([
  ...metricFamilies.flatMap(({ shapes, method }) => shapes.map(({ metric }) => [metric, method] as const)),
  ...weightFamilies.flatMap(({ metrics, method }) => metrics.map((metric) => [metric, method] as const)),
]);

/** The current `method` of a metric of features or weights, or null when no family computes it. */
export function methodOfMetric(id: string): number | null {
  return methods.get(id) ?? null;
}

/** Metrics of features whose value depends on the same layer at the nearest earlier checkpoint. */
export const metricsOfPrevious: readonly string[] = metricFamilies.filter(({ needs }) => needs?.previous).flatMap(({ shapes }) => shapes.map(({ metric }) => metric));
/** Metrics of features whose value depends on the deepest layer of the probe. */
export const metricsOfDeepest: readonly string[] = metricFamilies.filter(({ needs }) => needs?.deepest).flatMap(({ shapes }) => shapes.map(({ metric }) => metric));

/** Metrics of features that need the training part to measure the other, when samples are labelled. */
export const metricsOfBothParts: readonly string[] = metricFamilies.filter(({ needs }) => needs?.bothParts).flatMap(({ shapes }) => shapes.map(({ metric }) => metric));

/** What was measured of one part of a layer, by metric. Survives the way between threads. */
export type MeasuredPart = ReadonlyMap<string, PartMeasurement>;

/**
 * Measures the asked metrics on one part of a layer; null when the probe has no rows of that part. A family is computed once however many of its
 * metrics are asked for. A value that cannot be taken is null with a warning that says why, never an exception.
 * @throws {RangeError} naming the id when a metric is not known or an option is out of range.
 * @throws whatever `context.checkpoint` throws when the measurement was cancelled.
 */
export async function measurePart(
  layer: LayerFeatures,
  part: Part,
  metricIds: readonly string[],
  options: MeasureOptions,
  context: MeasureContext,
): Promise<MeasuredPart | null> {
  const asked = checked(metricIds);
  const rows = partRows(layer, part);
  if (!rows) return null;
  const { rows: n, columns } = rows.features;
  const summary = { part, layer: layer.layer, layerIndex: layer.layerIndex, rows: n, columns, samples: rows.sampleIds.length, views: rows.views };
  const measured = new Map<string, PartMeasurement>();
  for (const family of metricFamilies) {
    if (!family.shapes.some(({ metric }) => asked.has(metric))) continue;
    context.checkpoint();
    for (const [metric, value] of Object.entries(await family.measurePart(rows, layer, options, context))) measured.set(metric, { ...value, summary });
  }
  return measured;
}

/** Lets go of what is largest among the things that are kept of a part (distances, centred rows): measured again, they are computed again. */
export function releasePart(layer: LayerFeatures, part: Part): void {
  const rows = partRows(layer, part);
  if (rows) releaseRows(rows.features);
}

/** Records of the asked metrics, in catalog order: each on every part that was measured, and the gaps that inputs.md section 4 defines. */
export function combineParts(measured: readonly (MeasuredPart | null)[], metricIds: readonly string[], options: MeasureOptions): LayerMeasurement[] {
  const asked = checked(metricIds);
  const shapes = new Map(metricFamilies.flatMap(({ shapes: own, method }) => own.map((shape) => [shape.metric, { shape, method }] as const)));
  return featureCatalog.flatMap(({ id }) => {
    const known = shapes.get(id);
    if (!asked.has(id) || !known) return [];
    const values = measured.flatMap((part) => part?.get(id) ?? []);
    return toMeasurements(known.shape, known.method, values, options);
  });
}

/** Measures the asked metrics on one layer: each on every part that has rows, and the gaps. Fails as `measurePart` does. */
export async function measureLayer(
  layer: LayerFeatures,
  metricIds: readonly string[],
  options: MeasureOptions,
  context: MeasureContext,
): Promise<LayerMeasurement[]> {
  const measured: (MeasuredPart | null)[] = [];
  for (const part of parts) measured.push(await measurePart(layer, part, metricIds, options, context));
  return combineParts(measured, metricIds, options);
}

const featureIds = new Set(featureCatalog.map(({ id }) => id));

function checked(metricIds: readonly string[]): ReadonlySet<string> {
  for (const id of metricIds) {
    if (!featureIds.has(id)) throw new RangeError(`There is no metric "${id}" of features. Known: ${[...featureIds].join(', ')}.`);
  }
  return new Set(metricIds);
}
