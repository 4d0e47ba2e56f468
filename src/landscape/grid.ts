/**
 * Coordinates from -range to range with exactly 0 in the middle.
 * @param points odd, at least 3
 * @throws {RangeError} when it is not, or the range is not positive
 */
export function centredAxis(points: number, range: number): number[] {
  if (!Number.isInteger(points) || points < 3 || points % 2 === 0) {
    throw new RangeError(`A grid has an odd number of points of at least 3, so that the model itself is one of them; not ${points}.`);
  }
  if (!(range > 0 && Number.isFinite(range))) throw new RangeError(`The range of a surface is positive, not ${range}.`);
  const half = (points - 1) / 2;
  return Array.from({ length: points }, (_, place) => (place === half ? 0 : range * ((place - half) / half)));
}

/**
 * Coordinates that hold all of the values, with some margin, and exactly 0.
 * @param points at least 4
 */
export function coveringAxis(values: readonly number[], points: number, margin = 0.1): number[] {
  if (!Number.isInteger(points) || points < 4) throw new RangeError(`A grid over a trajectory has at least 4 points on an axis, not ${points}.`);
  const [least, most] = [Math.min(0, ...values), Math.max(0, ...values)];
  const edge = margin * (most - least || 1);
  // Two points fewer than there are: moving the grid onto 0 must not uncover an end.
  const step = (most - least + 2 * edge) / (points - 2);
  const first = Math.floor((least - edge) / step);
  return Array.from({ length: points }, (_, place) => (first + place) * step);
}

/** Coordinates on the line from one model (0) to another (1), reaching beyond both by `range`. */
export function lineAxis(points: number, range: number): number[] {
  if (!Number.isInteger(points) || points < 3) throw new RangeError(`A line has at least 3 points, not ${points}.`);
  if (!(range >= 0 && Number.isFinite(range))) throw new RangeError(`A line reaches beyond its ends by 0 or more, not ${range}.`);
  const between = Array.from({ length: points }, (_, place) => -range + (place * (1 + 2 * range)) / (points - 1));
  // Both models are points of it.
  for (const end of [0, 1]) {
    const nearest = between.reduce((best, value, place) => (Math.abs(value - end) < Math.abs(between[best]! - end) ? place : best), 0);
    between[nearest] = end;
  }
  return between;
}

/** Whether all steps of an axis are equal, to within a thousandth. */
export function isEven(axis: readonly number[]): boolean {
  const step = (axis.at(-1)! - axis[0]!) / (axis.length - 1);
  return axis.every((value, place) => Math.abs(value - (axis[0]! + place * step)) <= 1e-3 * Math.abs(step));
}

/** The place of the coordinate that is 0, to within a millionth of a step; -1 when there is none. */
export function placeOfZero(axis: readonly number[]): number {
  const step = axis.length < 2 ? 1 : Math.abs(axis.at(-1)! - axis[0]!) / (axis.length - 1);
  return axis.findIndex((value) => Math.abs(value) <= 1e-6 * step);
}

/**
 * Every point of a grid once, as [column, row], in an order whose beginning is a usable grid at every moment: first the origin, then a coarse grid around it,
 * then the points between, each time twice as fine.
 * @param originColumn counted from 0; the coarse grids contain it
 */
export function coarseToFine(columns: number, rows: number, originColumn = (columns - 1) >> 1, originRow = (rows - 1) >> 1): (readonly [number, number])[] {
  const order: [number, number][] = [[originColumn, originRow]];
  const done = new Set([originRow * columns + originColumn]);
  const reach = Math.max(originColumn, columns - 1 - originColumn, originRow, rows - 1 - originRow);
  for (let stride = 2 ** Math.floor(Math.log2(Math.max(1, reach))); stride >= 1; stride /= 2) {
    const level: [number, number][] = [];
    for (let row = originRow % stride; row < rows; row += stride) {
      for (let column = originColumn % stride; column < columns; column += stride) {
        if (!done.has(row * columns + column)) level.push([column, row]);
      }
    }
    const distance = ([column, row]: readonly [number, number]) => Math.max(Math.abs(column - originColumn), Math.abs(row - originRow));
    // From the middle outwards: what is nearest to the model says most.
    for (const point of level.sort((a, b) => distance(a) - distance(b) || a[1] - b[1] || a[0] - b[0])) {
      order.push(point);
      done.add(point[1] * columns + point[0]);
    }
  }
  return order;
}
