import { dot } from '../linalg/dot';
import type { Matrix } from '../linalg/matrix';
import type { MeasureContext } from './contract';

/** Pairs that are remembered. */
const memory = 20;

/** One softmax regression on its way to the minimum by L-BFGS (Nocedal 1980). */
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
  private direction: Float64Array;
  private slope = 0;
  private step = 1;
  private readonly pairs: { s: Float64Array; y: Float64Array; rho: number }[] = [];

  constructor(
    readonly labels: Uint8Array,
    readonly l2: number,
    private readonly tolerance: number,
    size: number,
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

  /** Two-loop recursion; the trial point is a full step along the direction. */
  async chooseDirection(context: MeasureContext): Promise<void> {
    const { direction, gradient, pairs } = this;
    direction.set(gradient);
    const alphas = new Float64Array(pairs.length);
    for (let i = pairs.length - 1; i >= 0; i--) {
      const { s, y, rho } = pairs[i] as (typeof pairs)[number];
      alphas[i] = rho * dot(s, direction);
      addScaled(direction, y, -(alphas[i] as number));
    }
    const last = pairs.at(-1);
    await this.applyInitial(direction, context);
    if (last) {
      const image = last.y.slice();
      await this.applyInitial(image, context);
      scaleBy(direction, 1 / (last.rho * dot(last.y, image)));
    }
    for (const [i, { s, y, rho }] of pairs.entries()) addScaled(direction, s, (alphas[i] as number) - rho * dot(y, direction));
    scaleBy(direction, -1);
    this.slope = dot(gradient, direction);
    this.step = 1;
    this.placeTrial();
  }

  /** Multiplies a vector by the inverse of the curvature at the start, in place. */
  private async applyInitial(vector: Float64Array, { engine }: MeasureContext): Promise<void> {
    const factor = this.inverseFactor;
    if (!factor) return;
    const narrow = { rows: factor.columns, columns: vector.length / factor.columns, data: new Float32Array(vector) };
    const half = await engine.gemm(factor, narrow);
    vector.set((await engine.gemm(factor, half, { transposeA: true })).data);
  }

  /** Takes the trial point when the loss fell enough (Armijo); otherwise places a shorter one. */
  tryAccept(): boolean {
    // Below the rounding of the loss a fall can no longer be told from noise.
    const noise = 1e-7 * Math.abs(this.loss);
    if (this.trialLoss <= this.loss + 1e-4 * this.step * this.slope + noise) {
      this.remember();
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
    for (let i = 0; i < this.trial.length; i++) this.trial[i] = (this.point[i] as number) + this.step * (this.direction[i] as number);
  }

  private remember(): void {
    const s = this.trial.map((value, i) => value - (this.point[i] as number));
    const y = this.trialGradient.map((value, i) => value - (this.gradient[i] as number));
    const curvature = dot(s, y);
    if (!(curvature > 1e-12 * dot(y, y))) return;
    this.pairs.push({ s, y, rho: 1 / curvature });
    if (this.pairs.length > memory) this.pairs.shift();
  }
}

function addScaled(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) + factor * (b[i] as number);
}

function scaleBy(a: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) * factor;
}
