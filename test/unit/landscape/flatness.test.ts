import { describe, expect, it } from 'vitest';
import { convexComponent, curvatureAt, interpolate, roughnessOf, sharpnessOf, widthsOf } from '../../../src/landscape';
import { gridOf, surfaceOf } from './bowls';

describe('Curvature of a surface', () => {
  it('is that of a bowl with a known Hessian, wherever on the grid', () => {
    // Hessian [[6, 2], [2, 3]]: eigenvalues 7 and 2.
    const grid = gridOf(9, (x, y) => 1 + 3 * x * x + 2 * x * y + 1.5 * y * y);
    for (const [column, row] of [[4, 4], [1, 1], [7, 3]] as const) {
      const { smallest, largest } = curvatureAt(grid, column, row)!;
      expect(smallest).toBeCloseTo(2, 9);
      expect(largest).toBeCloseTo(7, 9);
    }
    expect(curvatureAt(grid, 0, 4)).toBeNull();
    expect(surfaceOf(grid).flatness!.eigenvalueRatio).toBeCloseTo(2 / 7, 9);
  });

  it('takes the steps of both axes into account', () => {
    const [x, y] = [[-1, 0, 1], [-0.1, 0, 0.1]];
    const { smallest, largest } = curvatureAt({ x, y, loss: y.flatMap((b) => x.map((a) => a * a + 5 * b * b + a * b)) }, 1, 1)!;
    expect([smallest, largest]).toEqual([expect.closeTo(6 - Math.hypot(4, 1), 9), expect.closeTo(6 + Math.hypot(4, 1), 9)]);
  });
});

describe('The convex component', () => {
  it('is everything inside a bowl and nothing on a saddle', () => {
    expect(surfaceOf(gridOf(7, (x, y) => 1 + x * x + y * y)).flatness!.convexArea).toBe(1);
    const saddle = surfaceOf(gridOf(7, (x, y) => 1 + x * x - y * y));
    expect(saddle.flatness!.convexArea).toBe(0);
    expect(saddle.flatness!.eigenvalueRatio).toBeCloseTo(1, 9);
    expect(saddle.convex).toEqual(Array.from({ length: 49 }, () => false));
  });

  it('is everything where the loss is constant up to float32', () => {
    expect(surfaceOf(gridOf(7, (x, y) => Math.fround(0.7 + 2 ** -25 * Math.sin(99 * x + 7 * y)))).flatness!.convexArea).toBe(1);
  });

  it('leaves out a convex ring that a concave one separates from the origin', () => {
    // cos(4 pi r) falls convexly around r = 1/4 and 3/4 and is concave around 1/2: as a function of x alone.
    const grid = gridOf(41, (x) => -Math.cos(4 * Math.PI * x));
    const { points, area } = convexComponent(grid, 20, 20);
    const middle = points.slice(20 * 41, 21 * 41);
    // -cos is convex while |4 pi x| < pi / 2; the second trough around x = 1/2 is not connected.
    expect(grid.x.filter((_, column) => middle[column])).toEqual(grid.x.filter((x) => Math.abs(x) < 1 / 8));
    expect(area).toBeCloseTo((5 * 39) / 39 ** 2, 12);
  });

  it('of a ring-shaped valley is nothing, as its middle is a hill', () => {
    expect(surfaceOf(gridOf(21, (x, y) => (Math.hypot(x, y) - 0.5) ** 2)).flatness!.convexArea).toBe(0);
  });
});

describe('Between the points', () => {
  it('a quadratic is exact, also beside the border', () => {
    const formula = (x: number, y: number) => 2 + x - 3 * y + 4 * x * x + x * y - y * y;
    const grid = gridOf(5, formula);
    for (const [x, y] of [[0.1, 0.2], [-0.9, 0.95], [1, -1], [0.5, 0]] as const) expect(interpolate(grid, x, y)).toBeCloseTo(formula(x, y), 12);
    expect(interpolate(grid, 1.1, 0)).toBeNull();
  });

  it('beside an unknown point it is bilinear, and unknown in its cells', () => {
    const grid = gridOf(9, (x, y) => (x === 1 && y === 1 ? null : x));
    expect(interpolate(grid, 0.6, 0.6)).toBeCloseTo(0.6, 12);
    expect(interpolate(grid, 0.9, 0.9)).toBeNull();
  });
});

