import { cholesky, solveLower } from '../linalg/cholesky';
import { withOwnSpace } from '../linalg/kernels';
import { type Matrix, zeros } from '../linalg/matrix';
import type { MeasureContext } from './contract';
import { CurvaturePairs } from './curvaturePairs';
import { SoftmaxHead } from './softmaxHead';

export interface SoftmaxOptions {
  readonly classes: number;
  /** Factor of half the squared weights beside the mean cross-entropy, of all heads or of each. The intercept is free. */
  readonly l2: number | readonly number[];
  readonly iterationLimit: number;
  /** Largest element of the gradient, in the scaled variables, at which a head is at its minimum. Default 1e-5. */
  readonly tolerance?: number;
  /**
   * Whether to begin every step from the inverse curvature of all columns together instead of that of each by itself. For columns that depend on each other: it takes
   * a factorization for each penalty and a tenth of the iterations. Default false.
   */
  readonly correlated?: boolean;
}

export interface SoftmaxHeads {
  /** (columns + 1) x (heads * classes): weights of each head side by side, the intercept in the last row. */
  readonly weights: Matrix<Float64Array>;
  /** Heads that reached the gradient tolerance. */
  readonly converged: number;
  readonly iterations: number;
}

/**
 * Several softmax regressions on the same rows at once: minimizes mean cross-entropy + l2/2 ||W||^2 of each by L-BFGS (Nocedal 1980).
 * All heads share two products a step. Columns are scaled to an even curvature first, which changes the path and not the minimum.
 * @param rows n x k, columns roughly centred.
 * @param labels one array of n classes for each head.
 */
export function fitSoftmaxHeads(
  rows: Matrix<Float64Array>,
  labels: readonly Uint8Array[],
  options: SoftmaxOptions,
  context: MeasureContext,
): Promise<SoftmaxHeads> {
  return withOwnSpace(async (space) => {
    const { classes, l2, iterationLimit, tolerance = 1e-5, correlated = false } = options;
    const penalty = (head: number) => (typeof l2 === 'number' ? l2 : (l2[head] as number));
    const scales = columnScales(rows, classes, typeof l2 === 'number' ? l2 : Math.min(...l2));
    context.checkpoint();
    const wide = scaledWithIntercept(rows, scales);
    context.checkpoint();
    const scaled = { ...wide, data: new Float32Array(wide.data) };
    const buffer = new Float32Array(scaled.rows * labels.length * classes);
    const problem: Problem = { scaled, scales, classes, buffer, context };
    const size = scaled.columns * classes;
    const pairs = new CurvaturePairs(space, labels.length, size);
    const heads = labels.map((label, head) => new SoftmaxHead(label, penalty(head), tolerance, size, pairs, head));
    if (correlated) await precondition(wide, scales, classes, heads, context);
    const iterations = await descend(problem, heads, iterationLimit);
    return { weights: weightsOf(heads, scales, classes), converged: heads.filter((head) => head.settled).length, iterations };
  });
}

/** Answers with the number of iterations. */
async function descend(problem: Problem, heads: readonly SoftmaxHead[], iterationLimit: number): Promise<number> {
  const { context } = problem;
  await evaluate(problem, heads);
  for (const head of heads) head.accept();
  let active = heads.filter((head) => !head.done);
  for (let iteration = 0; ; iteration++) {
    if (active.length === 0 || iteration === iterationLimit) return iteration;
    for (const head of active) {
      context.checkpoint();
      await head.chooseDirection(context);
    }
    let trying = active;
    while (trying.length > 0) {
      context.checkpoint();
      await evaluate(problem, trying);
      trying = trying.filter((head) => !head.tryAccept());
    }
    active = active.filter((head) => !head.done);
  }
}

