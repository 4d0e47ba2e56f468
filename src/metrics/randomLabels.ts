import type { Matrix } from '../linalg/matrix';
import { zeros } from '../linalg/matrix';
import { linearValue, sum } from './bootstrap';
import type { MeasureContext, MetricFamily, PartValue } from './contract';
import type { PartRows } from './partRows';
import { reduceToComponents } from './principalComponents';
import { Random, randomLabel, randomPurpose } from './random';
import { fewSamplesWarning, notFiniteReason } from './reasons';
import { fitSoftmaxHeads, predictClasses, type SoftmaxHeads } from './softmaxRegression';

const classes = 10;
const heads = 5;
const l2 = 1e-4;
const iterationLimit = 1000;
const leastViews = 4;
/** At most this many components, and one for every eight samples: with more, any labels can be separated (Cover 1965). */
const mostComponents = 64;
const samplesPerComponent = 8;

const metrics = ['random_label_transfer', 'random_label_fit', 'random_label_control'] as const;
type RandomLabelMetric = (typeof metrics)[number];
/**
 * How well random labels of samples can be read from a layer: memorization capacity (Becker & Risse, arXiv 2411.19640; heads as in
 * RLP, Becker et al., ICLR 2026). A value is (accuracy - 1/C) / (1 - 1/C), mean over heads: 0 is chance, 1 is complete.
 */
export const randomLabelFamily: MetricFamily<RandomLabelMetric> = {
  id: 'random_label',
  shapes: metrics.map((metric) => ({ metric, random: true, gap: 'train - held_out', dependsOnSize: true })),
  method: 1,
  measurePart(part, _layer, { seed }, context) {
    if (!Number.isSafeInteger(seed)) throw new RangeError(`The seed must be a whole number, not ${seed}.`);
    return measureHeads(part, seed, context);
  },
};

async function measureHeads(part: PartRows, seed: number, context: MeasureContext): Promise<Record<RandomLabelMetric, PartValue>> {
  const samples = part.sampleIds.length;
  const allowed = Math.min(mostComponents, Math.floor(samples / samplesPerComponent));
  const record = (k: number) => ({ classes, heads, k, l2, iterations: iterationLimit, normalisation: 'standardised', fitViews: 'alternate' });
  const none = (reason: string, k = allowed): Record<RandomLabelMetric, PartValue> => {
    const value: PartValue = { value: null, options: record(k), warnings: [reason] };
    return { random_label_transfer: value, random_label_fit: value, random_label_control: value };
  };
  const reason = notFiniteReason(part);
  if (reason) return none(reason);
  if (part.views < leastViews) {
    return none(`Needs at least ${leastViews} views of each sample: half of them train the head, the others test it. This probe has ${part.views}.`);
  }
  if (allowed < 1) return none(`Needs at least ${samplesPerComponent} samples to allow one component; there are ${samples}.`);

  const halves = halveViews(part);
  const reduction = await reduceToComponents(takeRows(part.features, halves.fit.rows), allowed, context);
  const k = reduction.scores.columns;
  if (k === 0) return none('All features are constant on the views that train the head.', 0);
  const labels = Array.from({ length: heads }, (_, head) => Uint8Array.from(part.sampleIds, (id) => randomLabel(seed, head, id, classes)));
  const labelsOfRows = labels.map((own) => Uint8Array.from(halves.fit.sampleOfRow, (sample) => own[sample] as number));
  const options = { classes, l2, iterationLimit };

  const trained = await fitSoftmaxHeads(reduction.scores, labelsOfRows, options, context);
  const fit = score(await predictClasses(reduction.scores, trained, classes, context), halves.fit, labels);
  const others = await reduction.project(takeRows(part.features, halves.transfer.rows));
  const transfer = score(await predictClasses(others, trained, classes, context), halves.transfer, labels);
  const control = await controlOf(part, k, seed, async () => {
    const noise = gaussianRows(reduction.scores.rows, k, new Random(randomPurpose.control, seed, part.part === 'train' ? 0 : 1));
    const fitted = await fitSoftmaxHeads(noise, labelsOfRows, options, context);
    return { heads: fitted, score: score(await predictClasses(noise, fitted, classes, context), halves.fit, labels) };
  });

  const warnings = fewSamplesWarning(part);
  const most = Math.min(mostComponents, allowed);
  if (k < most) warnings.push(`Only ${k} components instead of ${most}: the layer has no more independent dimensions (width ${part.features.columns}).`);
  const give = ({ values, numerator, denominator }: Score, of: SoftmaxHeads): PartValue => {
    const form = { offset: -1 / (classes - 1), factor: classes / (classes - 1), numerator, denominator };
    const own = of.converged < heads ? [...warnings, `${heads - of.converged} of ${heads} heads did not converge in ${iterationLimit} iterations.`] : warnings;
    return { value: linearValue(form), options: record(k), warnings: own, form, repetitions: values };
  };
  return {
    random_label_transfer: give(transfer, trained),
    random_label_fit: give(fit, trained),
    random_label_control: give(control.score, control.heads),
  };
}

