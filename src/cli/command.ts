/** What a command may do to the outside, so that tests and signals can stand in. */
export interface Terminal {
  /** Standard output: results only. */
  write(text: string): void;
  /** Standard error: progress and messages, a line each. */
  say(line: string): void;
  /** A line on standard error that the next one replaces; nothing where standard error is no screen. */
  progress(line: string): void;
  /** Aborted by Ctrl+C. */
  readonly signal: AbortSignal;
}

export interface Command {
  readonly name: string;
  /** Arguments, for example "DIR [--json]". */
  readonly usage: string;
  /** One sentence for the list of commands. */
  readonly summary: string;
  /** What each argument does, for `--help`. */
  readonly details: string;
  /**
   * @throws {UsageError} when the arguments are wrong, {InputError} or {FormatError} when what they name cannot be used.
   */
  run(args: readonly string[], terminal: Terminal): Promise<void>;
}

/** The arguments are wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What the arguments name cannot be used: exit code 1. */
export class InputError extends Error {
  override readonly name = 'InputError';
}
