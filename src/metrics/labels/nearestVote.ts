/** Similarities are compared in steps of this, so that rounding does not order what is equal; equal ones go by their row. */
export const similarityStep = 2 ** -36;
/** Votes that agree to this share are equal; the lower class wins. */
const equalVotes = 1e-9;

export const noNeighbour = -1;
export const undecided = -2;

/**
 * The most similar of the rows offered so far, and their weighted vote: class c gets the sum of exp(similarity / temperature) over its rows
 * (Wu, Xiong, Yu & Lin 2018, arXiv 1805.01978; as in DINO).
 */
export class NearestVote {
  private count = 0;
  /** Descending; one more than vote, to see how clear the last place is. */
  private readonly similarities: Float64Array;
  private readonly rows: Int32Array;
  private readonly votes: Float64Array;

  /** @param classOfRow class of each row that can be offered, 0 .. classes-1. */
  constructor(
    private readonly neighbours: number,
    private readonly temperature: number,
    private readonly classOfRow: Int32Array,
    classes: number,
  ) {
    this.similarities = new Float64Array(neighbours + 1);
    this.rows = new Int32Array(neighbours + 1);
    this.votes = new Float64Array(classes);
  }

  clear(): void {
    this.count = 0;
  }

  /** Offers rows `from` .. `to - 1`, whose similarities begin at `base`. */
  offerRange(data: Float32Array | Float64Array, base: number, from: number, to: number): void {
    let least = this.least();
    for (let row = from; row < to; row++) {
      const similarity = data[base + row] as number;
      if (similarity >= least) {
        this.insert(similarity, row);
        least = this.least();
      }
    }
  }

  /** Offers the rows `order[from]` .. `order[to - 1]` but for those from `skipFrom` to `skipTo - 1`. */
  offerListed(data: Float32Array | Float64Array, base: number, order: Int32Array, from: number, to: number, skipFrom: number, skipTo: number): void {
    let least = this.least();
    for (let at = from; at < to; at++) {
      const row = order[at] as number;
      const similarity = data[base + row] as number;
      if (similarity >= least && (row < skipFrom || row >= skipTo)) {
        this.insert(similarity, row);
        least = this.least();
      }
    }
  }

  /** The class that wins; `noNeighbour` when no row was offered, `undecided` when an error of the similarities of this size could change it. */
  winner(error: number): number {
    const used = Math.min(this.count, this.neighbours);
    if (used === 0) return noNeighbour;
    const { similarities, rows, votes, classOfRow, temperature } = this;
    const last = similarities[used - 1] as number;
    if (error > 0 && this.count > used && last - (similarities[used] as number) <= 2 * error) return undecided;
    const top = similarities[0] as number;
    for (let place = 0; place < used; place++) {
      const own = classOfRow[rows[place] as number] as number;
      votes[own] = (votes[own] as number) + Math.exp(((similarities[place] as number) - top) / temperature);
    }
    let best = 0;
    for (let place = 0; place < used; place++) best = Math.max(best, votes[classOfRow[rows[place] as number] as number] as number);
    const enough = best * (1 - Math.max(equalVotes, (4 * error) / temperature));
    let winner = -1;
    let rivals = 0;
    for (let place = 0; place < used; place++) {
      const own = classOfRow[rows[place] as number] as number;
      // Of a class that was seen before, only its first place counts.
      if ((votes[own] as number) >= enough) {
        rivals += 1;
        if (winner < 0 || own < winner) winner = own;
      }
      votes[own] = 0;
    }
    return rivals > 1 && error > 0 ? undecided : winner;
  }

  private least(): number {
    return this.count > this.neighbours ? (this.similarities[this.neighbours] as number) : -Infinity;
  }

  private insert(similarity: number, row: number): void {
    const { similarities, rows, neighbours } = this;
    let place = Math.min(this.count, neighbours);
    if (this.count > neighbours && similarity === similarities[place] && row > (rows[place] as number)) return;
    while (place > 0) {
      const before = similarities[place - 1] as number;
      if (before > similarity || (before === similarity && (rows[place - 1] as number) < row)) break;
      similarities[place] = before;
      rows[place] = rows[place - 1] as number;
      place -= 1;
    }
    similarities[place] = similarity;
    rows[place] = row;
    this.count = Math.min(this.count + 1, neighbours + 1);
  }
}
