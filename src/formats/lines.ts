/** A complete line (or what is left of it at the end of a file), without its line end. */
export interface Line {
  /** Counts from 1. */
  readonly number: number;
  readonly text: string;
}

/** A line that was longer than the limit; its text was not kept. */
export interface OverlongLine {
  readonly number: number;
  readonly text: null;
}

const lineFeed = 0x0a;

/**
 * Cuts appended bytes into lines (LF or CRLF; a byte-order mark is dropped). An unfinished last line stays inside,
 * and no more of it than `largestLine` bytes.
 */
export class LineSplitter {
  private pieces: Uint8Array[] = [];
  private pending = 0;
  private skipping = false;
  private number = 1;

  constructor(private readonly largestLine: number) {}

  /** Number of the line that is being assembled. */
  get lineNumber(): number {
    return this.number;
  }

  push(bytes: Uint8Array): (Line | OverlongLine)[] {
    const lines: (Line | OverlongLine)[] = [];
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, start)) {
      this.keep(bytes.subarray(start, end), lines);
      if (this.skipping) {
        this.skipping = false;
      } else {
        lines.push({ number: this.number, text: this.take() });
      }
      this.number++;
      start = end + 1;
    }
    // A copy: the caller may use its buffer again.
    this.keep(bytes.slice(start), lines);
    return lines;
  }

  /** The unfinished line as it is; it stays inside. */
  peek(): Line | null {
    return this.pending === 0 ? null : { number: this.number, text: this.text() };
  }

  /** Forgets the unfinished line's text: it has been used as it was. */
  drop(): void {
    this.pieces = [];
    this.pending = 0;
  }

  private keep(piece: Uint8Array, lines: (Line | OverlongLine)[]): void {
    if (this.skipping || piece.length === 0) {
      return;
    }
    if (this.pending + piece.length > this.largestLine) {
      this.drop();
      this.skipping = true;
      lines.push({ number: this.number, text: null });
      return;
    }
    this.pieces.push(piece);
    this.pending += piece.length;
  }

  private take(): string {
    const text = this.text();
    this.drop();
    return text;
  }

  private text(): string {
    const bytes = this.pieces.length === 1 ? this.pieces[0]! : Buffer.concat(this.pieces);
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
    const start = this.number === 1 && text.startsWith('\ufeff') ? 1 : 0;
    return text.slice(start, text.endsWith('\r') ? -1 : undefined);
  }
}

/** The complete lines of a file's first bytes, and the unfinished rest. */
export function linesOfHead(head: Uint8Array): { readonly complete: readonly string[]; readonly rest: string } {
  const splitter = new LineSplitter(head.length + 1);
  const complete = splitter.push(head).map(({ text }) => text ?? '');
  return { complete, rest: splitter.peek()?.text ?? '' };
}
