import type { Matrix } from '../../linalg/matrix';

/**
 * Squared distance of each row to its k-th nearest other row, in float64, for points of few dimensions: rows are sorted along the first one
 * and searched outwards from each until no nearer row can follow. Quickest when the first dimension is the widest.
 * @param k From 1 to the number of other rows.
 */
export function kthNeighbourSquares({ rows, columns, data }: Matrix<Float64Array>, k: number, checkpoint: () => void): Float64Array {
  const order = Array.from({ length: rows }, (_, row) => row).sort((a, b) => (data[a * columns] as number) - (data[b * columns] as number));
  const points = new Float64Array(data.length);
  for (const [place, row] of order.entries()) points.set(data.subarray(row * columns, (row + 1) * columns), place * columns);
  const squares = new Float64Array(rows);
  const nearest = new Float64Array(k);
  const last = k - 1;
  const pause = Math.max(1, Math.floor(2e7 / (rows * columns)));
  for (let place = 0; place < rows; place++) {
    if (place % pause === 0) checkpoint();
    nearest.fill(Infinity);
    let limit = Infinity;
    const own = place * columns;
    const along = points[own] as number;
    let below = own - columns;
    let above = own + columns;
    while (below >= 0 || above < points.length) {
      const gapBelow = below >= 0 ? along - (points[below] as number) : Infinity;
      const gapAbove = above < points.length ? (points[above] as number) - along : Infinity;
      const other = gapBelow <= gapAbove ? below : above;
      const gap = gapBelow <= gapAbove ? gapBelow : gapAbove;
      let square = gap * gap;
      if (square >= limit) break;
      if (gapBelow <= gapAbove) below -= columns;
      else above += columns;
      for (let j = 1; j < columns && square < limit; j++) {
        const difference = (points[own + j] as number) - (points[other + j] as number);
        square += difference * difference;
      }
      if (square >= limit) continue;
      let at = last;
      while (at > 0 && (nearest[at - 1] as number) > square) {
        nearest[at] = nearest[at - 1] as number;
        at -= 1;
      }
      nearest[at] = square;
      limit = nearest[last] as number;
    }
    squares[order[place] as number] = limit;
  }
  return squares;
}
