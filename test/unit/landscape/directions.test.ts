import { describe, expect, it } from 'vitest';
import {
  addToGram, centredAxis, coarseToFine, combineDifferences, coveringAxis, directionBetween, filterNormalisedDirections, innerProduct, lineAxis, normaliseFilters,
  Perturbation, trajectoryPlane,
} from '../../../src/landscape';

const shapes = new Map<string, readonly number[]>([['head.weight', [3, 4]], ['head.bias', [3]], ['conv.weight', [2, 1, 2, 2]], ['pos_embed', [1, 5, 2]], ['decoder.mask_token', [1, 1, 2]]]);
const weights = new Map([...shapes].map(([name, shape]) => [name, Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(1 + 3 * i) * (i + 1))]));
const length = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));

describe('Random directions', () => {
  it('have filters as long as the model has, and leave biases, tables and tokens alone', () => {
    const [first] = filterNormalisedDirections(weights, shapes, { seed: 3 });
    expect([...first.keys()]).toEqual(['head.weight', 'conv.weight']);
    for (const [name, filters] of [['head.weight', 3], ['conv.weight', 2]] as const) {
      const size = weights.get(name)!.length / filters;
      for (let filter = 0; filter < filters; filter++) {
        const part = (values: Float32Array) => length(values.subarray(filter * size, (filter + 1) * size));
        expect(part(first.get(name)!)).toBeCloseTo(part(weights.get(name)!), 4);
      }
    }
  });

  it('are orthogonal, and the second one differs from a normalised one by a multiple of the first', () => {
    const [first, second] = filterNormalisedDirections(weights, shapes, { seed: 3 });
    expect(innerProduct(first, second) / innerProduct(first, first)).toBeCloseTo(0, 6);
    expect(innerProduct(second, second)).toBeGreaterThan(0);
  });

  it('follow from the seed and a tensor\'s name, and not from what else the model has', () => {
    const [first] = filterNormalisedDirections(weights, shapes, { seed: 3 });
    const alone = new Map([['conv.weight', shapes.get('conv.weight')!]]);
    expect(filterNormalisedDirections(weights, alone, { seed: 3 })[0].get('conv.weight')).toEqual(first.get('conv.weight'));
    expect(filterNormalisedDirections(weights, shapes, { seed: 4 })[0].get('conv.weight')).not.toEqual(first.get('conv.weight'));
  });

  it('stay still where a filter is zero, and say when nothing moves', () => {
    expect(normaliseFilters(Float32Array.of(1, 2, 3, 4), Float32Array.of(0, 0, 6, 8), [2, 2])).toEqual(Float32Array.of(0, 0, 6, 8));
    expect(() => filterNormalisedDirections(weights, new Map([['head.bias', [3]]]))).toThrow('no parameter with two axes');
    expect(() => normaliseFilters(Float32Array.of(1), Float32Array.of(1, 2), [2])).toThrow('has 2 values, not 2 with a direction of 1');
  });

  it('can be cancelled', () => {
    const stop = () => {
      throw new Error('stopped');
    };
    expect(() => filterNormalisedDirections(weights, shapes, { checkpoint: stop })).toThrow('stopped');
  });
});

describe('A perturbed model', () => {
  it('is theta + a delta + b eta in the same arrays at every point, and the model itself at the origin', () => {
    const origin = new Map([['a', Float32Array.of(1, 2)], ['b', Float32Array.of(5)], ['c', Float32Array.of(7)]]);
    const model = new Perturbation(origin, new Map([['a', Float32Array.of(1, -1)]]), new Map([['a', Float32Array.of(10, 20)], ['b', Float32Array.of(1)]]));
    const there = model.at(0.5, 2);
    expect([...there.values()].map((values) => [...values])).toEqual([[21.5, 41.5], [7], [7]]);
    const array = there.get('a');
    const back = model.at(0, 0);
    expect(back.get('a')).toBe(array);
    expect([...back.get('a')!, ...back.get('b')!]).toEqual([1, 2, 5]);
    expect(back.get('c')).toBe(origin.get('c'));
    expect([...origin.get('a')!]).toEqual([1, 2]);
  });

  it('of a line ends at the other model', () => {
    const [from, to] = [new Map([['a', Float32Array.of(1, 2)]]), new Map([['a', Float32Array.of(3, -1)]])];
    expect([...new Perturbation(from, directionBetween(from, to)).at(1).get('a')!]).toEqual([3, -1]);
    expect(() => directionBetween(from, new Map([['a', Float32Array.of(1)]]))).toThrow('a with 2 values');
  });

  it('refuses directions of another model', () => {
    expect(() => new Perturbation(new Map([['a', Float32Array.of(1)]]), new Map([['b', Float32Array.of(1)]]))).toThrow('moves 1 values of b');
  });
});

