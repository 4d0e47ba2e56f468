import { metricFamilies, type Part } from '../metrics';
import { clustersFamilies } from '../metrics/clusters';
import { comparisonFamilies } from '../metrics/comparison';
import type { MetricFamily } from '../metrics/contract';
import { labelsFamilies } from '../metrics/labels';
import { neighboursFamilies } from '../metrics/neighbours';
import { parts } from '../metrics/partRows';
import { spectrumFamilies } from '../metrics/spectrum';
import type { FeatureTask } from '../monitor';

/** What one thread measures at a time: some metrics of one part of a layer. */
export interface LayerUnit {
  readonly part: Part;
  readonly metrics: readonly string[];
}

/** Families that share work (a spectrum, distances, a partition) stay together. */
type Group = 'neighbours' | 'spectrum' | 'labels' | 'comparison' | 'own';

const groupOf = new Map<MetricFamily, Group>([
  ...[...neighboursFamilies, ...clustersFamilies].map((family) => [family, 'neighbours'] as const),
  ...spectrumFamilies.map((family) => [family, 'spectrum'] as const),
  ...labelsFamilies.map((family) => [family, 'labels'] as const),
  ...comparisonFamilies.map((family) => [family, 'comparison'] as const),
]);

/** What takes longest; and behind it the others that the earlier probe is read for, so that it is read once. */
const firstGroups: readonly string[] = ['neighbours', 'comparison'];
/** Needs most memory and shares nothing with the others: what they keep of a part is let go before it. */
const lastGroup: Group = 'labels';

/**
 * Cuts the work on a layer into units that can go to different threads: a part is one thread's as long as there are not more threads than parts, so
 * its units follow each other. What takes long comes first, so that the rest fills the gaps at the end; what learns from labels comes last.
 */
export function layerUnits({ metrics, options }: Pick<FeatureTask, 'metrics' | 'options'>): LayerUnit[] {
  const asked = new Set(metrics);
  const groups = new Map<string, string[]>();
  for (const family of [...metricFamilies].reverse()) {
    const own = family.shapes.map(({ metric }) => metric).filter((metric) => asked.has(metric));
    if (own.length === 0) continue;
    const group = nameOfGroup(family, options.partition === 'clusters');
    const together = groups.get(group);
    if (together) together.push(...own);
    else groups.set(group, own);
  }
  const known = new Set([...groups.values()].flat());
  const unknown = metrics.filter((metric) => !known.has(metric));
  // Refused by name when it is measured.
  if (unknown.length > 0) groups.set('', unknown);
  const place = (group: string): number => (group === lastGroup ? Infinity : firstGroups.indexOf(group) + 1 || firstGroups.length + 1);
  const dearestFirst = [...groups].sort(([a], [b]) => place(a) - place(b));
  return parts.flatMap((part) => dearestFirst.map(([, own]) => ({ part, metrics: own })));
}

/** Metrics that are measured together, each list in one go; one that no family knows is a list of its own. */
export function inFamilies(metrics: readonly string[]): (readonly string[])[] {
  const asked = new Set(metrics);
  const families = metricFamilies.map(({ shapes }) => shapes.map(({ metric }) => metric).filter((metric) => asked.delete(metric)));
  return [...families.filter((own) => own.length > 0), ...[...asked].map((metric) => [metric])];
}

function nameOfGroup(family: MetricFamily, ratesNeedClusters: boolean): string {
  if (family.id === 'coding_rate' && ratesNeedClusters) return 'neighbours';
  const group = groupOf.get(family) ?? 'own';
  return group === 'own' ? family.id : group;
}
