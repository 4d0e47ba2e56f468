import { linearValue, type LinearForm, sum } from '../bootstrap';
import type { LayerFeatures, MeasureContext, MetricFamily, PartValue } from '../contract';
import { partRows, type PartRows } from '../partRows';
import { hash64, randomPurpose } from '../random';
import { fewSamplesWarning, noDirectionReason } from '../reasons';
import { type KnnRows, knnRates, type NestedSubset } from './knnRates';
import { classesOf, hasLabels, labelledRows, noLabelsReason, unknownClassesWarning } from './labelledRows';

const neighbours = 20;
const temperature = 0.07;
const repetitions = 5;
/** Shares of the labelled samples at which the learning curve is taken, before all of them. */
const shares = [1 / 8, 1 / 4, 1 / 2];
/** Two for the smallest share. */
const leastForCurve = 16;

const knnOptions = { k: neighbours, similarity: 'cosine', temperature };
const curveOptions = { ...knnOptions, shares: '1/8 1/4 1/2 1', repetitions };

type KnnMetric = 'knn_accuracy' | 'label_budget';

/**
 * Accuracy of a weighted vote of the nearest labelled training rows, and how much of it another doubling of the labels would bring if it went on
 * as so far. Both read the same similarities.
 */
export const knnFamily: MetricFamily<KnnMetric> = {
  id: 'knn',
  shapes: [
    { metric: 'knn_accuracy', random: false, gap: null, dependsOnSize: true },
    { metric: 'label_budget', random: true, gap: null, dependsOnSize: true },
  ],
  method: 1,
  needs: { bothParts: true },
  measurePart(part, layer, { seed }, context) {
    if (!Number.isSafeInteger(seed)) throw new RangeError(`The seed must be a whole number, not ${seed}.`);
    return measureNeighbours(part, layer, seed, context);
  },
};

async function measureNeighbours(part: PartRows, layer: LayerFeatures, seed: number, context: MeasureContext): Promise<Record<KnnMetric, PartValue>> {
  const none = (reason: string) => ({
    knn_accuracy: { value: null, options: knnOptions, warnings: [reason] },
    label_budget: { value: null, options: curveOptions, warnings: [reason] },
  });
  if (!hasLabels(layer)) return none(noLabelsReason);
  const train = partRows(layer, 'train');
  const bank = train && { part: train, labelled: labelledRows(train) };
  if (!bank || bank.labelled.labels.length === 0) return none('No training sample is labelled, and neighbours are sought among those.');
  const leaveOut = part === train;
  const queries: KnnRows = leaveOut ? bank : { part, labelled: labelledRows(part) };
  if (queries.labelled.labels.length === 0) return none('No held-out sample is labelled.');
  const reason = noDirectionReason(part) ?? trainReason(leaveOut ? null : noDirectionReason(bank.part));
  if (reason) return none(reason);
  const classes = classesOf(bank.labelled.labels);
  if (classes.length < 2) return none('All labelled training samples are of one class.');

  const samples = bank.labelled.labels.length;
  const orders = samples < leastForCurve ? [] : Array.from({ length: repetitions }, (_, repetition) => joiningOrder(bank, seed, repetition));
  const rates = await knnRates(queries, bank, orders, { neighbours, temperature, leaveOut }, context);
  const rows = Float64Array.from(queries.labelled.labels, (_, sample) => rowsOf(queries, sample));
  const warnings = fewLabelsWarning(queries, part);
  const recognized = [...warnings, ...unknownClassesWarning(queries.labelled, classes)];
  const form = { offset: 0, factor: 1, numerator: rates[0] as Float64Array, denominator: rows };
  const details = { classes: classes.length, labelledTrainingSamples: samples };
  const accuracyWarnings = [...recognized, ...fewNeighboursWarning(bank)];
  const knn_accuracy: PartValue = { value: linearValue(form), options: knnOptions, warnings: accuracyWarnings, form, details };
  if (orders.length === 0) {
    const few = `Needs at least ${leastForCurve} labelled training samples for a learning curve; there are ${samples}.`;
    return { knn_accuracy, label_budget: none(few).label_budget };
  }
  return { knn_accuracy, label_budget: { ...learningCurve(rates, rows, samples), options: curveOptions, warnings } };
}

