import type { Finding, HealthState, MeasurementRecord } from '../protocol';

/** Fewer layers have no shallow, middle and deep third; fewer checkpoints show no change. */
const enoughLayers = 3;
const enoughCheckpoints = 3;
/** While fewer of the probes are measured, what is still unknown could change the picture. */
const enoughOfTheProbes = 0.5;

/** The layers in which a finding could show, as there is a gap with its uncertainty, by the file that they come from. */
export function layersWithGaps(records: readonly MeasurementRecord[]): Map<string, ReadonlySet<string>> {
  const bySource = new Map<string, Set<string>>();
  for (const { source, layer, split, value, uncertainty } of records) {
    if (split === 'gap' && value !== null && uncertainty !== undefined) bySource.set(source, (bySource.get(source) ?? new Set()).add(layer));
  }
  return bySource;
}

/**
 * The state of a run in one word: the worst finding, else `healthy` when enough was measured for a finding to show, else `unknown`.
 * @param layersOfSources `layersWithGaps` of each probe
 */
export function judgeHealth(findings: readonly Finding[], layersOfSources: Iterable<ReadonlySet<string>>, probes: { readonly measured: number; readonly all: number }): HealthState {
  if (findings.some((finding) => finding.severity === 'act')) return 'act';
  if (findings.length > 0) return 'watch';
  if (probes.measured < probes.all * enoughOfTheProbes) return 'unknown';
  const checkpoints = new Map<string, number>();
  for (const layers of layersOfSources) for (const layer of layers) checkpoints.set(layer, (checkpoints.get(layer) ?? 0) + 1);
  const layers = [...checkpoints.values()].filter((count) => count >= enoughCheckpoints).length;
  return layers >= enoughLayers ? 'healthy' : 'unknown';
}
