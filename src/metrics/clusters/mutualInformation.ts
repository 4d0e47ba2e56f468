/** Terms of the hypergeometric distribution below this add nothing that float64 could hold. */
const negligible = 1e-30;

/**
 * Adjusted mutual information of two partitions of the same items (Vinh, Epps & Bailey 2010), normalized by the arithmetic mean of the entropies, as
 * scikit-learn's adjusted_mutual_info_score: 1 for equal partitions, 0 on average for unrelated ones; can be slightly negative.
 * @param a [n] cluster of each item, 0 .. 2^31-1. So is `b`.
 * @throws {RangeError} when the partitions are of different length.
 */
export function adjustedMutualInformation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`Partitions of ${a.length} and of ${b.length} items cannot be compared.`);
  const n = a.length;
  const { cells, rowSizes, columnSizes } = contingency(a, b);
  if (rowSizes.length === columnSizes.length && rowSizes.length <= 1) return 1;
  const information = mutualInformation(cells, rowSizes, columnSizes, n);
  const expected = expectedMutualInformation(rowSizes, columnSizes, n);
  const difference = (entropy(rowSizes, n) + entropy(columnSizes, n)) / 2 - expected;
  const adjusted = (information - expected) / (difference < 0 ? Math.min(difference, -Number.EPSILON) : Math.max(difference, Number.EPSILON));
  // Rounding can lift equal partitions above 1.
  return Math.min(1, adjusted);
}

/** -sum p log p of the shares in nats; 0 for a single one. */
export function entropy(sizes: readonly number[], total: number): number {
  let sum = 0;
  for (const size of sizes) if (size > 0) sum -= (size / total) * Math.log(size / total);
  return sum;
}

interface Cell {
  readonly row: number;
  readonly column: number;
  count: number;
}

function contingency(a: ArrayLike<number>, b: ArrayLike<number>): { cells: Cell[]; rowSizes: number[]; columnSizes: number[] } {
  const rows = new Map<number, number>();
  const columns = new Map<number, number>();
  const rowSizes: number[] = [];
  const columnSizes: number[] = [];
  const place = (known: Map<number, number>, sizes: number[], label: number): number => {
    let at = known.get(label);
    if (at === undefined) {
      at = sizes.push(0) - 1;
      known.set(label, at);
    }
    sizes[at] = (sizes[at] as number) + 1;
    return at;
  };
  const cells = new Map<number, Cell>();
  for (let i = 0; i < a.length; i++) {
    const row = place(rows, rowSizes, a[i] as number);
    const column = place(columns, columnSizes, b[i] as number);
    const key = row * a.length + column;
    const cell = cells.get(key);
    if (cell) cell.count += 1;
    else cells.set(key, { row, column, count: 1 });
  }
  return { cells: [...cells.values()], rowSizes, columnSizes };
}

function mutualInformation(cells: readonly Cell[], rowSizes: readonly number[], columnSizes: readonly number[], n: number): number {
  let sum = 0;
  for (const { row, column, count } of cells) {
    const expected = (rowSizes[row] as number) * ((columnSizes[column] as number) / n);
    sum += (count / n) * Math.log(count / expected);
  }
  return Math.max(0, sum);
}

/**
 * Mean of the mutual information over all pairs of partitions with these sizes. A cell of clusters of r and c items is hypergeometric: its terms are followed from
 * the most likely one to both sides by their ratios.
 */
function expectedMutualInformation(rowSizes: readonly number[], columnSizes: readonly number[], n: number): number {
  const logFactorial = logFactorials(n);
  const log = (i: number) => logFactorial[i] as number;
  const known = new Map<number, number>();
  const ofCell = (r: number, c: number): number => {
    const least = Math.max(0, r + c - n);
    const most = Math.min(r, c);
    const mode = Math.min(most, Math.max(least, Math.floor(((r + 1) * (c + 1)) / (n + 2))));
    const likeliest = Math.exp(log(r) + log(n - r) + log(c) + log(n - c) - log(n) - log(mode) - log(r - mode) - log(c - mode) - log(n - r - c + mode));
    const term = (count: number, probability: number) => (count === 0 ? 0 : (count / n) * Math.log((count / r) * (n / c)) * probability);
    let sum = term(mode, likeliest);
    let probability = likeliest;
    for (let count = mode; count < most && probability > negligible; count++) {
      probability *= ((r - count) / (count + 1)) * ((c - count) / (n - r - c + count + 1));
      sum += term(count + 1, probability);
    }
    probability = likeliest;
    for (let count = mode; count > least && probability > negligible; count--) {
      probability *= (count / (r - count + 1)) * ((n - r - c + count) / (c - count + 1));
      sum += term(count - 1, probability);
    }
    return sum;
  };
  let total = 0;
  for (const r of rowSizes) {
    for (const c of columnSizes) {
      const key = r * (n + 1) + c;
      const value = known.get(key) ?? ofCell(r, c);
      known.set(key, value);
      total += value;
    }
  }
  return total;
}

let table = Float64Array.of(0);

/** log i! for i up to `n`, by sums whose rounding errors are carried along (Kahan 1965). */
function logFactorials(n: number): Float64Array {
  if (table.length <= n) {
    table = new Float64Array(n + 1);
    let lost = 0;
    for (let i = 1; i <= n; i++) {
      const before = table[i - 1] as number;
      const addend = Math.log(i) - lost;
      const sum = before + addend;
      lost = sum - before - addend;
      table[i] = sum;
    }
  }
  return table;
}
