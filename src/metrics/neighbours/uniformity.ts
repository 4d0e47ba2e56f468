import type { LinearForm } from '../bootstrap';
import { sum } from '../bootstrap';
import type { MeasureContext, MetricFamily, PartValue } from '../contract';
import { normalizedRows, type PartRows } from '../partRows';
import { fewSamplesWarning, noDirectionReason } from '../reasons';
import { centrePoints, type DistanceTile, visitUpperTiles } from './distanceTiles';

const t = 2;
const recordedOptions = { normalisation: 'l2', t, pairs: 'all rows' };
/** By how much pairs of views of one sample may move the value before it is said. */
const worthSaying = 0.05;

/**
 * log of the mean of exp(-2 ||x_i - x_j||^2) over all pairs of rows i != j, rows of length 1 (Wang & Isola 2020, arXiv 2005.10242,
 * `uniform_loss` of their code): from -4 - 4/(n - 1) to 0, lower is more uniform on the sphere.
 */
export const uniformityFamily: MetricFamily<'uniformity'> = {
  id: 'uniformity',
  shapes: [{ metric: 'uniformity', random: false, gap: null, dependsOnSize: true }],
  method: 1,
  async measurePart(part, _layer, _options, context) {
    return { uniformity: await uniformity(part, context) };
  },
};

async function uniformity(part: PartRows, context: MeasureContext): Promise<PartValue> {
  const none = (reason: string): PartValue => ({ value: null, options: recordedOptions, warnings: [reason] });
  const reason = noDirectionReason(part);
  if (reason) return none(reason);
  if (part.features.rows < 2) return none('Needs two rows to form a pair; there is one.');
  const sums = await deficits(part, context);
  const value = Math.log1p(-sums.total / sums.pairs);
  const warnings = fewSamplesWarning(part);
  const others = sums.pairs - sums.pairsWithin;
  if (others === 0 || sums.pairsWithin === 0) return { value, options: recordedOptions, warnings, form: firstOrder(part, sums, value) };
  const between = Math.log1p(-(sums.total - sum(sums.within)) / others);
  if (value - between > worthSaying) {
    const share = ((100 * sums.pairsWithin) / sums.pairs).toPrecision(2);
    warnings.push(`Pairs of views of one sample (${share} % of all) raise the value: over pairs of different samples it is ${between.toPrecision(4)}.`);
  }
  return { value, options: recordedOptions, warnings, form: firstOrder(part, sums, value), details: { between_samples: between } };
}

/** Sums of 1 - exp(-t ||x - y||^2): in this form nothing is lost in a collapsed layer, where all exponentials are nearly 1. */
interface Deficits {
  readonly total: number;
  readonly pairs: number;
  readonly pairsWithin: number;
  /** [rows] over all pairs that a row is in. */
  readonly ofRows: Float64Array;
  /** [samples] over pairs of views of one sample. */
  readonly within: Float64Array;
}

async function deficits(part: PartRows, context: MeasureContext): Promise<Deficits> {
  const { rows: n } = part.features;
  const points = centrePoints(normalizedRows(part));
  const ofRows = new Float64Array(n);
  const within = new Float64Array(part.sampleIds.length);
  const sampleOfRow = new Int32Array(n);
  let pairsWithin = 0;
  for (let sample = 0; sample < within.length; sample++) {
    const [from, to] = [part.starts[sample] as number, part.starts[sample + 1] as number];
    sampleOfRow.fill(sample, from, to);
    pairsWithin += ((to - from) * (to - from - 1)) / 2;
  }
  const factor = t / points.scale ** 2;
  await visitUpperTiles(points, context, (tile) => addTile(tile, factor, part.starts, sampleOfRow, ofRows, within));
  return { total: sum(ofRows) / 2, pairs: (n * (n - 1)) / 2, pairsWithin, ofRows, within };
}

/** exp(-u) = exp(-k/256) exp(-r), k whole and r < 1/256: a table and three terms, good to 1e-11 of 1 - exp(-u). */
const steps = 256;
/** Exponents are t ||x - y||^2 <= 4 t; twice that is beyond any error of a product. */
const complements = Float64Array.from({ length: 8 * t * steps + 1 }, (_, k) => -Math.expm1(-k / steps));

function addTile(
  { firstRow, rows, firstColumn, columns, squared }: DistanceTile,
  factor: number,
  starts: Int32Array,
  sampleOfRow: Int32Array,
  ofRows: Float64Array,
  within: Float64Array,
): void {
  const inSteps = factor * steps;
  for (let i = 0; i < rows; i++) {
    const sample = sampleOfRow[firstRow + i] as number;
    const endOfSample = Math.max(0, Math.min((starts[sample + 1] as number) - firstColumn, columns));
    let own = 0;
    let j = Math.max(0, firstRow + i + 1 - firstColumn);
    for (const end of [endOfSample, columns]) {
      for (; j < end; j++) {
        const scaled = (squared[i * columns + j] as number) * inSteps;
        const k = scaled | 0;
        const r = (scaled - k) * (1 / steps);
        const complement = complements[k] as number;
        const deficit = complement + (1 - complement) * r * (1 - r * (1 / 2 - r * (1 / 6)));
        own += deficit;
        ofRows[firstColumn + j] = (ofRows[firstColumn + j] as number) + deficit;
      }
      if (end === endOfSample) within[sample] = (within[sample] as number) + own;
      if (end === columns) break;
    }
    ofRows[firstRow + i] = (ofRows[firstRow + i] as number) + own;
  }
}

/**
 * The value as a mean over samples, to first order: what it changes by as the weight of a sample does (infinitesimal jackknife of a
 * U-statistic). Pairs within a sample go with its weight, pairs between two with both.
 */
function firstOrder(part: PartRows, { total, pairs, ofRows, within }: Deficits, value: number): LinearForm | undefined {
  const samples = part.sampleIds.length;
  const mean = total / pairs;
  if (!(mean < 1)) return undefined;
  const influence = Float64Array.from({ length: samples }, (_, sample) => {
    const [from, to] = [part.starts[sample] as number, part.starts[sample + 1] as number];
    const views = to - from;
    const deficit = sum(ofRows.subarray(from, to)) - (within[sample] as number);
    const ownPairs = views * (part.features.rows - views) + (views * (views - 1)) / 2;
    return -(deficit - mean * ownPairs) / (pairs * (1 - mean));
  });
  const average = sum(influence) / samples;
  return {
    offset: 0,
    factor: 1,
    numerator: influence.map((one) => value + samples * (one - average)),
    denominator: new Float64Array(samples).fill(1),
  };
}
