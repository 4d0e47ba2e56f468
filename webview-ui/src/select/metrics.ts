import type { MetricInfo } from '../../../src/protocol';
import type { OpenRun } from '../state';

/** The metrics that a run has something for: probes for those of features, checkpoints for those of weights. All when it has neither. */
export function metricsOfRun(metrics: readonly MetricInfo[], open: OpenRun | null): readonly MetricInfo[] {
  const fitting = metrics.filter(({ subject }) => open !== null && has(open, subject));
  return fitting.length > 0 ? fitting : metrics;
}

/** The metric that was chosen, or the first one that this run has something for. */
export function metricToShow(metrics: readonly MetricInfo[], chosen: string, open: OpenRun | null): MetricInfo | undefined {
  const fitting = metricsOfRun(metrics, open);
  return fitting.find(({ id }) => id === chosen) ?? fitting[0];
}

function has({ run, layers, weightLayers }: OpenRun, subject: MetricInfo['subject']): boolean {
  return subject === 'weights' ? weightLayers.length > 0 : layers.length > 0 || run.files.some(({ kind }) => kind === 'probe');
}
