import { type LinearForm, linearValue } from '../bootstrap';
import type { MeasureContext, MetricFamily, PartValue } from '../contract';
import type { PartRows } from '../partRows';
import { fewSamplesWarning, notFiniteReason } from '../reasons';
import { nearestNeighbours } from './nearestNeighbours';
import { viewSets, viewSetWarnings } from './viewSets';

/** The share of largest ratios that the fit of a line leaves out, as in the paper; the value leaves out none. */
const discarded = 0.1;
const recordedOptions = { estimator: 'mle', discarded: 0, neighbours: 'same view of other samples', centred: false, normalisation: 'none' };

/**
 * TwoNN (Facco, d'Errico, Rodriguez & Laio 2017): the number of dimensions d in which the ratio of the distances to the second and the first
 * neighbour has the distribution it is seen to have, by maximum likelihood: N / sum of log(r2 / r1).
 */
export const twonnFamily: MetricFamily<'twonn_dim'> = {
  id: 'twonn',
  shapes: [{ metric: 'twonn_dim', random: false, gap: null, dependsOnSize: true }],
  method: 1,
  async measurePart(part, _layer, _options, context) {
    const reason = notFiniteReason(part);
    return { twonn_dim: reason ? { value: null, options: recordedOptions, warnings: [reason] } : await twonn(part, context) };
  },
};

async function twonn(part: PartRows, context: MeasureContext): Promise<PartValue> {
  const warnings = [...viewSetWarnings(part), ...fewSamplesWarning(part)];
  const ratios = await neighbourRatios(part, context);
  if (ratios.reason !== null) return { value: null, options: recordedOptions, warnings: [ratios.reason, ...warnings] };
  const details = { line_fit: ratios.lineFit, largest_ratio: Math.exp(ratios.largest) };
  return { value: linearValue(ratios.form), options: recordedOptions, warnings, form: ratios.form, details };
}

export type NeighbourRatios =
  | { readonly reason: string }
  | {
      readonly reason: null;
      /** d = sum of rows / sum of log(r2 / r1), by sample. */
      readonly form: LinearForm;
      /** Mean over views of the slope of -log(1 - F) on log(r2 / r1) through the origin, without the largest tenth: what the paper fits. */
      readonly lineFit: number;
      /** log(r2 / r1). */
      readonly largest: number;
    };

const memo = new WeakMap<PartRows, NeighbourRatios>();

/** The ratios of all views of a part, kept by part. Only for parts whose rows are finite. */
export async function neighbourRatios(part: PartRows, context: MeasureContext): Promise<NeighbourRatios> {
  let known = memo.get(part);
  if (!known) {
    known = await findRatios(part, context);
    memo.set(part, known);
  }
  return known;
}

async function findRatios(part: PartRows, context: MeasureContext): Promise<NeighbourRatios> {
  const { sets } = viewSets(part);
  const samples = part.sampleIds.length;
  const counts = new Float64Array(samples);
  const logarithms = new Float64Array(samples);
  let [total, largest, lineFit] = [0, 0, 0];
  for (const { features, samples: sampleOf } of sets) {
    const n = features.rows;
    if (n < 3) return { reason: `Needs three different samples to have a first and a second neighbour; there ${n === 1 ? 'is 1' : `are ${n}`}.` };
    const { squared } = await nearestNeighbours(features, 2, context);
    const logs = Float64Array.from({ length: n }, (_, row) => 0.5 * Math.log((squared[2 * row + 1] as number) / (squared[2 * row] as number)));
    for (const [row, log] of logs.entries()) {
      const sample = sampleOf[row] as number;
      counts[sample] = (counts[sample] as number) + 1;
      logarithms[sample] = (logarithms[sample] as number) + log;
      total += log;
      if (!(log <= largest)) largest = log;
    }
    lineFit += fitLine(logs.sort()) / sets.length;
  }
  if (!Number.isFinite(total)) return { reason: 'Some rows are too near each other, against the extent of the layer, for their distance to be a number above 0.' };
  if (!(total > 0)) return { reason: 'The two nearest neighbours of every row are equally far: no number of dimensions fits.' };
  return { reason: null, form: { offset: 0, factor: 1, numerator: counts, denominator: logarithms }, lineFit, largest };
}

/** @param logs Ascending; the i-th of n stands for F = i / n. */
function fitLine(logs: Float64Array): number {
  const n = logs.length;
  let [products, squares] = [0, 0];
  for (let i = 0; i < Math.floor(n * (1 - discarded)); i++) {
    const log = logs[i] as number;
    products -= log * Math.log(1 - (i + 1) / n);
    squares += log * log;
  }
  return products / squares;
}
