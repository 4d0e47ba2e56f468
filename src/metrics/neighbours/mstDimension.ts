import type { MeasureContext, MetricFamily, PartValue } from '../contract';
import type { PartRows } from '../partRows';
import { Random, randomPurpose } from '../random';
import { fewSamplesWarning, notFiniteReason } from '../reasons';
import { distanceMatrix, isKept, mostKept } from './distanceMatrix';
import { SpanningTrees } from './spanningTree';
import { takeRows, viewSets, viewSetWarnings } from './viewSets';

/** Trees are grown on N/8, 2N/8, ..., 7N/8 of the N samples. */
const sizes = 8;
/**
 * Orders that the samples of each view are shuffled into; an order is cut into as many subsets of a size as there fit, each sample being in
 * one of them at most.
 */
const shuffles = 5;
/** The smallest tree then has four points. */
const leastSamples = 32;

const recordedOptions = {
  sizes: 'N/8 ... 7N/8', shuffles, points: 'one view a sample, one slope for all views', centred: false, normalisation: 'none',
};

/**
 * Dimension from how the length of a minimum spanning tree grows with the number of points (Costa & Hero 2006; IdEst, Mordacq, Kalogeiton &
 * Oudot, arXiv 2606.03338): log L = m log n + c, d = 1 / (1 - m).
 */
export const mstFamily: MetricFamily<'mst_dim'> = {
  id: 'mst',
  shapes: [{ metric: 'mst_dim', random: true, gap: null, dependsOnSize: true }],
  method: 1,
  async measurePart(part, _layer, { seed }, context) {
    if (!Number.isSafeInteger(seed)) throw new RangeError(`The seed must be a whole number, not ${seed}.`);
    const reason = notFiniteReason(part);
    return { mst_dim: reason ? { value: null, options: recordedOptions, warnings: [reason] } : await mstDimension(part, seed, context) };
  },
};

async function mstDimension(part: PartRows, seed: number, context: MeasureContext): Promise<PartValue> {
  const warnings = [...viewSetWarnings(part), ...fewSamplesWarning(part)];
  const none = (reason: string): PartValue => ({ value: null, options: recordedOptions, warnings: [reason, ...warnings] });
  const fit = new LineFit();
  for (const [view, set] of viewSets(part).sets.entries()) {
    const found = set.features.rows;
    if (found < leastSamples) return none(`Needs ${leastSamples} different samples, so that trees of several sizes can be grown; there ${found === 1 ? 'is 1' : `are ${found}`}.`);
    const random = new Random(randomPurpose.shuffles, seed, part.part === 'train' ? 0 : 1, view);
    const features = isKept(set.features) ? set.features : takeRows(set.features, shuffled(found, random).slice(0, mostKept).sort());
    if (features !== set.features && view === 0) warnings.push(`Taken on ${mostKept} samples drawn from ${found}, whose distances fit into memory at once.`);
    const n = features.rows;
    const trees = new SpanningTrees(await distanceMatrix(features, context), context);
    for (let repetition = 0; repetition < shuffles; repetition++) {
      const order = shuffled(n, random);
      for (let size = 1; size < sizes; size++) {
        const count = Math.floor((size * n) / sizes);
        const subsets = Math.floor(n / count);
        let logarithms = 0;
        for (let subset = 0; subset < subsets; subset++) logarithms += Math.log(trees.length(order.slice(subset * count, (subset + 1) * count).sort()));
        fit.add(Math.log(count), logarithms / subsets);
      }
    }
  }
  const { slope, explained } = fit.result();
  if (!Number.isFinite(slope)) return none('Some trees have no length: their points are too near each other, against the extent of the layer.');
  if (slope >= 1) return none(`The trees grow as n^${slope.toFixed(4)}, faster than in any number of dimensions.`);
  return { value: 1 / (1 - slope), options: recordedOptions, warnings, details: { slope, r2: explained } };
}

/** 0 .. n-1 in random order (Fisher & Yates). */
function shuffled(n: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: n }, (_, index) => index);
  for (let place = 0; place < n - 1; place++) {
    const other = place + random.below(n - place);
    [order[place], order[other]] = [order[other] as number, order[place] as number];
  }
  return order;
}

/** Least squares of y on x. */
class LineFit {
  private readonly x: number[] = [];
  private readonly y: number[] = [];

  add(x: number, y: number): void {
    this.x.push(x);
    this.y.push(y);
  }

  result(): { readonly slope: number; readonly explained: number } {
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [centreX, centreY] = [mean(this.x), mean(this.y)];
    let [xx, xy, yy] = [0, 0, 0];
    for (const [index, x] of this.x.entries()) {
      const y = (this.y[index] as number) - centreY;
      xx += (x - centreX) ** 2;
      xy += (x - centreX) * y;
      yy += y * y;
    }
    return { slope: xy / xx, explained: yy > 0 ? (xy * xy) / (xx * yy) : 1 };
  }
}
