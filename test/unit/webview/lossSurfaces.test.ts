import { describe, expect, it } from 'vitest';
import type { LandscapeSurface } from '../../../src/protocol';
import { between as betweenCameras, firstCamera, keyTurn, near, parseCamera, turn } from '../../../webview-ui/src/lossSurfaces/camera';
import { contourDrawing, convexOutline } from '../../../webview-ui/src/lossSurfaces/contours';
import { between, fromGrid, lossAt, makeGrid, toGrid } from '../../../webview-ui/src/lossSurfaces/grid';
import { lossRange, makeHeightScale, suitableHeight, whyNotLog } from '../../../webview-ui/src/lossSurfaces/heightScale';
import { makePlotArea, pathOf } from '../../../webview-ui/src/lossSurfaces/plotArea';
import { compare, differences, summarize, titleOf } from '../../../webview-ui/src/lossSurfaces/summary';
import { boxHeight, checkpointPlace, surfaceMesh, toBox } from '../../../webview-ui/src/lossSurfaces/surfaceMesh';
import { makeSurfaceModels } from '../../../webview-ui/src/lossSurfaces/surfaceModel';
import { factsTable, linesTable, surfaceTable } from '../../../webview-ui/src/lossSurfaces/tables';

const axis = Array.from({ length: 21 }, (_, index) => (index - 10) / 10);

/** x^2 + 4 y^2 + 1 on [-1, 1] squared: contours are ellipses around the origin. */
function bowl(change: Partial<LandscapeSurface> = {}, f = (x: number, y: number): number | null => x * x + 4 * y * y + 1): LandscapeSurface {
  return {
    name: 'bowl', file: '/runs/a/bowl.npz', epoch: null, step: null,
    setting: { loss: 'mae', images: 64, data: 'digits', seed: 0, range: 1, directions: 'random' },
    x: axis, y: axis,
    loss: axis.flatMap((y) => axis.map((x) => f(x, y))),
    convex: [], minimum: { x: 0, y: 0, loss: 1 }, flatness: null, trajectory: [], warnings: [],
    ...change,
  };
}

describe('the grid', () => {
  it('finds places on an axis that is not even, and back', () => {
    const uneven = [-1, 0, 3];
    expect(toGrid(uneven, 1.5)).toBe(1.5);
    expect(fromGrid(uneven, 1.5)).toBe(1.5);
    expect(toGrid(uneven, 3)).toBe(2);
    expect(toGrid(uneven, 3.1)).toBeNull();
    expect(fromGrid(uneven, -4)).toBe(-1);
  });

  it('interpolates between points and says nothing outside', () => {
    const grid = makeGrid(bowl({}, (x, y) => 2 * x - y));
    expect(lossAt(grid, 0.25, -0.43)).toBeCloseTo(0.93, 12);
    expect(lossAt(grid, 1, 1)).toBeCloseTo(1, 12);
    expect(lossAt(grid, 1.01, 0)).toBeNaN();
  });

  it('fills what lies between the points of a coarse grid, the finest known first', () => {
    const size = { columns: 5, rows: 5 };
    const known = Float64Array.from({ length: 25 }, (_, index) => {
      const [column, row] = [index % 5, Math.floor(index / 5)];
      if (column === 2 && row === 2) return 100;
      return column % 4 === 0 && row % 4 === 0 ? column + row : column % 2 === 0 && row % 2 === 0 && column <= 2 && row <= 2 ? 10 : NaN;
    });
    const filled = between(known, size);
    // In the finer corner: the mean of 0, 10, 10 and 100; elsewhere between the four outer corners 0, 4, 4, 8.
    expect(filled[6]).toBe(30);
    expect(filled[3 * 5 + 3]).toBe(6);
    expect([...filled].some(Number.isNaN)).toBe(false);
    expect(known[6]).toBeNaN();
  });

  it('leaves a hole where an imported or finished surface has no finite loss', () => {
    const holed = bowl({}, (x, y) => (x === 0 && y === 0 ? null : 1));
    expect(makeGrid({ ...holed, setting: { ...holed.setting, directions: 'imported' } }).drawn[220]).toBeNaN();
    expect(makeGrid({ ...holed, convex: holed.loss.map(() => false) }).unfinished).toBe(false);
    expect(makeGrid(holed).drawn[220]).toBe(1);
  });
});

