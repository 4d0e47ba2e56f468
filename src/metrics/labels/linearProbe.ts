import { linearValue } from '../bootstrap';
import type { LayerFeatures, MeasureContext, MetricFamily, PartValue } from '../contract';
import { partRows, type PartRows } from '../partRows';
import { hash64, randomPurpose } from '../random';
import { fewSamplesWarning, notFiniteReason } from '../reasons';
import { fitSoftmaxHeads, predictClasses, type SoftmaxHeads } from '../softmaxRegression';
import { classesOf, hasLabels, type LabelledRows, labelledRows, noLabelsReason, rowsOfSamples, unknownClassesWarning } from './labelledRows';
import { type Standardizer, standardizer } from './standardizer';

/** From the strongest to the weakest. */
const strengths = [1, 0.1, 0.01, 0.001, 0.0001];
/** Taken when no class has a sample to spare for validation. */
const usualStrength = 0.01;
/** Parts of the labelled training samples, each of which is held back once. */
const folds = 4;
/** To rank the strengths, a gradient this small is enough. */
const choiceTolerance = 1e-4;
/** Accuracies of the cross-validation that differ by less are alike: on a plateau single rows must not decide. */
const alike = 0.01;
const iterationLimit = 1000;
/** What the labels of the regression can count to. */
const mostClasses = 256;
const recordedOptions = { normalisation: 'standardised', l2: strengths.join(' '), folds, iterations: iterationLimit };

/**
 * Accuracy of softmax regression on the frozen features (Alain & Bengio 2016, arXiv 1610.01644), learned from the labelled training samples; the
 * penalty is chosen by cross-validation over these, then all are fitted again. On the training part it is the fit, on the held-out part what transfers.
 */
export const linearProbeFamily: MetricFamily<'linear_probe_accuracy'> = {
  id: 'linear_probe',
  shapes: [{ metric: 'linear_probe_accuracy', random: true, gap: null, dependsOnSize: true }],
  method: 1,
  needs: { bothParts: true },
  async measurePart(part, layer, { seed }, context) {
    if (!Number.isSafeInteger(seed)) throw new RangeError(`The seed must be a whole number, not ${seed}.`);
    return { linear_probe_accuracy: await accuracyOf(part, layer, seed, context) };
  },
};

async function accuracyOf(part: PartRows, layer: LayerFeatures, seed: number, context: MeasureContext): Promise<PartValue> {
  const none = (reason: string): PartValue => ({ value: null, options: recordedOptions, warnings: [reason] });
  if (!hasLabels(layer)) return none(noLabelsReason);
  const train = partRows(layer, 'train');
  const trainLabelled = train && labelledRows(train);
  if (!train || trainLabelled?.labels.length === 0) return none('No training sample is labelled, and the probe learns from those.');
  const labelled = labelledRows(part);
  if (labelled.labels.length === 0) return none('No held-out sample is labelled.');
  const reason = notFiniteReason(part) ?? (part === train ? null : inTraining(notFiniteReason(train)));
  if (reason) return none(reason);
  const probe = await probeOf(train, layer, seed, context);
  if (typeof probe === 'string') return none(probe);

  const { classes, scaling, heads } = probe;
  const predicted = await predictClasses(scaling.apply(part.features, labelled.rows), heads, classes.length, context);
  const numerator = new Float64Array(labelled.labels.length);
  const denominator = new Float64Array(labelled.labels.length);
  for (const [row, sample] of labelled.sampleOfRow.entries()) {
    denominator[sample] = (denominator[sample] as number) + 1;
    if (classes[predicted[row] as number] === labelled.labels[sample]) numerator[sample] = (numerator[sample] as number) + 1;
  }
  const form = { offset: 0, factor: 1, numerator, denominator };
  const [some, all] = [labelled.labels.length, part.sampleIds.length];
  const warnings = [
    ...(some === all ? fewSamplesWarning(part) : [`${some} of ${all} samples are labelled; the others take no part.`]),
    ...unknownClassesWarning(labelled, classes),
    ...probe.warnings,
  ];
  return { value: linearValue(form), options: recordedOptions, warnings, form, details: probe.details };
}

function inTraining(reason: string | null): string | null {
  return reason && `In the training part: ${reason}`;
}

interface LinearProbe {
  /** Labels as in the file, by class. */
  readonly classes: Int32Array;
  readonly scaling: Standardizer;
  readonly heads: SoftmaxHeads;
  readonly warnings: readonly string[];
  readonly details: Readonly<Record<string, number>>;
}

interface KnownProbes {
  readonly of: Pick<LayerFeatures, 'label' | 'split' | 'sample'>;
  readonly bySeed: Map<number, LinearProbe | string>;
}

const probes = new WeakMap<LayerFeatures['features'], KnownProbes>();