describe('Width', () => {
  it('of a round bowl is the radius at which the loss is a tenth higher', () => {
    // 1 + 2.5 r^2 = 1.1 at r = 0.2.
    const widths = widthsOf(gridOf(11, (x, y) => 1 + 2.5 * (x * x + y * y)), 1)!;
    expect(widths.mean).toBeCloseTo(0.2, 6);
    expect(widths.minimum).toBeCloseTo(0.2, 6);
    expect(widths.open).toBe(0);
  });

  it('of a long bowl is smallest across it', () => {
    const widths = widthsOf(gridOf(21, (x, y) => 1 + 10 * x * x + 0.4 * y * y), 1)!;
    expect(widths.minimum).toBeCloseTo(0.1, 6);
    expect(widths.mean).toBeGreaterThan(0.1);
    expect(widths.mean).toBeLessThan(0.5);
  });

  it('reaches to the end of the range where the loss does not rise, and a warning says so', () => {
    const surface = surfaceOf(gridOf(5, () => 1, 0.5));
    expect(surface.flatness).toMatchObject({ widthMean: 0.5, widthMinimum: 0.5, roughness: 0, convexArea: 1, eigenvalueRatio: null });
    expect(surface.warnings).toEqual([expect.stringContaining('Along 64 of 64 rays')]);
  });

  it('counts losses that are not finite as high, and has no value where the loss of the model is 0', () => {
    const widths = widthsOf(gridOf(9, (x) => (Math.abs(x) > 0.6 ? null : 1)), 1)!;
    expect(widths.minimum).toBeCloseTo(0.5, 6);
    expect(widthsOf(gridOf(5, (x) => x * x), 0)).toBeNull();
  });
});

describe('Sharpness and roughness', () => {
  it('sharpness of a bowl is its rise over a tenth, relative to one more than its loss', () => {
    expect(sharpnessOf(gridOf(21, (x, y) => 3 + 8 * (x * x + y * y)), 3)).toBeCloseTo(0.08 / 4, 9);
  });

  it('sharpness is 0 on a hilltop and has no value on a coarse grid', () => {
    expect(sharpnessOf(gridOf(21, (x, y) => 3 - x * x - y * y), 3)).toBe(0);
    expect(sharpnessOf(gridOf(11, (x) => x * x), 0)).toBeNull();
  });

  it('roughness of any quadratic is 0, of a wave it is the deviation over the range', () => {
    expect(roughnessOf(gridOf(9, (x, y) => 100 + x - y + 3 * x * x - 2 * x * y + y * y))).toBeCloseTo(0, 9);
    // +1 and -1 in turn are nearly orthogonal to all quadratics: deviation 1, range 2.
    const place = (value: number) => Math.round(value * 20);
    expect(roughnessOf(gridOf(41, (x, y) => (place(x) + place(y)) % 2 === 0 ? 1 : -1))).toBeCloseTo(0.5, 3);
  });
});

describe('A surface', () => {
  it('that is unfinished has a minimum and no flatness', () => {
    const surface = surfaceOf(gridOf(5, (x, y) => (x > 0 ? null : 2 + x + y * y)), {}, false);
    expect(surface).toMatchObject({ minimum: { x: -1, y: 0, loss: 1 }, flatness: null, convex: [], warnings: [] });
  });

  it('with losses that are not finite says how many', () => {
    const surface = surfaceOf(gridOf(5, (x) => (x === 1 ? Infinity : 1 + x * x)));
    expect(surface.loss.filter((value) => value === null)).toHaveLength(5);
    expect(surface.warnings[0]).toBe('5 of 25 losses are not finite.');
  });

  it('in the plane of a trajectory has no radii', () => {
    const { flatness } = surfaceOf(gridOf(25, (x, y) => 1 + x * x + y * y), { directions: 'trajectory' });
    expect(flatness).toMatchObject({ convexArea: 1, widthMean: null, widthMinimum: null, sharpness: null });
    expect(flatness!.roughness).toBeCloseTo(0, 9);
  });

  it('on an uneven grid has no flatness and says why', () => {
    const axis = [-1, 0, 0.5];
    const surface = surfaceOf({ x: axis, y: axis, loss: axis.flatMap((y) => axis.map((x) => 1 + x * x + y * y)) });
    expect(surface).toMatchObject({ flatness: null, minimum: { x: 0, y: 0, loss: 1 }, warnings: [expect.stringContaining('not evenly spaced')] });
  });

  it('without a point at the model itself has no flatness and says why', () => {
    const axis = [0.5, 1, 1.5];
    const surface = surfaceOf({ x: axis, y: axis, loss: axis.flatMap((y) => axis.map((x) => x * y)) });
    expect(surface.flatness).toBeNull();
    expect(surface.warnings[0]).toContain('No point of the grid is the model itself');
  });
});