describe('the height scale', () => {
  it('has round levels strictly inside of the losses, linear or logarithmic', () => {
    expect(makeHeightScale('linear', { low: 1, high: 5 }).levels).toEqual([1.5, 2, 2.5, 3, 3.5, 4, 4.5]);
    expect(makeHeightScale('log', { low: 0.05, high: 15 }).levels).toEqual([0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10]);
    expect(makeHeightScale('log', { low: 1e-8, high: 1e8 }).levels.length).toBeLessThanOrEqual(12);
    expect(makeHeightScale('log', { low: 2.2, high: 2.32 }).levels.every((level) => level > 2.2 && level < 2.32)).toBe(true);
  });

  it('is linear where a loss has no logarithm, and says why', () => {
    expect(makeHeightScale('log', { low: -1, high: 3 }).kind).toBe('linear');
    expect(whyNotLog(-1)).toContain('the lowest is -1');
    expect(whyNotLog(0.1)).toBeNull();
    expect(suitableHeight({ low: 0.05, high: 15 })).toBe('log');
    expect(suitableHeight({ low: 1, high: 5 })).toBe('linear');
  });

  it('takes its range from all surfaces and leaves out what is not there', () => {
    expect(lossRange([[1, null, 4], [0.5, NaN, 2]])).toEqual({ low: 0.5, high: 4 });
    expect(lossRange([[null], []])).toBeNull();
  });

  it('goes from 0 to 1 and back on both kinds', () => {
    for (const kind of ['linear', 'log'] as const) {
      const scale = makeHeightScale(kind, { low: 0.1, high: 10 });
      expect([scale.unit(0.1), scale.unit(10)]).toEqual([0, 1]);
      expect(scale.loss(scale.unit(3))).toBeCloseTo(3, 12);
    }
    expect(makeHeightScale('log', { low: 0.1, high: 10 }).unit(1)).toBeCloseTo(0.5, 12);
  });

  it('gives the middle of a band the colour of the band, so that the surface and the contours agree', () => {
    const scale = makeHeightScale('linear', { low: 1, high: 5 });
    for (const [band, loss] of [[0, 1.25], [3, 2.75], [7, 4.75]] as const) {
      expect(scale.band(loss)).toBe(band);
      expect(`rgb(${scale.color(loss).join(',')})`).toBe(scale.bandColor(band));
    }
  });

  it('holds when all losses are the same', () => {
    const flat = makeHeightScale('log', { low: 2, high: 2 });
    expect(flat.levels).toEqual([]);
    expect(flat.unit(2)).toBe(0);
  });
});

describe('contours', () => {
  it('follow the level through the whole surface', () => {
    const grid = makeGrid(bowl());
    const scale = makeHeightScale('linear', { low: 1, high: 6 });
    const { lines } = contourDrawing(grid, scale);
    expect(new Set(lines.map(({ level }) => level))).toEqual(new Set(scale.levels));
    for (const { level, places } of lines) {
      for (const [x, y] of places) expect(x * x + 4 * y * y + 1).toBeCloseTo(level, 1);
    }
  });

  it('are closed inside and end at the edge', () => {
    const { lines } = contourDrawing(makeGrid(bowl()), makeHeightScale('linear', { low: 1, high: 6 }));
    const inner = lines.filter(({ level }) => level === 1.5);
    expect(inner).toHaveLength(1);
    expect(inner[0]?.places[0]).toEqual(inner[0]?.places.at(-1));
    const outer = lines.filter(({ level }) => level === 4);
    // 4 = x^2 + 4 y^2 + 1 meets x = -1 and x = 1 above and below.
    expect(outer).toHaveLength(2);
    for (const { places } of outer) expect([places[0], places.at(-1)].map((place) => Math.abs(place?.[0] ?? 0))).toEqual([1, 1]);
  });

  it('stay away from points without a value, and do not surround them', () => {
    const hole = (x: number, y: number): boolean => x === 0.5 && y === 0;
    const surface = bowl({ setting: { ...bowl().setting, directions: 'imported' } }, (x, y) => (hole(x, y) ? null : x * x + 4 * y * y + 1));
    const { lines, bands } = contourDrawing(makeGrid(surface), makeHeightScale('linear', { low: 1, high: 6 }));
    for (const { places } of lines) for (const [x, y] of places) expect(Math.abs(x - 0.5) + Math.abs(y)).toBeGreaterThan(0.0999);
    expect(bands[0]?.level).toBeNull();
    expect(bands[0]?.rings).toHaveLength(2);
  });

  it('fill the whole surface below the first level', () => {
    const { bands } = contourDrawing(makeGrid(bowl()), makeHeightScale('linear', { low: 1, high: 6 }));
    const [ring] = bands[0]?.rings ?? [];
    for (const corner of [[-1, -1], [1, -1], [1, 1], [-1, 1]]) expect(ring).toContainEqual(corner);
  });

  it('outline the convex component half way between points inside and outside', () => {
    const surface = bowl();
    const convex = axis.flatMap((y) => axis.map((x) => Math.abs(x) <= 0.3 && Math.abs(y) <= 0.2));
    const [outline, ...more] = convexOutline(makeGrid(surface), convex);
    expect(more).toEqual([]);
    const [xs, ys] = [outline?.map(([x]) => x) ?? [], outline?.map(([, y]) => y) ?? []];
    expect([Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)].map((one) => Number(one.toFixed(6)))).toEqual([-0.35, 0.35, -0.25, 0.25]);
    expect(convexOutline(makeGrid(surface), [])).toEqual([]);
  });
});