function trainReason(reason: string | null): string | null {
  return reason && `In the training part: ${reason}`;
}

function fewLabelsWarning({ labelled }: KnnRows, part: PartRows): string[] {
  const [some, all] = [labelled.labels.length, part.sampleIds.length];
  return some === all ? fewSamplesWarning(part) : [`${some} of ${all} samples are labelled; the others take no part.`];
}

function fewNeighboursWarning({ labelled }: KnnRows): string[] {
  const rows = labelled.rows.length;
  return rows <= neighbours ? [`Only ${rows} labelled training rows: fewer than ${neighbours} neighbours vote.`] : [];
}

function rowsOf({ labelled: { starts } }: KnnRows, sample: number): number {
  return (starts[sample + 1] as number) - (starts[sample] as number);
}

/** How many labelled samples there are at each share. */
function sizes(samples: number): number[] {
  return shares.map((share) => Math.round(share * samples));
}

/** A random order of the labelled samples that depends on nothing but the seed, the repetition and their ids. */
function joiningOrder(bank: KnnRows, seed: number, repetition: number): NestedSubset {
  const { sampleIds, starts } = bank.labelled;
  const keys = sampleIds.map((id) => hash64(randomPurpose.labelOrder, seed, repetition, id));
  const samples = [...keys.keys()].sort((a, b) => ((keys[a] as bigint) < (keys[b] as bigint) ? -1 : 1));
  const order: number[] = [];
  const ends: number[] = [];
  let joined = 0;
  for (const size of sizes(samples.length)) {
    for (; joined < size; joined++) {
      const sample = samples[joined] as number;
      for (let row = starts[sample] as number; row < (starts[sample + 1] as number); row++) order.push(row);
    }
    ends.push(order.length);
  }
  return { order: Int32Array.from(order), ends };
}

/** The slope of accuracy over log2(labelled samples) by least squares; linear in the accuracies, so that its interval is exact. */
function learningCurve(rates: readonly Float64Array[], rows: Float64Array, samples: number): Omit<PartValue, 'options' | 'warnings'> {
  const doublings = [...sizes(samples), samples].map(Math.log2);
  const middle = sum(doublings) / doublings.length;
  const spread = sum(doublings.map((at) => (at - middle) ** 2));
  const weights = doublings.map((at) => (at - middle) / spread);
  const all = rates[0] as Float64Array;
  const curves = Array.from({ length: repetitions }, (_, repetition) => {
    const first = 1 + repetition * shares.length;
    return [...rates.slice(first, first + shares.length), all];
  });
  const accuracy = (right: Float64Array) => sum(right) / sum(rows);
  const slopes = curves.map((curve) => sum(curve.map((right, place) => (weights[place] as number) * accuracy(right))));
  const numerator = new Float64Array(rows.length);
  for (const curve of curves) {
    for (const [place, right] of curve.entries()) {
      const weight = (weights[place] as number) / repetitions;
      for (let sample = 0; sample < rows.length; sample++) numerator[sample] = (numerator[sample] as number) + weight * (right[sample] as number);
    }
  }
  const form: LinearForm = { offset: 0, factor: 1, numerator, denominator: rows };
  const meanAt = (place: number) => sum(curves.map((curve) => accuracy(curve[place] as Float64Array))) / repetitions;
  const [eighth, quarter, half, whole] = [meanAt(0), meanAt(1), meanAt(2), meanAt(3)];
  return {
    value: linearValue(form),
    form,
    repetitions: slopes,
    details: {
      labelledTrainingSamples: samples,
      accuracyAtEighth: eighth,
      accuracyAtQuarter: quarter,
      accuracyAtHalf: half,
      accuracyAtAll: whole,
      gainOfLastDoubling: whole - half,
    },
  };
}
