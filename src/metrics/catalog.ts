import type { MetricInfo } from '../protocol';
import { clustersCatalog } from './clusters/catalog';
import { comparisonCatalog } from './comparison/catalog';
import { labelsCatalog } from './labels/catalog';
import { memorizationCatalog } from './memorizationCatalog';
import { neighboursCatalog } from './neighbours/catalog';
import { spectrumCatalog } from './spectrum/catalog';
import { weightCatalog } from './weightCatalog';

/** Every metric of features that a person can choose, in the order they are offered. */
export const featureCatalog: readonly MetricInfo[] = [
  ...memorizationCatalog,
  ...spectrumCatalog,
  ...clustersCatalog,
  ...neighboursCatalog,
  ...comparisonCatalog,
  ...labelsCatalog,
];

/** Every metric: of features first, as they say more. */
export const metricCatalog: readonly MetricInfo[] = [...featureCatalog, ...weightCatalog];

const byId = new Map(metricCatalog.map((metric) => [metric.id, metric]));

/** What the catalog says about a metric; undefined for an id it does not know. */
export function metricInfo(id: string): MetricInfo | undefined {
  return byId.get(id);
}

/** The metrics that a person means by an id or by the name of a group, in any case of letters; none when it is neither. */
export function metricsNamed(name: string): readonly MetricInfo[] {
  const wanted = name.trim().toLowerCase();
  return metricCatalog.filter(({ id, group }) => id === wanted || group.toLowerCase() === wanted);
}

export function isKnownMetric(id: string): boolean {
  return byId.has(id);
}
