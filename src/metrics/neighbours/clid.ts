import { type LinearForm, linearValue, sum } from '../bootstrap';
import { kMeans } from '../clusters/kMeans';
import type { MeasureContext, MetricFamily, PartValue } from '../contract';
import { normalizedRows, type PartRows } from '../partRows';
import { fewSamplesWarning, noDirectionReason } from '../reasons';
import { nearestNeighbours } from './nearestNeighbours';
import { neighbourRatios } from './twoNeighbours';
import { takeRows, viewSets, viewSetWarnings } from './viewSets';

/** With fewer, clusters have hardly more than one sample. */
const leastSamples = 16;
// Named k: `clusters` is the option of a person, which has no part in this.
const optionsFor = (k: number) => ({
  k, neighbours: 1, distance: 'cosine', labels: 'k-means of rows of length 1', test: 'leave one out', points: 'one view a sample, mean over views',
  combination: 'learnability + dimension / width',
});

/**
 * Cluster learnability and intrinsic dimension (CLID: Lu, Liu, Baratin, Laroche, Courville & Sordoni, arXiv 2206.01251). Learnability is
 * the share of samples whose nearest neighbour in cosine distance has the same k-means label. How both parts are combined here is our own:
 * see the page.
 */
export const clidFamily: MetricFamily<'clid'> = {
  id: 'clid',
  shapes: [{ metric: 'clid', random: true, gap: null, dependsOnSize: true }],
  method: 1,
  async measurePart(part, _layer, { seed }, context) {
    if (!Number.isSafeInteger(seed)) throw new RangeError(`The seed must be a whole number, not ${seed}.`);
    return { clid: await clid(part, seed, context) };
  },
};

async function clid(part: PartRows, seed: number, context: MeasureContext): Promise<PartValue> {
  const samples = part.sampleIds.length;
  const options = optionsFor(Math.floor(Math.sqrt(samples)));
  const warnings = [...viewSetWarnings(part), ...fewSamplesWarning(part)];
  const none = (reason: string): PartValue => ({ value: null, options, warnings: [reason, ...warnings] });
  const reason = noDirectionReason(part);
  if (reason) return { value: null, options, warnings: [reason] };
  const { sets } = viewSets(part);
  const fewest = Math.min(...sets.map(({ rows }) => rows.length));
  if (fewest < leastSamples) return none(`Needs ${leastSamples} different samples to form clusters; there ${fewest === 1 ? 'is 1' : `are ${fewest}`}.`);
  const ratios = await neighbourRatios(part, context);
  if (ratios.reason !== null) return none(ratios.reason);

  const right = new Float64Array(samples);
  for (const { rows, samples: sampleOf } of sets) {
    const points = takeRows(normalizedRows(part), rows);
    const { indices } = await nearestNeighbours(points, 1, context);
    const [clustering] = await kMeans(points, { clusters: options.k, seeds: [seed] }, context);
    if (!clustering) throw new Error('k-means found no partition.');
    for (const place of agreeing(indices, clustering.labels)) right[sampleOf[place] as number] = (right[sampleOf[place] as number] as number) + 1;
  }
  const { numerator: counts } = ratios.form;
  const learnability = sum(right) / sum(counts);
  const dimension = linearValue(ratios.form);
  const width = part.features.columns;
  return {
    value: learnability + dimension / width,
    options,
    warnings,
    form: firstOrder(right, ratios.form, learnability, dimension, width),
    details: { learnability, twonn_dim: dimension },
  };
}

/** Rows whose nearest neighbour has their label. */
export function agreeing(nearest: Int32Array, labels: Int32Array): number[] {
  return [...nearest.keys()].filter((row) => labels[nearest[row] as number] === labels[row]);
}

/** Both parts are ratios of sums over samples; the value's change with the weight of a sample, neighbours and clusters staying as they are. */
function firstOrder(right: Float64Array, { numerator: counts, denominator: logarithms }: LinearForm, learnability: number, dimension: number, width: number): LinearForm {
  const value = learnability + dimension / width;
  const meanCount = sum(counts) / counts.length;
  const meanLogarithm = sum(logarithms) / logarithms.length;
  const numerator = right.map((own, sample) => {
    const count = counts[sample] as number;
    const ofLearnability = (own - learnability * count) / meanCount;
    const ofDimension = (dimension / width) * (count / meanCount - (logarithms[sample] as number) / meanLogarithm);
    return value + ofLearnability + ofDimension;
  });
  return { offset: 0, factor: 1, numerator, denominator: new Float64Array(right.length).fill(1) };
}