/** The probe of a layer's training part, or why there is none; kept by layer and seed, because both parts of a layer need it. */
async function probeOf(train: PartRows, layer: LayerFeatures, seed: number, context: MeasureContext): Promise<LinearProbe | string> {
  let known = probes.get(layer.features);
  if (!known || known.of.label !== layer.label || known.of.split !== layer.split || known.of.sample !== layer.sample) {
    const { label, split, sample } = layer;
    known = { of: { label, split, sample }, bySeed: new Map() };
    probes.set(layer.features, known);
  }
  const probe = known.bySeed.get(seed) ?? (await fitProbe(train, seed, context));
  known.bySeed.set(seed, probe);
  return probe;
}

async function fitProbe(train: PartRows, seed: number, context: MeasureContext): Promise<LinearProbe | string> {
  const all = labelledRows(train);
  const classes = classesOf(all.labels);
  if (classes.length < 2) return 'All labelled training samples are of one class.';
  if (classes.length > mostClasses) return `The probe tells at most ${mostClasses} classes apart; there are ${classes.length}.`;
  const scaling = standardizer(train.features, all.rows, context.checkpoint);
  if (scaling.columns === 0) return 'All features are constant on the labelled training samples.';

  const choice = await chooseStrength(train, all, classes, seed, context);
  const fit = { classes: classes.length, l2: choice.l2, iterationLimit, correlated: true };
  const heads = await fitSoftmaxHeads(scaling.apply(train.features, all.rows), [classOfRows(all, classes)], fit, context);
  const warnings = [...choice.warnings];
  if (heads.converged < 1) warnings.push(`The regression did not converge in ${iterationLimit} iterations.`);
  const details = { l2: choice.l2, classes: classes.length, labelledTrainingSamples: all.labels.length, ...choice.details };
  return { classes, scaling, heads, warnings, details };
}

interface Choice {
  readonly l2: number;
  readonly warnings: readonly string[];
  readonly details: Readonly<Record<string, number>>;
}

/** The strongest penalty whose accuracy over the samples, each quarter of them held back in turn, is about the best. */
async function chooseStrength(train: PartRows, all: LabelledRows, classes: Int32Array, seed: number, context: MeasureContext): Promise<Choice> {
  if (classes.length === all.labels.length) {
    return { l2: usualStrength, warnings: [`No class has a sample to spare for validation, so the penalty is ${usualStrength}.`], details: {} };
  }
  const right = strengths.map(() => 0);
  const samples = foldsOf(train, classes, seed);
  for (const held of samples) {
    const fit = rowsOfSamples(train, samples.filter((one) => one !== held).flat());
    const validation = rowsOfSamples(train, held);
    const scaling = standardizer(train.features, fit.rows, context.checkpoint);
    if (scaling.columns === 0) continue;
    const labels = classOfRows(fit, classes);
    const options = { classes: classes.length, l2: strengths, iterationLimit, tolerance: choiceTolerance, correlated: true };
    const heads = await fitSoftmaxHeads(scaling.apply(train.features, fit.rows), strengths.map(() => labels), options, context);
    const predicted = await predictClasses(scaling.apply(train.features, validation.rows), heads, classes.length, context);
    for (const [row, label] of classOfRows(validation, classes).entries()) {
      for (let head = 0; head < strengths.length; head++) {
        if (predicted[row * strengths.length + head] === label) right[head] = (right[head] as number) + 1;
      }
    }
  }
  const enough = Math.max(...right) - alike * all.rows.length;
  const chosen = right.findIndex((count) => count >= enough);
  const details = { validationAccuracy: (right[chosen] as number) / all.rows.length };
  return { l2: strengths[chosen] as number, warnings: [], details };
}

/** The labelled samples dealt out class by class, in an order that depends on nothing but the seed and their ids. */
function foldsOf({ labels, sampleIds }: PartRows, classes: Int32Array, seed: number): number[][] {
  const dealt = Array.from({ length: folds }, (): number[] => []);
  let next = 0;
  for (const label of classes) {
    const own = [...labels.keys()].filter((sample) => labels[sample] === label);
    const keys = new Map(own.map((sample) => [sample, hash64(randomPurpose.validation, seed, sampleIds[sample] as bigint)]));
    own.sort((a, b) => ((keys.get(a) as bigint) < (keys.get(b) as bigint) ? -1 : 1));
    for (const sample of own) dealt[next++ % folds]?.push(sample);
  }
  return dealt.filter((samples) => samples.length > 0);
}

function classOfRows({ sampleOfRow, labels }: LabelledRows, classes: Int32Array): Uint8Array {
  const places = new Map([...classes].map((label, place) => [label, place]));
  return Uint8Array.from(sampleOfRow, (sample) => places.get(labels[sample] as number) as number);
}
