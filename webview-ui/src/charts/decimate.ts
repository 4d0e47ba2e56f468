export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * At most four points a bucket: first, smallest, largest and last, in the order of the log, so that no spike is lost.
 * A place without a finite value leaves a gap. Points outside the window are dropped, except the nearest on either side.
 * @param count number of points
 * @param x axis coordinate of a point, NaN when it has no place
 * @param y its value, NaN when it has none
 */
export function decimate(
  count: number,
  x: (index: number) => number,
  y: (index: number) => number,
  window: { readonly min: number; readonly max: number; readonly buckets: number },
): Point[] {
  const width = (window.max - window.min) / window.buckets;
  const points: Point[] = [];
  const push = (index: number): void => {
    points.push({ x: x(index), y: y(index) });
  };
  let bucket = NaN;
  let first = -1;
  let last = -1;
  let smallest = -1;
  let largest = -1;
  let gap: number | null = null;
  const flush = (): void => {
    if (first >= 0) for (const index of [...new Set([first, smallest, largest, last])].sort((a, b) => a - b)) push(index);
    if (gap !== null) points.push({ x: gap, y: NaN });
    first = -1;
    gap = null;
  };
  let before = -1;
  for (let i = 0; i < count; i++) {
    const place = x(i);
    if (Number.isNaN(place)) continue;
    if (place < window.min) {
      before = i;
      continue;
    }
    if (before >= 0) {
      push(before);
      before = -1;
    }
    const own = place > window.max ? window.buckets : Math.floor((place - window.min) / width);
    if (own !== bucket) {
      flush();
      if (bucket === window.buckets) return points;
      bucket = own;
    }
    const value = y(i);
    if (Number.isNaN(value)) {
      gap = place;
      continue;
    }
    if (gap !== null) flush();
    if (first < 0) first = smallest = largest = i;
    last = i;
    if (value < y(smallest)) smallest = i;
    if (value > y(largest)) largest = i;
    if (place > window.max) {
      flush();
      return points;
    }
  }
  flush();
  return points;
}
