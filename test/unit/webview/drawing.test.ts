import { describe, expect, it } from 'vitest';
import { decimate } from '../../../webview-ui/src/charts/decimate';
import { columnAt, makeSharedAxis, nearestColumn, zoomBy } from '../../../webview-ui/src/charts/sharedAxis';
import { cividis, diverging, makeColorScale, type Rgb } from '../../../webview-ui/src/colorScale';
import { distinctPart, formatValue, shortenMiddle } from '../../../webview-ui/src/format';

/** CIE lightness of an sRGB colour, 0 to 100. */
function lightness([red, green, blue]: Rgb): number {
  const linear = (channel: number): number => (channel <= 10 ? channel / 255 / 12.92 : ((channel / 255 + 0.055) / 1.055) ** 2.4);
  const y = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  return y > 216 / 24389 ? 116 * Math.cbrt(y) - 16 : (y * 24389) / 27;
}

describe('the colour scales', () => {
  const steps = Array.from({ length: 21 }, (_, i) => i / 20);

  it('cividis begins and ends where the published table does', () => {
    // matplotlib 3: 0 -> (0, 34, 78), 0.5 -> (125, 124, 120), 1 -> (254, 232, 56)
    for (const [t, published] of [[0, [0, 34, 78]], [0.5, [125, 124, 120]], [1, [254, 232, 56]]] as const) {
      cividis(t).forEach((channel, i) => expect(Math.abs(channel - published[i]!)).toBeLessThan(15));
    }
  });

  it('cividis grows lighter in even steps', () => {
    const light = steps.map((t) => lightness(cividis(t)));
    const differences = light.slice(1).map((one, i) => one - light[i]!);
    expect(Math.min(...differences)).toBeGreaterThan(2);
    expect(Math.max(...differences)).toBeLessThan(6);
  });

  it.each([true, false])('the diverging scale leaves a neutral zero evenly on both sides (dark: %s)', (dark) => {
    const [red, green, blue] = diverging(0, dark);
    expect(Math.max(red, green, blue) - Math.min(red, green, blue)).toBeLessThanOrEqual(1);
    for (const sign of [-1, 1]) {
      const away = steps.map((t) => Math.abs(lightness(diverging(sign * t, dark)) - lightness(diverging(0, dark))));
      away.slice(1).forEach((one, i) => expect(one).toBeGreaterThan(away[i]!));
    }
    expect(diverging(-1, dark)[2]).toBeGreaterThan(diverging(-1, dark)[0]);
    expect(diverging(1, dark)[0]).toBeGreaterThan(diverging(1, dark)[2]);
  });

  it('reach equally far on both sides of zero for gaps', () => {
    const scale = makeColorScale(-0.1, 1.5, { aroundZero: true, dark: true });
    expect([scale.low, scale.high]).toEqual([-1.5, 1.5]);
    expect(scale.color(0)).toEqual(diverging(0, true));
  });

  it('stand without a value and with a single one', () => {
    expect(makeColorScale(Infinity, -Infinity, { aroundZero: false, dark: true })).toMatchObject({ low: 0, high: 1 });
    expect(makeColorScale(2, 2, { aroundZero: false, dark: true }).color(2)).toEqual(cividis(0.5));
    expect(makeColorScale(0, 0, { aroundZero: true, dark: true }).color(0)).toEqual(diverging(0, true));
  });
});

