import { dot } from '../linalg/dot';
import type { Matrix } from '../linalg/matrix';
import type { MeasureContext } from './contract';
import type { CurvaturePairs } from './curvaturePairs';

/** One softmax regression on its way to the minimum by L-BFGS. */
export class SoftmaxHead {
  point: Float64Array;
  trial: Float64Array;
  trialGradient: Float64Array;
  trialLoss = 0;
  done = false;
  settled = false;
  /** L^-1 with L L' the curvature at the start, or null where variables are taken to be independent. */
  inverseFactor: Matrix | null = null;
  private loss = Infinity;
  private gradient: Float64Array;
  private readonly direction: Float64Array;
  private slope = 0;
  /** The factor of the direction at the trial point, and of the last one that was accepted. */
  private step = 1;
  private accepted = 0;

  /** @param index Its place among the functions of which `pairs` knows the curvature. */
  constructor(
    readonly labels: Uint8Array,
    readonly l2: number,
    private readonly tolerance: number,
    size: number,
    private readonly pairs: CurvaturePairs,
    private readonly index: number,
  ) {
    this.point = new Float64Array(size);
    this.trial = new Float64Array(size);
    this.trialGradient = new Float64Array(size);
    this.gradient = new Float64Array(size);
    this.direction = new Float64Array(size);
  }

  accept(): void {
    [this.point, this.trial] = [this.trial, this.point];
    [this.gradient, this.trialGradient] = [this.trialGradient, this.gradient];
    this.loss = this.trialLoss;
    this.settled = this.gradient.every((value) => Math.abs(value) <= this.tolerance);
    this.done = this.settled;
  }

  /**
   * The trial point becomes a full step along the direction. It is found in the variables L'w, whose curvature at the start is the identity: there the gradient
   * is L^-1 times that of w, and what L-BFGS makes of it the same as with L^-T L^-1 for its first guess.
   */
  async chooseDirection({ engine }: MeasureContext): Promise<void> {
    const { direction, gradient, pairs, index, inverseFactor: factor, accepted } = this;
    if (factor) {
      const shape = { rows: factor.columns, columns: gradient.length / factor.columns };
      const inner = await engine.gemm(factor, { ...shape, data: new Float32Array(gradient) });
      const chosen = new Float32Array(pairs.direction(index, inner.data, accepted));
      direction.set((await engine.gemm(factor, { ...shape, data: chosen }, { transposeA: true })).data);
    } else {
      direction.set(pairs.direction(index, gradient, accepted));
    }
    this.slope = dot(gradient, direction);
    this.step = 1;
    this.placeTrial();
  }

  /** Takes the trial point when the loss fell enough (Armijo); otherwise places a shorter one. */
  tryAccept(): boolean {
    // Below the rounding of the loss a fall can no longer be told from noise.
    const noise = 1e-7 * Math.abs(this.loss);
    if (this.trialLoss <= this.loss + 1e-4 * this.step * this.slope + noise) {
      this.accepted = this.step;
      this.accept();
      return true;
    }
    const curvature = this.trialLoss - this.loss - this.step * this.slope;
    const best = (-this.slope * this.step * this.step) / (2 * curvature);
    this.step = Math.max(0.1 * this.step, Math.min(0.5 * this.step, best));
    if (this.step < 1e-10) {
      this.done = true;
      return true;
    }
    this.placeTrial();
    return false;
  }

  private placeTrial(): void {
    const { trial, point, direction, step } = this;
    for (let i = 0; i < trial.length; i++) trial[i] = (point[i] as number) + step * (direction[i] as number);
  }
}
