import type { KernelSpace } from '../linalg/kernels';

/** Pairs that are remembered. */
const room = 20;
/** Pairs whose curvature s'y is below this share of y'y would make directions of rounding. */
const leastCurvature = 1e-12;

/** What L-BFGS (Nocedal 1980) knows of the curvature of several functions of `size` variables, each from its own latest steps. */
export class CurvaturePairs {
  private readonly products: Float64Array;
  private readonly functions: Known[];

  /** In the memory of a space that is used for nothing else meanwhile. */
  constructor(
    private readonly space: KernelSpace,
    count: number,
    private readonly size: number,
  ) {
    const lengths = [room * size, room * size, room, room, size, size, size];
    const vectors = space.layOut(2, ...Array.from({ length: count }, () => lengths).flat());
    this.products = vectors[0];
    this.functions = Array.from({ length: count }, (_, at) => {
      const [s, y, rho, alphas, gradient, before, direction] = vectors.slice(1 + at * lengths.length) as unknown as readonly Float64Array[];
      return { s, y, rho, alphas, gradient, before, direction, latest: -1, count: 0, gamma: 1 } as Known;
    });
  }

  /**
   * The direction -Hg of a function, to be read before the next call. Its variables should be so that all curvatures are alike.
   * @param gradient Where the last step led.
   * @param step The factor of the last direction that was taken; 0 the first time.
   */
  direction(index: number, gradient: ArrayLike<number>, step: number): Float64Array {
    const own = this.functions[index] as Known;
    own.gradient.set(gradient);
    if (step > 0) this.remember(own, step);
    own.before.set(own.gradient);
    own.direction.set(own.gradient);
    const { s, y, rho, alphas, latest, count, gamma, direction } = own;
    this.space.kernels.lbfgsDirection(
      s.byteOffset, y.byteOffset, rho.byteOffset, alphas.byteOffset, room, latest, count, gamma, direction.byteOffset, this.size,
    );
    return direction;
  }

  private remember(own: Known, step: number): void {
    const place = (own.latest + 1) % room;
    const at = place * this.size * Float64Array.BYTES_PER_ELEMENT;
    const { s, y, direction, gradient, before } = own;
    this.space.kernels.makePair(
      s.byteOffset + at, y.byteOffset + at, direction.byteOffset, step, gradient.byteOffset, before.byteOffset, this.size, this.products.byteOffset,
    );
    const [curvature, squares] = this.products as unknown as readonly [number, number];
    if (!(curvature > leastCurvature * squares)) {
      // The pair that lay there is gone, when there was one.
      own.count = Math.min(own.count, room - 1);
      return;
    }
    own.rho[place] = 1 / curvature;
    own.gamma = curvature / squares;
    own.latest = place;
    own.count = Math.min(own.count + 1, room);
  }
}

interface Known {
  readonly s: Float64Array;
  readonly y: Float64Array;
  readonly rho: Float64Array;
  readonly alphas: Float64Array;
  readonly gradient: Float64Array;
  readonly before: Float64Array;
  readonly direction: Float64Array;
  latest: number;
  count: number;
  gamma: number;
}