describe('the shared axis', () => {
  const checkpoints = [0, 1, 4, 16, 64, 600];

  it.each(['linear', 'log'] as const)('maps places there and back, and gives every checkpoint the room to its next (%s)', (kind) => {
    const axis = makeSharedAxis({ kind, checkpoints, logs: null, zoom: null });
    for (const at of checkpoints) expect(axis.fromAxis(axis.toAxis(at))).toBeCloseTo(at, 9);
    checkpoints.forEach((at, column) => {
      expect(axis.edges[column]).toBe(axis.toAxis(at));
      expect(columnAt(axis.edges, axis.toAxis(at) + 1e-9)).toBe(column);
    });
    expect(axis.edges.at(-1)).toBeGreaterThan(axis.toAxis(600));
    expect(axis.fullMax).toBe(axis.edges.at(-1));
  });

  it('has a place for checkpoint 0 on the log axis, and for steps that begin late', () => {
    expect(makeSharedAxis({ kind: 'log', checkpoints, logs: null, zoom: null }).toAxis(0)).toBe(0);
    const late = makeSharedAxis({ kind: 'log', checkpoints: [5000, 10000, 80000], logs: null, zoom: null });
    expect(late.toAxis(10000) - late.toAxis(5000)).toBeGreaterThan(0.2 * (late.toAxis(80000) - late.toAxis(5000)) * 0.5);
  });

  it('reaches as far as the log does', () => {
    expect(makeSharedAxis({ kind: 'linear', checkpoints: [0, 10], logs: { min: 0, max: 50 }, zoom: null }).fullMax).toBe(50);
  });

  it('stands with one checkpoint and with none', () => {
    const one = makeSharedAxis({ kind: 'log', checkpoints: [7], logs: null, zoom: null });
    expect(one.max).toBeGreaterThan(one.min);
    expect(one.ticks(200)).toEqual([7]);
    const none = makeSharedAxis({ kind: 'linear', checkpoints: [], logs: null, zoom: null });
    expect(columnAt(none.edges, 0)).toBe(-1);
    expect(none.max).toBeGreaterThan(none.min);
  });

  it.each(['linear', 'log'] as const)('labels without crowding (%s)', (kind) => {
    const axis = makeSharedAxis({ kind, checkpoints: Array.from({ length: 200 }, (_, i) => i * 3), logs: null, zoom: null });
    const pixels = axis.ticks(190).map((at) => ((axis.toAxis(at) - axis.min) / (axis.max - axis.min)) * 190);
    expect(pixels.length).toBeGreaterThanOrEqual(3);
    pixels.slice(1).forEach((one, i) => expect(one - pixels[i]!).toBeGreaterThanOrEqual(20));
  });

  it('goes to the nearer of two checkpoints', () => {
    const axis = makeSharedAxis({ kind: 'linear', checkpoints: [0, 10, 20], logs: null, zoom: null });
    expect([4, 6, 99].map((at) => nearestColumn(axis.edges, at))).toEqual([0, 1, 2]);
  });

  it('zooms around a place and out to the whole', () => {
    const axis = makeSharedAxis({ kind: 'linear', checkpoints: [0, 50, 100], logs: null, zoom: null });
    const half = zoomBy(axis, 0.5, 50)!;
    expect(half.max - half.min).toBeCloseTo((axis.fullMax - axis.fullMin) / 2);
    expect(half.min).toBeLessThan(50);
    expect(half.max).toBeGreaterThan(50);
    expect(zoomBy(axis, 2, 50)).toBeNull();
  });
});

describe('decimation', () => {
  const thin = (values: readonly number[], buckets: number, window: { min?: number; max?: number } = {}) =>
    decimate(values.length, (i) => i, (i) => values[i] ?? NaN, { min: 0, max: values.length - 1, ...window, buckets });

  it('keeps every point while there are few', () => {
    expect(thin([1, 2, 3], 100)).toEqual([{ x: 0, y: 1 }, { x: 1, y: 2 }, { x: 2, y: 3 }]);
  });

  it('loses no spike among a hundred thousand points', () => {
    const values = Array.from({ length: 100_000 }, (_, i) => Math.sin(i / 500));
    values[43_210] = 99;
    values[43_211] = -99;
    const points = thin(values, 300);
    expect(points.length).toBeLessThanOrEqual(4 * 301);
    expect(points.map((point) => point.y)).toEqual(expect.arrayContaining([99, -99]));
    points.slice(1).forEach((point, i) => expect(point.x).toBeGreaterThanOrEqual(points[i]!.x));
  });

  it('leaves a gap where a value is not finite', () => {
    expect(thin([1, NaN, 3], 100).map((point) => point.y)).toEqual([1, NaN, 3]);
  });

  it('keeps one neighbour on either side of a window, so that lines run out of the picture', () => {
    expect(thin([0, 1, 2, 3, 4, 5, 6, 7], 10, { min: 3, max: 4 }).map((point) => point.x)).toEqual([2, 3, 4, 5]);
  });
});

describe('texts', () => {
  it('show four significant digits with a true minus', () => {
    expect([0, 14.12345, -0.043218, 1234567, 1.5e-7].map(formatValue)).toEqual(['0', '14.12', '\u22120.04322', '1,235,000', '1.5E\u22127']);
  });

  it('leave out what all layers share', () => {
    const own = distinctPart(['backbone.stage0.conv', 'backbone.stage1.conv']);
    expect(own('backbone.stage1.conv')).toBe('stage1');
    expect(distinctPart(['only.one'])('only.one')).toBe('only.one');
    expect(distinctPart(['a.b', 'a.b.c'])('a.b.c')).toBe('b.c');
  });

  it('shorten a long name in the middle and keep its end', () => {
    expect(shortenMiddle('layer4.0.conv2', (text) => text.length <= 9)).toBe('la\u2026.conv2');
  });
});
