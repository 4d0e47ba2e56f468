import type { Direction, ParameterValues } from './parameters';

/** A model in the plane (or on the line) of two directions: theta + a delta + b eta, in one buffer that every point uses again. */
export class Perturbation {
  private readonly values: ReadonlyMap<string, Float32Array>;

  /**
   * @param second left out for a line
   * @throws {RangeError} naming a tensor of a direction that the model does not have, or has in another length
   */
  constructor(
    private readonly origin: ParameterValues,
    private readonly first: Direction,
    private readonly second: Direction = new Map(),
  ) {
    for (const [name, { length }] of [...first, ...second]) {
      if (origin.get(name)?.length !== length) throw new RangeError(`A direction moves ${length} values of ${name}, of which the model has ${origin.get(name)?.length ?? 'none'}.`);
    }
    this.values = new Map([...origin].map(([name, data]) => [name, first.has(name) || second.has(name) ? data.slice() : data]));
  }

  /** The same arrays at every call, with other values in them. At (0, 0) they are those of the model, bit for bit. */
  at(a: number, b = 0, checkpoint?: () => void): ParameterValues {
    for (const [name, target] of this.values) {
      const origin = this.origin.get(name)!;
      if (target === origin) continue;
      checkpoint?.();
      const [along, across] = [this.first.get(name), this.second.get(name)];
      if (along !== undefined && across !== undefined) {
        for (let i = 0; i < target.length; i++) target[i] = origin[i]! + a * along[i]! + b * across[i]!;
      } else {
        const [one, step] = along === undefined ? [across!, b] : [along, a];
        for (let i = 0; i < target.length; i++) target[i] = origin[i]! + step * one[i]!;
      }
    }
    return this.values;
  }
}
