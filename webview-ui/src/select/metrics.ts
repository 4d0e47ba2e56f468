import type { MetricInfo } from '../../../src/protocol';
import type { OpenRun } from '../state';
import { idOfTraining, metricOfTraining } from './ofTraining';

/**
 * The metrics that a run has something for: probes for those of features, checkpoints for those of weights, and each that its training recorded.
 * All when it has none of them.
 */
export function metricsOfRun(metrics: readonly MetricInfo[], open: OpenRun | null): readonly MetricInfo[] {
  const fitting = metrics.flatMap((metric) => [
    ...(open !== null && has(open, metric.subject) ? [metric] : []),
    ...(open?.records.get(idOfTraining(metric.id))?.length ? [metricOfTraining(metric)] : []),
  ]);
  return fitting.length > 0 ? fitting : metrics;
}

/** The metric that was chosen; where none was, or this run has nothing for it, the one that the run opens on. */
export function metricToShow(metrics: readonly MetricInfo[], chosen: string | null, open: OpenRun | null): MetricInfo | undefined {
  const fitting = metricsOfRun(metrics, open);
  const find = (wanted: string | undefined): MetricInfo | undefined => fitting.find(({ id }) => id === wanted);
  return (chosen === null ? undefined : (find(chosen) ?? find(idOfTraining(chosen)))) ?? find(open?.opening.id) ?? fitting[0];
}

function has({ run, layers, weightLayers }: OpenRun, subject: MetricInfo['subject']): boolean {
  return subject === 'weights' ? weightLayers.length > 0 : layers.length > 0 || run.files.some(({ kind }) => kind === 'probe');
}
