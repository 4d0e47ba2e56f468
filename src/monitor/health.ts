import type { Finding, HealthState, MeasurementRecord } from '../protocol';

/** Fewer layers have no shallow, middle and deep third; fewer checkpoints show no change. */
const enoughLayers = 3;
const enoughCheckpoints = 3;
/** While fewer of the probes are measured, what is still unknown could change the picture. */
const enoughOfTheProbes = 0.5;

/**
 * The state of a run in one word: the worst finding, else `healthy` when enough was measured for a finding to show, else `unknown`.
 * @param records current records of the run
 */
export function judgeHealth(findings: readonly Finding[], records: readonly MeasurementRecord[], probes: { readonly measured: number; readonly all: number }): HealthState {
  if (findings.some((finding) => finding.severity === 'act')) return 'act';
  if (findings.length > 0) return 'watch';
  if (probes.measured < probes.all * enoughOfTheProbes) return 'unknown';
  const checkpoints = new Map<string, Set<string>>();
  for (const record of records) {
    if (record.split !== 'gap' || record.value === null || record.uncertainty === undefined) continue;
    checkpoints.set(record.layer, (checkpoints.get(record.layer) ?? new Set()).add(record.source));
  }
  const layers = [...checkpoints.values()].filter((sources) => sources.size >= enoughCheckpoints).length;
  return layers >= enoughLayers ? 'healthy' : 'unknown';
}
