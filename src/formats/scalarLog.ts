import type { FileProblem } from '../protocol';

/** One logged row: the position on both axes as far as the log says, and its numbers. */
export interface ScalarRow {
  readonly epoch: number | null;
  readonly step: number | null;
  /** NaN and infinities are kept as logged. */
  readonly values: ReadonlyMap<string, number>;
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
}