interface Control {
  readonly heads: SoftmaxHeads;
  readonly score: Score;
}

/** Probes whose controls are kept at once: one run is measured after the other. */
const mostControls = 16;
const controls = new Map<string, Control>();

/** The control knows nothing of a layer but its number of components: it is fitted once for all layers and checkpoints of a probe. */
async function controlOf({ part, sampleIds, starts }: PartRows, k: number, seed: number, fit: () => Promise<Control>): Promise<Control> {
  const key = `${part} ${k} ${seed} ${sampleIds.join()} ${starts.join()}`;
  const known = controls.get(key);
  if (known) return known;
  const control = await fit();
  if (controls.size >= mostControls) controls.delete(controls.keys().next().value ?? '');
  controls.set(key, control);
  return control;
}

interface Half {
  /** Rows of the part. */
  readonly rows: readonly number[];
  readonly sampleOfRow: readonly number[];
}

/** Views 0, 2, 4, ... of each sample train the head and the others test it, so that an order among views favours neither. */
function halveViews({ starts, sampleIds }: PartRows): { fit: Half; transfer: Half } {
  const take = (parity: number): Half => {
    const rows: number[] = [];
    const sampleOfRow: number[] = [];
    for (let sample = 0; sample < sampleIds.length; sample++) {
      for (let row = (starts[sample] as number) + parity; row < (starts[sample + 1] as number); row += 2) {
        rows.push(row);
        sampleOfRow.push(sample);
      }
    }
    return { rows, sampleOfRow };
  };
  return { fit: take(0), transfer: take(1) };
}

function takeRows({ columns, data }: Matrix, rows: readonly number[]): Matrix {
  const taken = data instanceof Float64Array ? new Float64Array(rows.length * columns) : new Float32Array(rows.length * columns);
  for (const [place, row] of rows.entries()) taken.set(data.subarray(row * columns, (row + 1) * columns), place * columns);
  return { rows: rows.length, columns, data: taken };
}

function gaussianRows(rows: number, columns: number, random: Random): Matrix<Float64Array> {
  const matrix = zeros(rows, columns);
  for (let i = 0; i < matrix.data.length; i++) matrix.data[i] = random.gaussian();
  return matrix;
}

interface Score {
  /** Of each head. */
  readonly values: readonly number[];
  /** [samples] rows that were right, mean over heads. */
  readonly numerator: Float64Array;
  /** [samples] rows. */
  readonly denominator: Float64Array;
}

function score(predicted: Uint8Array, { rows, sampleOfRow }: Half, labels: readonly Uint8Array[]): Score {
  const samples = labels[0]?.length ?? 0;
  const numerator = new Float64Array(samples);
  const denominator = new Float64Array(samples);
  for (const sample of sampleOfRow) denominator[sample] = (denominator[sample] as number) + 1;
  const values = labels.map((own, head) => {
    const right = new Float64Array(samples);
    for (const [row, sample] of sampleOfRow.entries()) {
      if (predicted[row * heads + head] === own[sample]) right[sample] = (right[sample] as number) + 1;
    }
    for (let sample = 0; sample < samples; sample++) numerator[sample] = (numerator[sample] as number) + (right[sample] as number) / heads;
    return (sum(right) / rows.length - 1 / classes) / (1 - 1 / classes);
  });
  return { values, numerator, denominator };
}
