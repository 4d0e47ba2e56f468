import type { Finding, MeasurementRecord } from '../protocol';
import { collectGapSeries, type GapPoint, type GapSeries, type LayerGaps } from './gapSeries';
import { type Established, establishedSince, firstAndLastThird, type LayerGrowth, measureGrowth, type Thresholds } from './growth';
import { describeLateLayers } from './lateLayerWords';
import { studentUpperQuantile } from './quantile';
import type { DiagnoseOptions, Rule } from './rule';
import type { Steps } from './steps';

/**
 * Fewer samples (both splits together) leave the bootstrap's own standard error uncertain by more than 1/sqrt(2*30) = 13 %;
 * Student's t then corrects for less than what is unknown. metrics.md section 10 asks for 128 at least.
 */
const minimumSamples = 32;
/**
 * A growth below a twentieth of what the layer scores on held-out samples is not worth a person's time however certain it is:
 * with tens of thousands of samples every difference becomes certain.
 */
const smallestShareOfHeldOut = 0.05;
/**
 * A growth below 0.5 % of the range a metric can take is none either. This speaks only where a layer is nearly collapsed
 * and a twentieth of its held-out value is next to nothing.
 */
const smallestShareOfRange = 0.005;
/** Five points of above-chance accuracy. Transfer is a share already, so its range and not its level says what matters. */
const smallestTransfer = 0.05;
/**
 * Coding rate and random-label transfer depend on how many samples they are taken on, by about 1/samples. With parts whose shares of the
 * rows are this close, that is far below any growth that counts.
 */
const mostUnevenParts = 0.01;
/** With two metrics that agree and one of them at twice the smallest growth worth telling, it is time to act. */
const metricsToAct = 2;
const sizeToAct = 2;

interface WatchedMetric {
  readonly id: string;
  /** Its gap means something only between parts of equal size. */
  readonly needsEvenParts: boolean;
  /** The smallest growth worth a finding, in the unit of the metric. */
  smallest(point: GapPoint): number;
}

const watchedMetrics: readonly WatchedMetric[] = [
  {
    id: 'coding_rate_reduction',
    needsEvenParts: true,
    smallest: (point) => Math.max(smallestShareOfHeldOut * Math.abs(point.heldOut ?? 0), smallestShareOfRange * codingRateBound(point.record)),
  },
  {
    id: 'alignment',
    needsEvenParts: false,
    // Unrelated directions are at squared distance 2.
    smallest: (point) => Math.max(smallestShareOfHeldOut * Math.abs(point.heldOut ?? 0), smallestShareOfRange * 2),
  },
  { id: 'random_label_transfer', needsEvenParts: true, smallest: () => smallestTransfer },
];

/** A metric that can be looked at. */
interface Candidate {
  readonly series: GapSeries;
  readonly early: readonly LayerGaps[];
  readonly growths: readonly LayerGrowth[];
}

/** What was found in one late layer by one metric. */
export interface Carrier {
  readonly metric: string;
  readonly series: GapSeries;
  readonly established: Established;
}

/** What the explanation needs to say how it was decided. */
export interface Decision {
  readonly carriers: readonly Carrier[];
  readonly early: readonly LayerGaps[];
  readonly comparisons: number;
  readonly thresholds: Thresholds;
  readonly falseAlarmLevel: number;
}

/**
 * Late layers memorize: the gap of coding rate reduction, alignment or random-label transfer in the last third of the layers grows beyond
 * its own noise and beyond what the first third shows (the paper's first observation, Qiang et al. 2410.00772, in its label-free form).
 * Method, constants and measured false-alarm rate: docs/diagnosis.md.
 */
