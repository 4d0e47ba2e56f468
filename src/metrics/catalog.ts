import type { MetricInfo } from '../protocol';
import { weightCatalog } from './weightCatalog';

const ofFeatures = { subject: 'features' } as const;

/**
 * Every metric of features that a person can choose, in the order they are offered. A new family adds its entries here,
 * its object to `metricFamilies` and its page to docs/metrics.
 */
export const featureCatalog: readonly MetricInfo[] = [
  {
    ...ofFeatures,
    id: 'coding_rate_reduction',
    title: 'Coding rate reduction',
    unit: 'nats',
    summary: 'How much larger the volume of all features is than that of the views of one sample; higher means samples are spread out and their views agree.',
    caveat: 'Compares only within one probe, width and eps2; with fewer than 8 views it barely sees alignment.',
    hasGap: true,
    page: 'coding-rate.md',
  },
  {
    ...ofFeatures,
    id: 'crr_normalized',
    title: 'Coding rate reduction, normalized',
    unit: '',
    summary: 'Coding rate reduction as a share of its upper bound, so that layers of different width can be compared; higher means more spread between samples.',
    caveat: 'With fewer than 8 views it barely sees alignment.',
    hasGap: true,
    page: 'coding-rate.md',
  },
  {
    ...ofFeatures,
    id: 'coding_rate',
    title: 'Coding rate',
    unit: 'nats',
    summary: 'Volume that all features of the layer span; higher means more directions are in use, 0 would be none.',
    caveat: 'Compares only within one probe, width and eps2.',
    hasGap: true,
    page: 'coding-rate.md',
  },
  {
    ...ofFeatures,
    id: 'coding_rate_within',
    title: 'Coding rate within samples',
    unit: 'nats',
    summary: 'Volume that the views of one sample span on average; lower means the layer ignores the augmentation.',
    caveat: 'Compares only within one probe, width and eps2.',
    hasGap: true,
    page: 'coding-rate.md',
  },
  {
    ...ofFeatures,
    id: 'random_label_transfer',
    title: 'Random-label transfer',
    unit: '',
    summary: 'How well random labels of single samples, learned on half of the views, are recognized on the other half: 0 is chance, 1 is complete; higher means the layer identifies single samples.',
    hasGap: true,
    page: 'random-labels.md',
  },
  {
    ...ofFeatures,
    id: 'random_label_fit',
    title: 'Random-label fit',
    unit: '',
    summary: 'How well random labels can be fitted on the views they were learned from: 0 is chance, 1 is complete; read it against the control.',
    caveat: 'Mostly the capacity of the head; random-label transfer is the memorization measure.',
    hasGap: true,
    page: 'random-labels.md',
  },
  {
    ...ofFeatures,
    id: 'random_label_control',
    title: 'Random-label control',
    unit: '',
    summary: 'The same fit on Gaussian noise of the same shape: what the head explains without any help from the layer.',
    caveat: 'A reference, not a property of the layer.',
    hasGap: true,
    page: 'random-labels.md',
  },
  {
    ...ofFeatures,
    id: 'alignment',
    title: 'Alignment',
    unit: '',
    summary: 'Mean squared distance between two views of one sample, rows of length 1: 0 is identical, 2 is unrelated; a train part below the held-out part means views of training samples are pulled together more.',
    caveat: 'A collapsed layer has perfect alignment; its gap stands in for memorization scores that need two encoders.',
    hasGap: true,
    page: 'alignment.md',
  },
  {
    ...ofFeatures,
    id: 'rankme',
    title: 'RankMe',
    unit: 'dimensions',
    summary: 'Effective number of dimensions of the features; 1 means collapse to one direction, the width of the layer is the most.',
    caveat: 'Necessary, not sufficient: compare only runs of one method; high rank alone does not make good features.',
    hasGap: false,
    page: 'rankme.md',
  },
];

/** Every metric: of features first, as they say more. */
export const metricCatalog: readonly MetricInfo[] = [...featureCatalog, ...weightCatalog];

const byId = new Map(metricCatalog.map((metric) => [metric.id, metric]));

/** What the catalog says about a metric; undefined for an id it does not know. */
export function metricInfo(id: string): MetricInfo | undefined {
  return byId.get(id);
}

export function isKnownMetric(id: string): boolean {
  return byId.has(id);
}