describe('the plot area', () => {
  it('keeps units equal, puts y upwards and finds the place under a pixel', () => {
    const area = makePlotArea({ x: axis, y: axis }, 400);
    expect(area.bottom - area.top).toBe(area.right - area.left);
    expect([area.toX(-1), area.toX(1), area.toY(1), area.toY(-1)]).toEqual([area.left, area.right, area.top, area.bottom]);
    const [x, y] = area.locate(area.toX(0.3), area.toY(-0.7)) ?? [];
    expect(x).toBeCloseTo(0.3, 12);
    expect(y).toBeCloseTo(-0.7, 12);
    expect(area.locate(area.left - 1, area.top + 5)).toBeNull();
    expect(pathOf([[[-1, 1], [1, 1]]], area, false)).toBe(`M${area.left},${area.top}L${area.right},${area.top}`);
  });
});

describe('the surface in space', () => {
  it('stands in a box of fixed size, whatever its units', () => {
    const scale = makeHeightScale('linear', { low: 1, high: 6 });
    const grid = makeGrid(bowl());
    expect(toBox(grid, scale, [-1, -1], 6)).toEqual([-1, boxHeight, 1]);
    expect(toBox(grid, scale, [0, 0], 1).map((one) => one + 0)).toEqual([0, 0, 0]);
  });

  it('has two triangles a cell, fewer around a point without a value', () => {
    const scale = makeHeightScale('linear', { low: 1, high: 6 });
    expect(surfaceMesh(makeGrid(bowl()), scale).indices).toHaveLength(20 * 20 * 2 * 3);
    const holed = bowl({ setting: { ...bowl().setting, directions: 'imported' } }, (x, y) => (x === 0 && y === 0 ? null : 1));
    const mesh = surfaceMesh(makeGrid(holed), scale);
    expect(mesh.indices).toHaveLength((20 * 20 * 2 - 4) * 3);
    expect(mesh.indices.includes(220)).toBe(false);
  });

  it('puts checkpoints on the surface, and none outside of it', () => {
    const scale = makeHeightScale('linear', { low: 1, high: 6 });
    const point = { file: 'a.pt', epoch: 1, step: null, x: 1, y: 0, loss: 5 };
    expect(checkpointPlace(makeGrid(bowl()), scale, point)?.[1]).toBeCloseTo(0.2 * boxHeight, 12);
    expect(checkpointPlace(makeGrid(bowl()), scale, { ...point, x: 2 })).toBeNull();
  });

  it('shares one scale among all surfaces, and leaves lines out', () => {
    const models = makeSurfaceModels([bowl(), bowl({}, () => 9), bowl({ y: [], loss: axis.map(() => 100) })], 'linear');
    expect(models).toHaveLength(2);
    expect(models[0]?.scale).toBe(models[1]?.scale);
    expect([models[0]?.scale.low, models[0]?.scale.high]).toEqual([1, 9]);
  });
});