describe('A grid', () => {
  it('has exactly 0 in its middle', () => {
    expect(centredAxis(5, 0.3)).toEqual([-0.3, -0.15, 0, 0.15, 0.3]);
    expect(() => centredAxis(4, 1)).toThrow('odd number');
    expect(() => centredAxis(5, 0)).toThrow('positive, not 0');
  });

  it('of a coarser surface is part of that of a finer one', () => {
    const fine = centredAxis(25, 1);
    for (const coarse of [3, 5, 7, 9, 13]) expect(centredAxis(coarse, 1).every((value) => fine.includes(value))).toBe(true);
  });

  it('is filled from the model outwards, coarse to fine, every point once', () => {
    for (const [columns, rows] of [[25, 25], [7, 5], [9, 1], [3, 3]] as const) {
      const order = coarseToFine(columns, rows);
      expect(new Set(order.map(String)).size).toBe(columns * rows);
      expect(order).toHaveLength(columns * rows);
      expect(order[0]).toEqual([(columns - 1) / 2, (rows - 1) / 2]);
    }
    expect(coarseToFine(25, 25).slice(0, 9).every(([column, row]) => column % 8 === 4 && row % 8 === 4)).toBe(true);
    expect(new Set(coarseToFine(8, 6, 7, 2).map(String)).size).toBe(48);
  });

  it('over a trajectory covers it and has a point at 0', () => {
    for (const points of [4, 5, 11]) {
      const axis = coveringAxis([-3, -1, 0.2], points);
      expect(axis).toHaveLength(points);
      expect(axis).toContain(0);
      expect(axis[0]!).toBeLessThan(-3);
      expect(axis.at(-1)!).toBeGreaterThan(0.2);
    }
  });

  it('of a line has both models among its points', () => {
    const axis = lineAxis(11, 0.5);
    expect(axis).toHaveLength(11);
    expect([axis[0], axis.at(-1)]).toEqual([-0.5, 1.5]);
    expect(axis).toEqual(expect.arrayContaining([0, 1]));
  });
});

describe('The plane of a trajectory', () => {
  /** Checkpoints in a known plane of a space of six dimensions, in two tensors. */
  const places = [[-4, 1], [-3, -1], [-1, -0.5], [0, 0]] as const;
  const [u, v] = [[0.5, 0.5, 0.5, 0.5, 0, 0], [0, 0, 0, 0, 0.6, 0.8]] as const;
  const tensors = [[0, 4], [4, 6]].map(([start, end]) => places.map(([a, b]) => Float32Array.from(u.slice(start, end).map((value, i) => 2 + a * value + b * v.slice(start, end)[i]!))));

  function planeOf() {
    const gram = { rows: 4, columns: 4, data: new Float64Array(16) };
    for (const tensor of tensors) addToGram(gram, tensor);
    return trajectoryPlane(gram);
  }

  it('keeps the distances between checkpoints and explains all of them', () => {
    const plane = planeOf();
    expect(plane.explained[0] + plane.explained[1]).toBeCloseTo(1, 6);
    expect(plane.places[3]).toEqual({ x: 0, y: 0 });
    places.forEach(([a, b], i) => {
      places.forEach(([c, d], j) => {
        const [p, q] = [plane.places[i]!, plane.places[j]!];
        expect(Math.hypot(p.x - q.x, p.y - q.y)).toBeCloseTo(Math.hypot(a - c, b - d), 5);
      });
    });
  });

  it('has unit directions that lead from the last checkpoint to the places of the others', () => {
    const { coefficients, places: found } = planeOf();
    const [first, second] = coefficients.map((each) => tensors.map((tensor) => combineDifferences(tensor, each)));
    expect(length(first!.flatMap((values) => [...values]))).toBeCloseTo(1, 5);
    expect(length(second!.flatMap((values) => [...values]))).toBeCloseTo(1, 5);
    tensors.forEach((tensor, t) => {
      const there = tensor[3]!.map((value, k) => value + found[0]!.x * first![t]![k]! + found[0]!.y * second![t]![k]!);
      there.forEach((value, k) => expect(value).toBeCloseTo(tensor[0]![k]!, 5));
    });
  });

  it('needs three checkpoints that are not on one line', () => {
    expect(() => trajectoryPlane({ rows: 2, columns: 2, data: new Float64Array(4) })).toThrow('at least 3 checkpoints, not 2');
    const gram = { rows: 3, columns: 3, data: new Float64Array(9) };
    addToGram(gram, [Float32Array.of(2, 2), Float32Array.of(1, 1), Float32Array.of(0, 0)]);
    expect(() => trajectoryPlane(gram)).toThrow('on one line');
  });
});