/** In the variables before they were scaled, heads side by side. */
function weightsOf(heads: readonly SoftmaxHead[], scales: Float64Array, classes: number): Matrix<Float64Array> {
  const weights = zeros(scales.length + 1, heads.length * classes);
  for (const [index, { point }] of heads.entries()) {
    for (let i = 0; i < weights.rows; i++) {
      const scale = i < scales.length ? (scales[i] as number) : 1;
      for (let c = 0; c < classes; c++) weights.data[i * weights.columns + index * classes + c] = (point[i * classes + c] as number) * scale;
    }
  }
  return weights;
}

/** Gives each head the inverse of a factor of the curvature at the start, X'X / (n C) + l2, in the scaled variables. */
async function precondition(wide: Matrix<Float64Array>, scales: Float64Array, classes: number, heads: readonly SoftmaxHead[], { engine, checkpoint }: MeasureContext): Promise<void> {
  const gram = await engine.gram(wide, 'columns', { checkpoint });
  const size = gram.rows;
  const byPenalty = new Map<number, Matrix>();
  for (const head of heads) {
    let inverse = byPenalty.get(head.l2);
    if (!inverse) {
      checkpoint();
      const curvature = zeros(size, size);
      for (let i = 0; i < gram.data.length; i++) curvature.data[i] = (gram.data[i] as number) / (wide.rows * classes);
      for (let j = 0; j < size; j++) {
        const penalty = j < scales.length ? head.l2 * (scales[j] as number) ** 2 : 0;
        curvature.data[j * (size + 1)] = (curvature.data[j * (size + 1)] as number) + penalty;
      }
      checkpoint();
      inverse = await solveLower(engine, await cholesky(engine, curvature, { checkpoint }), identity(size), { checkpoint });
      // A direction need not be exact: half the memory, and twice as fast.
      inverse = { ...inverse, data: new Float32Array(inverse.data) };
      byPenalty.set(head.l2, inverse);
    }
    head.inverseFactor = inverse;
  }
}

function identity(size: number): Matrix<Float64Array> {
  const matrix = zeros(size, size);
  for (let i = 0; i < size; i++) matrix.data[i * (size + 1)] = 1;
  return matrix;
}

/** n x heads: the class that each head gives to each row; ties go to the lower class. */
export async function predictClasses(rows: Matrix<Float64Array>, { weights }: SoftmaxHeads, classes: number, context: MeasureContext): Promise<Uint8Array> {
  context.checkpoint();
  const scores = await context.engine.gemm(scaledWithIntercept(rows, null), weights, { checkpoint: context.checkpoint });
  const heads = weights.columns / classes;
  const predicted = new Uint8Array(rows.rows * heads);
  for (let at = 0; at < predicted.length; at++) {
    let best = at * classes;
    for (let c = best + 1; c < (at + 1) * classes; c++) if ((scores.data[c] as number) > (scores.data[best] as number)) best = c;
    predicted[at] = best - at * classes;
  }
  return predicted;
}

interface Problem {
  /** n x (k + 1), the last column all ones. In float32: its rounding is a thousandth of the tolerance. */
  readonly scaled: Matrix<Float32Array>;
  readonly scales: Float64Array;
  readonly classes: number;
  /** Room for the scores of all heads. */
  readonly buffer: Float32Array;
  readonly context: MeasureContext;
}

/** 1 / sqrt(curvature) of each column at the start, where every class has probability 1/C. */
function columnScales({ rows, columns, data }: Matrix<Float64Array>, classes: number, l2: number): Float64Array {
  const squares = new Float64Array(columns);
  for (let i = 0; i < data.length; i += columns) {
    for (let j = 0; j < columns; j++) squares[j] = (squares[j] as number) + (data[i + j] as number) ** 2;
  }
  const curvature = (1 / classes) * (1 - 1 / classes);
  return squares.map((square) => 1 / Math.sqrt((curvature * square) / rows + l2));
}

function scaledWithIntercept({ rows, columns, data }: Matrix<Float64Array>, scales: Float64Array | null): Matrix<Float64Array> {
  const result = zeros(rows, columns + 1);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      result.data[i * (columns + 1) + j] = (data[i * columns + j] as number) * (scales ? (scales[j] as number) : 1);
    }
    result.data[i * (columns + 1) + columns] = 1;
  }
  return result;
}