export const lateLayerOverfitting: Rule = {
  id: 'late_layer_overfitting',
  metrics: watchedMetrics.map(({ id }) => id),

  *find(run: string, records: readonly MeasurementRecord[], options: DiagnoseOptions): Steps<Finding[]> {
    const candidates: Candidate[] = [];
    for (const metric of watchedMetrics) {
      const series = yield* collectGapSeries(records, metric.id);
      const thirds = series && firstAndLastThird(series);
      if (!series || !thirds || series.samples < minimumSamples) continue;
      if (metric.needsEvenParts && !hasEvenParts(series)) continue;
      candidates.push({ series, early: thirds.early, growths: yield* measureGrowth(thirds.late, thirds.early, metric.smallest) });
    }
    const growths = candidates.flatMap((candidate) => candidate.growths);
    if (growths.length === 0) return [];
    const comparisons = growths.reduce((sum, growth) => sum + growth.checkpoints.length, 0);
    const samples = Math.min(...candidates.map(({ series }) => series.samples));
    const thresholds = {
      gap: thresholdFor(options.falseAlarmLevel, comparisons, samples),
      // Growth has to last to the end, so that only the end is looked at: one comparison a layer and metric.
      growth: thresholdFor(options.falseAlarmLevel, growths.length, samples),
    };
    const carriers = candidates.flatMap(({ series, growths: ofMetric }) =>
      ofMetric.flatMap((growth): Carrier[] => {
        const established = establishedSince(growth, thresholds);
        return established ? [{ metric: series.metric, series, established }] : [];
      }),
    );
    const [strongest] = [...carriers].sort((a, b) => strength(b) - strength(a));
    if (!strongest) return [];
    // Metrics may run over different axes (one of them measured without epochs); only one axis can be told.
    const { axis } = strongest.series;
    const told = carriers.filter(({ series }) => series.axis === axis).sort((a, b) => strength(b) - strength(a));
    const early = candidates.find(({ series }) => series === strongest.series)?.early ?? [];
    return [toFinding(run, axis, { carriers: told, early, comparisons, thresholds, falseAlarmLevel: options.falseAlarmLevel })];
  },
};

/** Bonferroni: whatever the dependence between the comparisons, the chance that any of them is beyond it by noise alone stays below `level`. */
function thresholdFor(level: number, comparisons: number, samples: number): number {
  return studentUpperQuantile(Math.min(level / comparisons, 0.05), samples - 2);
}

function hasEvenParts({ layers }: GapSeries): boolean {
  return layers.every(({ points }) => points.every(({ heldOutShare }) => heldOutShare !== null && Math.abs(heldOutShare - 0.5) <= mostUnevenParts));
}

function toFinding(run: string, axis: 'epoch' | 'step', decision: Decision): Finding {
  const { carriers } = decision;
  const metrics = [...new Set(carriers.map(({ metric }) => metric))];
  const layers = [...new Map(carriers.map(({ established: { growth } }) => [growth.layer.layer, growth.layer.layerIndex])).entries()]
    .sort(([, a], [, b]) => a - b)
    .map(([layer]) => layer);
  const earliest = carriers.reduce((first, each) => (each.established.since.at < first.established.since.at ? each : first));
  const onset = { axis, at: earliest.established.since.at, low: earliest.established.notVisible, high: earliest.established.since.at };
  const size = Math.max(...carriers.map(({ established: { last } }) => last.excess / last.smallest));
  return {
    id: `late_layer_overfitting:${run}`,
    rule: lateLayerOverfitting.id,
    severity: metrics.length >= metricsToAct && size >= sizeToAct ? 'act' : 'watch',
    ...describeLateLayers(decision, layers, onset),
    layers,
    metrics,
    onset,
    evidence: evidenceOf(carriers),
  };
}

/** The gaps that decided: of each layer and metric its first, the last without, the onset and the last, and the early layer it was held against. */
function evidenceOf(carriers: readonly Carrier[]): MeasurementRecord[] {
  const evidence = carriers.flatMap(({ established: { growth, notVisible, since, last } }) => [
    growth.baseline.record,
    ...growth.layer.points.filter((point) => point.at === notVisible).map((point) => point.record),
    since.point.record,
    last.point.record,
    last.early.point.record,
  ]);
  return [...new Set(evidence)];
}

function strength({ established: { last } }: Carrier): number {
  return last.point.gap / last.point.standardError;
}

/** coding_rate_bound of one split (metrics.md section 1), in nats. */
function codingRateBound({ n, d, options }: MeasurementRecord): number {
  const eps2 = typeof options['eps2'] === 'number' && options['eps2'] > 0 ? options['eps2'] : 0.5;
  const rows = n / 2;
  return rows >= d ? (d / 2) * Math.log(1 + 1 / eps2) : (rows / 2) * Math.log(1 + d / (rows * eps2));
}
