import type { MeasurementRecord, MetricInfo, PanelChoice } from '../../../src/protocol';
import type { OpenRun } from '../state';
import { sortFindings } from './lines';
import { metricsOfRun } from './metrics';
import { isOfTrainingId } from './ofTraining';
import { isMeasured } from './timeline';

/** The metric that a run is shown by as long as the person has chosen none. */
export interface OpeningMetric {
  readonly id: string;
  /** Whether the person was at work with what is drawn: it then stays, even if something is found. */
  readonly held: boolean;
}

/** Of a run that was just opened. */
export const undecided: OpeningMetric = { id: '', held: false };

/** What says most about memorization by itself. */
const preferred = 'coding_rate_reduction';

type Show = PanelChoice['show'];

/**
 * Which metric to show: the first that a finding rests on, else coding rate reduction, else the first in the order of the catalog, of those that
 * something can be drawn of; coding rate reduction, with the reasons why it has no value, where nothing can. One that is drawn already stays unless
 * something is found that does not rest on it.
 */
export function openingMetric(metrics: readonly MetricInfo[], open: OpenRun, show: Show): OpeningMetric {
  const { opening: before } = open;
  const offered = metricsOfRun(metrics, open);
  const isDrawn = (id: string): boolean => canBeDrawn(offered, open, show, id);
  const found = sortFindings(open.run.findings).flatMap((finding) => finding.metrics).filter(isDrawn);
  if (isDrawn(before.id) && (before.held || found.length === 0 || found.includes(before.id))) return before;
  const fallback = offered.find(({ id }) => id === preferred) ?? offered[0];
  const id = found[0] ?? [preferred, ...others(offered, open)].find(isDrawn) ?? fallback?.id ?? preferred;
  return before.id === id ? before : { id, held: false };
}

/** The same, but it stays from now on if anything is drawn. */
export function heldMetric(metrics: readonly MetricInfo[], open: OpenRun, show: Show): OpeningMetric {
  const { opening } = open;
  return opening.held || !canBeDrawn(metricsOfRun(metrics, open), open, show, opening.id) ? opening : { ...opening, held: true };
}

function canBeDrawn(offered: readonly MetricInfo[], { records }: OpenRun, show: Show, id: string): boolean {
  const metric = offered.find((one) => one.id === id);
  return metric !== undefined && hasValues(metric, records.get(id) ?? [], show);
}

/** While probes wait, what they will show is waited for, and neither weights nor what a training recorded is drawn in its place. */
function others(offered: readonly MetricInfo[], { run }: OpenRun): readonly string[] {
  const waiting = run.files.some((file) => isMeasured(file, 'probe') && file.state !== 'measured' && file.state !== 'problem');
  return offered.filter(({ id, subject }) => !waiting || (subject === 'features' && !isOfTrainingId(id))).map(({ id }) => id);
}

function hasValues(metric: MetricInfo, records: readonly MeasurementRecord[], show: Show): boolean {
  const asGap = shownForm(metric, records, show) === 'gap';
  return records.some(({ split, value }) => value !== null && (split === 'gap') === asGap);
}

/** What is drawn: the value also where a gap is wanted but cannot be, as the metric has none or all probes hold samples of one part only. */
export function shownForm(metric: MetricInfo, records: readonly MeasurementRecord[], wanted: Show): Show {
  return wanted === 'value' || whyNoGap(metric, records) !== null ? 'value' : 'gap';
}

/** Why a metric has no gap here; null when it has one, or may get one. */
export function whyNoGap(metric: MetricInfo, records: readonly MeasurementRecord[]): string | null {
  if (!metric.hasGap) return `No gap is defined for ${metric.title}.`;
  if (records.length === 0 || records.some(({ split }) => split === 'gap')) return null;
  return 'There is no gap: everything here was measured of one part, training or held-out samples.';
}
