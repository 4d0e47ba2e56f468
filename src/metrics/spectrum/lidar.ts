import { cholesky, type CholeskyFactor, solveLower } from '../../linalg/cholesky';
import type { Matrix } from '../../linalg/matrix';
import { sum } from '../bootstrap';
import type { MeasureContext, PartValue } from '../contract';
import { fewSamplesWarning } from '../reasons';
import { livingFeatures, noSpectrumReason } from './livingFeatures';
import { oneMetric } from './oneMetric';
import { sampleScatters } from './sampleScatters';

/** Added to the diagonal of the covariance within samples. */
const delta = 1e-4;
/** Added to every p. */
const addend = 1e-8;
/** Beside it, a covariance of features that are scaled to below 2 leaves no trace in float64; inverses and squares of it are finite. */
const mostAdded = 2 ** 200;
const recordedOptions = { classes: 'views', normalisation: 'none', delta, addend };

/**
 * LiDAR (Thilak et al. 2024, arXiv 2312.04000): exp of the entropy of the eigenvalues of Sw^-1/2 Sb Sw^-1/2, where Sb is the covariance of
 * the means of the samples, Sw the pooled covariance of the views around them plus delta I. Unbiased estimates of both.
 */
export const lidarFamily = oneMetric('lidar', { dependsOnSize: true }, async (part, context): Promise<PartValue> => {
  const none = (reason: string) => ({ value: null, options: recordedOptions, warnings: [reason] });
  const reason = noSpectrumReason(part);
  if (reason) return none(reason);
  const { starts } = part;
  const taken = [...part.sampleIds.keys()].filter((sample) => (starts[sample + 1] as number) - (starts[sample] as number) > 1);
  const samples = taken.length;
  if (samples === 0) return none('No sample has two views, so there is no covariance within samples.');
  if (samples === 1) return none('Only one sample has two views, so there is no covariance between samples.');
  const { scale, features } = livingFeatures(part);
  const freedom = part.features.rows - part.sampleIds.length;
  if (freedom < features.columns) {
    return none(`The covariance within samples has rank ${freedom} at most in ${features.columns} dimensions: delta alone would decide on the rest.`);
  }

  const { means, within } = await sampleScatters(part, taken, context);
  // From here on the covariance. Features are scaled here, so delta has to be; beyond the limit it decides alone.
  const squaredScale = (scale * part.unit) ** 2;
  const added = Math.min(delta * squaredScale, mostAdded);
  for (let i = 0; i < within.data.length; i++) within.data[i] = (within.data[i] as number) / freedom;
  let trace = 0;
  for (let i = 0; i < within.data.length; i += within.rows + 1) {
    trace += within.data[i] as number;
    within.data[i] = (within.data[i] as number) + added;
  }
  context.checkpoint();
  const factor = await wellConditionedFactor(within, context);
  if (!factor) return none('The covariance within samples is singular to rounding in spite of delta.');

  const { engine, checkpoint } = context;
  const whitened = await solveLower(engine, factor, means, { checkpoint });
  const gram = await engine.gram(whitened, whitened.rows <= whitened.columns ? 'rows' : 'columns', { checkpoint });
  const eigenvalues = (await engine.symmetricEigenvalues(gram, { checkpoint })).map((value) => Math.max(0, value));
  if (!((eigenvalues.at(-1) as number) > 0)) return none('The means of the samples do not differ.');

  const warnings = fewSamplesWarning(part);
  const d = part.features.columns;
  if (samples <= d) warnings.push(`Only ${samples} samples in ${d} dimensions: the value is at most ${samples - 1}.`);
  if (samples < part.sampleIds.length) warnings.push(`${part.sampleIds.length - samples} of ${part.sampleIds.length} samples have one view and take no part.`);
  if (freedom < 2 * features.columns) {
    warnings.push(`Only ${freedom} differences within samples for ${features.columns} dimensions: their covariance is poorly known, and directions where it is small by chance count too much.`);
  }
  const variance = trace / within.rows / squaredScale;
  if (variance < delta) warnings.push(`Views differ by less (variance ${variance.toPrecision(2)}) than delta, which therefore decides much of the value.`);
  return { value: lidar(eigenvalues, d), options: recordedOptions, warnings, ...(Number.isFinite(variance) ? { details: { variance_within: variance } } : {}) };
});

/** exp(-sum p log p) with p = lambda / sum(lambda) + 1e-8 over `count` eigenvalues, those not given being zero. */
export function lidar(eigenvalues: ArrayLike<number>, count: number): number {
  const total = sum(eigenvalues);
  let entropy = 0;
  for (let i = 0; i < count; i++) {
    const p = (i < eigenvalues.length ? (eigenvalues[i] as number) / total : 0) + addend;
    entropy -= p * Math.log(p);
  }
  return Math.exp(entropy);
}

/** Null when the matrix is singular to rounding. */
async function wellConditionedFactor(matrix: Matrix<Float64Array>, { engine, checkpoint }: MeasureContext): Promise<CholeskyFactor | null> {
  try {
    const factor = await cholesky(engine, matrix, { checkpoint });
    let [least, most] = [Infinity, 0];
    for (let i = 0; i < matrix.rows; i++) {
      const pivot = factor.lower.data[i * (matrix.rows + 1)] as number;
      least = Math.min(least, pivot);
      most = Math.max(most, pivot);
    }
    return least ** 2 > matrix.rows * Number.EPSILON * most ** 2 ? factor : null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