describe('the view', () => {
  it('turns by keys, stays above the plane and in reach, and goes back', () => {
    const right = keyTurn('ArrowRight')?.(firstCamera);
    expect(right?.azimuth).toBe(firstCamera.azimuth + 15);
    expect(turn(firstCamera, { azimuth: -90, elevation: 100, distance: 100 })).toEqual({ azimuth: 305, elevation: 90, distance: 2.5 });
    expect(keyTurn('Home')?.(turn(firstCamera, { azimuth: 77 }))).toEqual(firstCamera);
    expect(keyTurn('a')).toBeNull();
  });

  it('takes the shorter way around', () => {
    const from = { azimuth: 350, elevation: 30, distance: 1 };
    const to = { azimuth: 20, elevation: 50, distance: 1.44 };
    const middle = betweenCameras(from, to, 0.5);
    expect(middle.azimuth).toBeCloseTo(5, 9);
    expect(middle.elevation).toBeCloseTo(40, 9);
    expect(middle.distance).toBeCloseTo(1.2, 9);
    expect(near(from, to)).toBe(false);
    expect(near(to, { ...to, azimuth: 380 })).toBe(true);
  });

  it('is read from what was stored, whatever that is', () => {
    expect(parseCamera(null)).toEqual(firstCamera);
    expect(parseCamera({ azimuth: 10, elevation: 'high', distance: 99 })).toEqual({ azimuth: 10, elevation: firstCamera.elevation, distance: 2.5 });
  });
});

describe('in words', () => {
  const flatness = { convexArea: 0.25, eigenvalueRatio: null, widthMean: 0.41, widthMinimum: 0.2, sharpness: null, roughness: null };

  it('a summary says loss, reach, lowest point and flatness', () => {
    expect(summarize(bowl({ epoch: 20, flatness }))).toBe(
      'bowl, epoch 20: The loss is 1 at the model and reaches from 1 to 6. The lowest point, 1, is at the origin. ' +
        'It is convex around the origin on 25 % of the area. The loss has grown by 10 % at a distance of 0.41 on average, 0.2 where it is narrowest.',
    );
  });

  it('a summary says how far an unfinished surface is and what an imported one lacks', () => {
    const half = bowl({ minimum: null }, (x, y) => (y < 0 ? 1 - x : null));
    expect(summarize(half)).toContain('210 of 441 points are computed; between them the picture is interpolated.');
    expect(summarize({ ...half, setting: { ...half.setting, directions: 'imported' } })).toContain('231 points of 441 have no finite loss.');
    expect(summarize(bowl({}, () => null))).toBe('bowl: no point is computed yet.');
  });

  it('a title does not repeat what the name says', () => {
    expect(titleOf(bowl({ name: 'checkpoint-epoch-20.pth', epoch: 20 }))).toBe('checkpoint-epoch-20.pth');
    expect(titleOf(bowl({ name: 'epoch200', epoch: 20 }))).toBe('epoch200, epoch 20');
  });

  it('a comparison ranks, but only what compares and only numbers that all have', () => {
    const wide = bowl({ name: 'wide', flatness: { ...flatness, widthMean: 0.5 } });
    expect(compare([bowl({ flatness }), wide])).toContain('Widest basin first: wide (0.5), bowl (0.41).');
    expect(compare([bowl(), wide]).some((sentence) => sentence.startsWith('Widest'))).toBe(false);
    const other = { ...wide, setting: { ...wide.setting, seed: 1, images: 3 } };
    expect(differences([bowl(), other])).toEqual(['number of images', 'seed']);
    expect(compare([bowl({ flatness }), other])).toEqual([]);
  });

  it('tables hold every value, y downwards, and say what is missing', () => {
    const table = surfaceTable(bowl({}, (x, y) => (x === -1 && y === 1 ? null : x + 2 * y)));
    expect(table.rows).toBe(21);
    const first = table.row(0);
    expect(first.header).toBe('1');
    expect(first.cells[0]).toEqual({ text: 'not computed', words: true });
    expect(first.cells[20]?.value).toBe(3);
    expect(table.row(20).cells[0]?.value).toBe(-3);
    const line = bowl({ name: 'line', y: [], x: [0, 0.5, 1], loss: [3, null, 1] });
    expect(linesTable([line, { ...line, x: [0, 1], loss: [7, 8] }]).row(1).cells).toEqual([{ text: 'not computed', words: true }, { text: '' }]);
  });

  it('the numbers leave out what no surface has', () => {
    const labels = (surfaces: LandscapeSurface[]): string[] => Array.from({ length: factsTable(surfaces).rows }, (_, index) => factsTable(surfaces).row(index).header);
    expect(labels([bowl()])).toEqual(['loss at origin', 'lowest loss', 'lowest point', 'points computed']);
    expect(labels([bowl(), bowl({ flatness })])).toContain('mean width (10 %)');
    expect(labels([bowl({ flatness })])).not.toContain('sharpness');
  });
});
