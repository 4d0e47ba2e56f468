import type { FileProblem } from '../protocol';

/** One logged row: the position on both axes as far as the log says, and its numbers. */
export interface ScalarRow {
  readonly epoch: number | null;
  readonly step: number | null;
  /** NaN and infinities are kept as logged. */
  readonly values: ReadonlyMap<string, number>;
}

/** Everything from a step on is void: training was started again there. */
export interface ScalarPurge {
  /** Index of the first point of the same columns that was written after the restart; points before it, here and earlier, are concerned. */
  readonly at: number;
  /** Points of this step and later ones are void. */
  readonly fromStep: number;
  /** Which quantities; null: all. */
  readonly tags: readonly string[] | null;
}

/** Points in file order as columns, for logs that hold one number a record and millions of records. All arrays have one length. */
export interface ScalarColumns {
  /** Names of quantities; grows from call to call. */
  readonly tags: readonly string[];
  /** Quantity of each point: an index into `tags`. */
  readonly tag: Uint32Array;
  /** NaN where the log does not say; null when it never does. */
  readonly epochs: Float64Array | null;
  readonly steps: Float64Array;
  /** Seconds since 1970. */
  readonly times: Float64Array;
  /** NaN and infinities are kept as logged. */
  readonly values: Float64Array;
  /** In order of `at`. */
  readonly purges: readonly ScalarPurge[];
}

/**
 * An incremental reader of one log: it is given the bytes that were appended, in order, and answers with the rows completed by them.
 * A torn last record stays inside until its rest arrives.
 */
export interface ScalarLogReader {
  push(bytes: Uint8Array): ScalarRow[];
  /** The rest, once the file is known to be complete (a last line without line end). The reader may go on with `push` afterwards. */
  flush(): ScalarRow[];
  /** Problems since the last call, each with its line or byte; reading continued behind them. */
  takeProblems(): FileProblem[];
  /** Where there is this method, `push` and `flush` answer with no rows, and the points since the last call are here. */
  takeColumns?(): ScalarColumns;
  /** What the log holds besides scalars so far: name of a quantity -> what it is ("histogram", "image"). */
  otherTags?(): ReadonlyMap<string, string>;
}