/** Loss and gradient of each head at its trial point. */
async function evaluate({ scaled, scales, classes, buffer, context }: Problem, heads: readonly SoftmaxHead[]): Promise<void> {
  const { engine, checkpoint } = context;
  const { rows, columns: variables } = scaled;
  const width = heads.length * classes;
  const points = { rows: variables, columns: width, data: pointsOf(heads, classes, variables) };
  const residuals = (await engine.gemm(scaled, points, { into: buffer.subarray(0, rows * width), checkpoint })) as Matrix<Float32Array>;
  checkpoint();
  const losses = shiftScores(residuals, classes, heads);
  checkpoint();
  await engine.exponentials(residuals, residuals.data);
  checkpoint();
  toResiduals(residuals, classes, heads, losses);
  for (const [index, head] of heads.entries()) head.trialLoss = (losses[index] as number) / rows;
  checkpoint();
  const gradient = await engine.gemm(scaled, residuals, { transposeA: true, checkpoint });
  checkpoint();
  for (const [index, head] of heads.entries()) takeGradient(head, gradient.data as Float32Array, index * classes, width, { scales, classes, rows });
}

/** Trial points side by side. */
function pointsOf(heads: readonly SoftmaxHead[], classes: number, variables: number): Float32Array {
  const width = heads.length * classes;
  const points = new Float32Array(variables * width);
  for (const [index, { trial }] of heads.entries()) {
    for (let i = 0; i < variables; i++) {
      for (let c = 0; c < classes; c++) points[i * width + index * classes + c] = trial[i * classes + c] as number;
    }
  }
  return points;
}

/** The gradient of one head out of that of all, and the penalty of its weights. */
function takeGradient(head: SoftmaxHead, sums: Float32Array, first: number, stride: number, { scales, classes, rows }: { scales: Float64Array; classes: number; rows: number }): void {
  const { trial, trialGradient, l2 } = head;
  let penalty = 0;
  for (let at = 0, i = 0; at < trial.length; i++) {
    const weight = i < scales.length ? l2 * (scales[i] as number) ** 2 : 0;
    for (let c = first + i * stride; c < first + i * stride + classes; c++, at++) {
      const value = trial[at] as number;
      penalty += weight * value * value;
      trialGradient[at] = (sums[c] as number) / rows + weight * value;
    }
  }
  head.trialLoss += penalty / 2;
}

/** Subtracts the largest score of each head from its scores; answers with the sum over rows of the largest minus the label's score, by head. */
function shiftScores({ rows, columns, data }: Matrix<Float32Array>, classes: number, heads: readonly SoftmaxHead[]): Float64Array {
  const losses = new Float64Array(heads.length);
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads.length; head++) {
      const start = row * columns + head * classes;
      const label = start + ((heads[head] as SoftmaxHead).labels[row] as number);
      let largest = data[start] as number;
      for (let at = start + 1; at < start + classes; at++) {
        const score = data[at] as number;
        if (score > largest) largest = score;
      }
      losses[head] = (losses[head] as number) + largest - (data[label] as number);
      for (let at = start; at < start + classes; at++) data[at] = (data[at] as number) - largest;
    }
  }
  return losses;
}

/** Turns exponentials into probability minus indicator of the label; adds the logarithm of each head's sum to its loss. */
function toResiduals({ rows, columns, data }: Matrix<Float32Array>, classes: number, heads: readonly SoftmaxHead[], losses: Float64Array): void {
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads.length; head++) {
      const start = row * columns + head * classes;
      const label = start + ((heads[head] as SoftmaxHead).labels[row] as number);
      let total = 0;
      for (let at = start; at < start + classes; at++) total += data[at] as number;
      const inverse = 1 / total;
      for (let at = start; at < start + classes; at++) data[at] = (data[at] as number) * inverse;
      data[label] = (data[label] as number) - 1;
      losses[head] = (losses[head] as number) + Math.log(total);
    }
  }
}
