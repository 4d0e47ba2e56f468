import type { Matrix } from '../../linalg/matrix';
import type { MeasureContext } from '../contract';
import { normalizedRows, type PartRows } from '../partRows';
import { classesOf, type LabelledRows, takeRows } from './labelledRows';
import { NearestVote, similarityStep, undecided } from './nearestVote';

/** A class that no row of the bank has; no vote gives it. */
const unknownClass = -3;
/** Similarities computed at a time. */
const similaritiesAtOnce = 1 << 20;
/** Queries answered between two looks at whether the measurement was cancelled. */
const queriesAtOnce = 64;

/** Rows that are asked about, or that answer. */
export interface KnnRows {
  readonly part: PartRows;
  readonly labelled: LabelledRows;
}

/** A growing set of answering samples, looked at several times on its way. */
export interface NestedSubset {
  /** Rows of the bank, in the order in which their samples join. */
  readonly order: Int32Array;
  /** How many of them there are at each look. */
  readonly ends: readonly number[];
}

export interface KnnOptions {
  readonly neighbours: number;
  readonly temperature: number;
  /** Whether both sides are the same rows, so that the rows of the asking sample must not answer. */
  readonly leaveOut: boolean;
}

/**
 * Rows that the vote of their neighbours classifies right, by sample of `queries`: first with all rows of the bank, then at each look at each
 * subset. Cosine similarity in float32; where its error could decide, again in float64. So the answer does not depend on the engine.
 */
export async function knnRates(
  queries: KnnRows,
  bank: KnnRows,
  subsets: readonly NestedSubset[],
  options: KnnOptions,
  context: MeasureContext,
): Promise<Float64Array[]> {
  const search = new Search(queries, bank, subsets, options);
  const { rows } = queries.labelled;
  const { columns } = queries.part.features;
  const narrowBank = takeRows(normalizedRows(bank.part), bank.labelled.rows, 'float32');
  const narrowQueries = queries.part === bank.part ? narrowBank : takeRows(normalizedRows(queries.part), rows, 'float32');
  const error = (4 + Math.sqrt(columns)) * 2 ** -24;
  const atOnce = Math.max(1, Math.floor(similaritiesAtOnce / narrowBank.rows));
  const open: number[] = [];
  const buffer = new Float32Array(Math.min(atOnce, rows.length) * narrowBank.rows);
  for (let start = 0; start < rows.length; start += atOnce) {
    context.checkpoint();
    const count = Math.min(atOnce, rows.length - start);
    const block = { rows: count, columns, data: narrowQueries.data.subarray(start * columns, (start + count) * columns) };
    const into = buffer.subarray(0, count * narrowBank.rows);
    const similarities = await context.engine.gemm(block, narrowBank, { transposeB: true, into, checkpoint: context.checkpoint });
    for (let i = 0; i < count; i++) {
      if (i % queriesAtOnce === 0) context.checkpoint();
      if (!search.classify(start + i, similarities.data, i * narrowBank.rows, error)) open.push(start + i);
    }
  }
  if (open.length > 0) await searchWide(search, queries, bank, open, atOnce, context);
  return search.right;
}

async function searchWide(
  search: Search,
  queries: KnnRows,
  bank: KnnRows,
  open: readonly number[],
  atOnce: number,
  context: MeasureContext,
): Promise<void> {
  const wideBank = takeRows(normalizedRows(bank.part), bank.labelled.rows, 'float64');
  for (let start = 0; start < open.length; start += atOnce) {
    context.checkpoint();
    const asked = open.slice(start, start + atOnce);
    const block: Matrix = takeRows(normalizedRows(queries.part), asked.map((at) => queries.labelled.rows[at] as number), 'float64');
    const { data } = await context.engine.gemm(block, wideBank, { transposeB: true, checkpoint: context.checkpoint });
    context.checkpoint();
    for (let i = 0; i < data.length; i++) data[i] = Math.round((data[i] as number) / similarityStep) * similarityStep;
    for (const [i, at] of asked.entries()) {
      if (i % queriesAtOnce === 0) context.checkpoint();
      search.classify(at, data, i * wideBank.rows, 0);
    }
  }
}

class Search {
  readonly right: Float64Array[];
  private readonly vote: NearestVote;
  private readonly classOfSample: Int32Array;
  private readonly found: Int32Array;

  constructor(
    private readonly queries: KnnRows,
    private readonly bank: KnnRows,
    private readonly subsets: readonly NestedSubset[],
    private readonly options: KnnOptions,
  ) {
    const { labels, sampleOfRow } = bank.labelled;
    const classes = new Map([...classesOf(labels)].map((label, place) => [label, place]));
    const classOfRow = sampleOfRow.map((sample) => classes.get(labels[sample] as number) as number);
    this.classOfSample = queries.labelled.labels.map((label) => classes.get(label) ?? unknownClass);
    this.vote = new NearestVote(options.neighbours, options.temperature, classOfRow, classes.size);
    const looks = 1 + subsets.reduce((count, { ends }) => count + ends.length, 0);
    this.right = Array.from({ length: looks }, () => new Float64Array(queries.labelled.labels.length));
    this.found = new Int32Array(looks);
  }

  /** False, and nothing is counted, when an error of the similarities as large as the given one could change an answer. */
  classify(query: number, similarities: Float32Array | Float64Array, base: number, error: number): boolean {
    const { vote, found, bank, subsets } = this;
    const sample = this.queries.labelled.sampleOfRow[query] as number;
    const { starts, rows } = bank.labelled;
    const skipFrom = this.options.leaveOut ? (starts[sample] as number) : 0;
    const skipTo = this.options.leaveOut ? (starts[sample + 1] as number) : 0;
    vote.clear();
    vote.offerRange(similarities, base, 0, skipFrom);
    vote.offerRange(similarities, base, skipTo, rows.length);
    let look = 0;
    found[look] = vote.winner(error);
    if (found[look++] === undecided) return false;
    for (const { order, ends } of subsets) {
      vote.clear();
      let from = 0;
      for (const end of ends) {
        vote.offerListed(similarities, base, order, from, end, skipFrom, skipTo);
        from = end;
        found[look] = vote.winner(error);
        if (found[look++] === undecided) return false;
      }
    }
    for (const [at, right] of this.right.entries()) {
      if (found[at] === this.classOfSample[sample]) right[sample] = (right[sample] as number) + 1;
    }
    return true;
  }
}
