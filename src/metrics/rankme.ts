import type { Matrix } from '../linalg/matrix';
import { singularValuesDirect, singularValuesFromGram } from '../linalg/singularValues';
import { sum } from './bootstrap';
import type { LayerFeatures, LayerMeasurement, MeasureContext, MeasureOptions, MetricFamily } from './contract';
import { fewSamplesWarning, type MetricShape, notFiniteReason, type SplitValue, toMeasurements } from './measurement';
import { type SplitRows, splitRows } from './splitRows';

const shape: MetricShape = { metric: 'rankme', method: 1, random: false, gap: null, dependsOnSize: true };

/** Added to every p, as in the paper's code. */
const addend = 1e-7;
const recordedOptions = { centred: false, normalisation: 'none', addend };

/** Relative error of RankMe above which the spectrum is computed again without squaring it. */
const acceptedError = 1e-6;
/** Operations (4 n d^2) that the exact way may take on plain loops: some ten seconds. */
const directLimit = 1.6e10;

/** RankMe (Garrido et al. 2023, arXiv 2210.02885): exp of the entropy of the singular values of the uncentred features. */
export const rankmeFamily: MetricFamily = {
  id: 'rankme',
  metrics: ['rankme'],
  method: shape.method,
  async measure(layer: LayerFeatures, options: MeasureOptions, context: MeasureContext): Promise<LayerMeasurement[]> {
    const values: SplitValue[] = [];
    for (const split of splitRows(layer)) values.push(await measureSplit(split, context));
    return toMeasurements(layer, shape, values, options);
  },
};

async function measureSplit(split: SplitRows, context: MeasureContext): Promise<SplitValue> {
  const none = (reason: string): SplitValue => ({ split, value: null, options: recordedOptions, warnings: [reason] });
  const reason = notFiniteReason(split);
  if (reason) return none(reason);
  const { rows, columns } = split.features;
  const living = withoutZeroColumns(split.features);
  if (living.columns === 0) return none('All features are zero.');
  const warnings = fewSamplesWarning(split);
  if (rows < columns) warnings.push(`Fewer rows (${rows}) than dimensions (${columns}): the value is at most ${rows}.`);

  const count = Math.min(rows, columns);
  const { values, errors } = await singularValuesFromGram(context.engine, living, { checkpoint: context.checkpoint });
  const error = entropyError(values, errors);
  if (error <= acceptedError) return { split, value: rankme(values, count), options: recordedOptions, warnings };
  const operations = 4 * Math.max(living.rows, living.columns) * Math.min(living.rows, living.columns) ** 2;
  if (operations <= directLimit) {
    const exact = singularValuesDirect(living, context.checkpoint);
    return { split, value: rankme(exact, count), options: recordedOptions, warnings };
  }
  warnings.push(`The spectrum is nearly collapsed: the value is good to about ${error.toPrecision(1)} of itself.`);
  return { split, value: rankme(values, count), options: recordedOptions, warnings };
}

/** exp(-sum p log p) with p = s / sum(s) + 1e-7 over `count` singular values, those not given being zero. */
export function rankme(singularValues: ArrayLike<number>, count: number): number {
  const total = sum(singularValues);
  let entropy = 0;
  for (let i = 0; i < count; i++) {
    const p = (i < singularValues.length ? (singularValues[i] as number) / total : 0) + addend;
    entropy -= p * Math.log(p);
  }
  return Math.exp(entropy);
}

/** First-order bound on the error of the entropy, which is the relative error of RankMe. */
function entropyError(values: Float64Array, errors: Float64Array): number {
  const total = sum(values);
  let error = 0;
  for (let i = 0; i < values.length; i++) {
    const p = (values[i] as number) / total + addend;
    error += ((errors[i] as number) / total) * Math.abs(Math.log(p) + 1);
  }
  return error;
}

/** Features that are zero in every row have singular value 0 exactly; left in, they would become rounding noise. */
function withoutZeroColumns(matrix: Matrix): Matrix {
  const { rows, columns, data } = matrix;
  const alive = new Uint8Array(columns);
  let missing = columns;
  for (let i = 0; i < rows && missing > 0; i++) {
    for (let j = 0; j < columns; j++) {
      if (alive[j] === 0 && data[i * columns + j] !== 0) {
        alive[j] = 1;
        missing -= 1;
      }
    }
  }
  if (missing === 0) return matrix;
  const kept = [...alive.keys()].filter((j) => alive[j] === 1);
  const narrowed = new Float64Array(rows * kept.length);
  for (let i = 0; i < rows; i++) {
    for (const [place, j] of kept.entries()) narrowed[i * kept.length + place] = data[i * columns + j] as number;
  }
  return { rows, columns: kept.length, data: narrowed };
}
