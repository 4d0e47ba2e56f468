import { hash64, Random, randomPurpose } from '../linalg';
import { type Direction, isMoving, type ParameterShapes, type ParameterValues, sliceLength } from './parameters';

export interface DirectionOptions {
  /** Default 0. Of one seed a tensor of one name and shape gets the same Gaussian numbers, whatever model it is in. */
  readonly seed?: number;
  /** Which parameters move. Default `isMoving`. */
  readonly moves?: (name: string, shape: readonly number[]) => boolean;
  /** Throws when the work was cancelled. */
  readonly checkpoint?: () => void;
}

/**
 * Two random directions through a model (Li et al. 2018): Gaussian, each slice along axis 0 as long as that slice of the model, the second made orthogonal
 * to the first, which the reference leaves out. Parameters that do not move (one axis: biases and norms; tables of positions and tokens) are not named.
 * @throws {RangeError} when nothing moves, or a tensor's values do not fit its shape
 */
export function filterNormalisedDirections(weights: ParameterValues, shapes: ParameterShapes, options: DirectionOptions = {}): readonly [Direction, Direction] {
  const { seed = 0, moves = isMoving, checkpoint } = options;
  const [first, second] = [new Map<string, Float32Array>(), new Map<string, Float32Array>()];
  for (const [name, shape] of shapes) {
    const values = weights.get(name);
    if (values === undefined || !moves(name, shape)) continue;
    for (const [axis, direction] of [first, second].entries()) {
      const noise = gaussian(values.length, new Random(randomPurpose.directions, seed, axis, hash64(...new TextEncoder().encode(name))), checkpoint);
      direction.set(name, normaliseFilters(noise, values, shape));
    }
  }
  if (first.size === 0) throw new RangeError('The model has no parameter with two axes or more to move along.');
  orthogonalise(first, second, checkpoint);
  return [first, second];
}

/**
 * Scales each slice along axis 0 of a direction, in place, to the length of that slice of the weights.
 * @throws {RangeError} when the lengths do not fit the shape
 */
export function normaliseFilters(direction: Float32Array, weights: Float32Array, shape: readonly number[]): Float32Array {
  const length = shape.reduce((product, size) => product * size, 1);
  if (direction.length !== length || weights.length !== length) {
    throw new RangeError(`A tensor of the shape [${shape.join(', ')}] has ${length} values, not ${weights.length} with a direction of ${direction.length}.`);
  }
  const filters = shape[0] ?? 1;
  const size = length / filters;
  for (let start = 0; start < length; start += size) {
    let [ours, own] = [0, 0];
    for (let i = start; i < start + size; i++) {
      ours += direction[i]! * direction[i]!;
      own += weights[i]! * weights[i]!;
    }
    const scale = ours === 0 ? 0 : Math.sqrt(own / ours);
    for (let i = start; i < start + size; i++) direction[i] = direction[i]! * scale;
  }
  return direction;
}

/** Takes from the second direction, in place, its share along the first. */
export function orthogonalise(first: Direction, second: Direction, checkpoint?: () => void): void {
  const own = innerProduct(first, first, checkpoint);
  if (own === 0) return;
  const share = innerProduct(first, second, checkpoint) / own;
  for (const [name, values] of second) {
    checkpoint?.();
    const other = first.get(name);
    if (other === undefined) continue;
    for (let i = 0; i < values.length; i++) values[i] = values[i]! - share * other[i]!;
  }
}

/** Over all tensors that both name. */
export function innerProduct(first: Direction, second: Direction, checkpoint?: () => void): number {
  let sum = 0;
  for (const [name, values] of first) {
    checkpoint?.();
    const other = second.get(name);
    if (other === undefined) continue;
    for (let i = 0; i < values.length; i++) sum += values[i]! * other[i]!;
  }
  return sum;
}

/** From one model to another: the model at 1 is the other. @throws {RangeError} naming a tensor that one of them lacks, or that differs in length. */
export function directionBetween(from: ParameterValues, to: ParameterValues): Direction {
  const direction = new Map<string, Float32Array>();
  for (const [name, values] of from) {
    const other = to.get(name);
    if (other?.length !== values.length) throw new RangeError(`There is no straight line between models of which one has ${name} with ${values.length} values and the other with ${other?.length ?? 'none'}.`);
    direction.set(name, other.map((value, i) => value - values[i]!));
  }
  return direction;
}

function gaussian(length: number, random: Random, checkpoint?: () => void): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    if (i % sliceLength === 0) checkpoint?.();
    values[i] = random.gaussian();
  }
  return values;
}
