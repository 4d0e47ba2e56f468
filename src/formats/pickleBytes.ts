/** What is wrong with a pickle, for the caller to put beside the name of the file. */
export class PickleError extends Error {
  constructor(
    /** Offset in the bytes that were given. */
    readonly at: number,
    reason: string,
  ) {
    super(reason);
    this.name = 'PickleError';
  }
}

/** The bytes end before the pickle does. */
export class PickleEndError extends PickleError {}

/** The protocols of Python 2 to 3.14. */
const latestProtocol = 5;
/** Python's own limit for whole numbers in decimal (sys.int_info.default_max_str_digits): beyond it, conversion takes quadratic time. */
const mostDigits = 4300;
/** Bytes of a binary whole number; torch writes 10, cryptography a few hundred. */
const longestNumber = 4096;
/** A line of protocol 0 or a name: nothing written by Python comes near. */
const longestLine = 1024 * 1024;
/** One text; the source of a whole training script fits many times. */
const longestText = 64 * 1024 * 1024;

/** The bytes of a pickle and where the reader is; all operands are little-endian, except floats. */
export class PickleBytes {
  private readonly buffer: Buffer;
  private opcodeAt: number;

  constructor(
    bytes: Uint8Array,
    public position: number,
  ) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.opcodeAt = position;
  }

  /** Problems of operands are told at their opcode. */
  beginOpcode(): void {
    this.opcodeAt = this.position;
  }

  error(reason: string): PickleError {
    return new PickleError(this.opcodeAt, reason);
  }

  byte(): number {
    return this.buffer[this.take(1)]!;
  }

  uint16(): number {
    return this.buffer.readUInt16LE(this.take(2));
  }

  int32(): number {
    return this.buffer.readInt32LE(this.take(4));
  }

  uint32(): number {
    return this.buffer.readUInt32LE(this.take(4));
  }

  /** Exact up to 2^53; what is larger is longer than any file. */
  uint64(): number {
    return Number(this.buffer.readBigUInt64LE(this.take(8)));
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8));
  }

  /** A view, not a copy. */
  view(length: number): Uint8Array {
    const start = this.take(length);
    return this.buffer.subarray(start, start + length);
  }

  utf8(length: number): string {
    return this.text(length, 'utf8');
  }

  /** Strings of Python 2: bytes or text, nobody knows. */
  latin1(length: number): string {
    return this.text(length, 'latin1');
  }

  /** A whole number in two's complement. */
  long(length: number): number | bigint {
    if (length > longestNumber) {
      throw this.error(`has a whole number of ${length} bytes, more than the limit of ${longestNumber}`);
    }
    const start = this.take(length);
    if (length === 0) {
      return 0;
    }
    const digits = Buffer.from(this.buffer.subarray(start, start + length)).reverse().toString('hex');
    return smallest(BigInt.asIntN(8 * length, BigInt(`0x${digits}`)));
  }

  /** Up to the end of the line, without it. */
  line(): string {
    const end = this.buffer.subarray(this.position, this.position + longestLine).indexOf(0x0a);
    if (end < 0) {
      if (this.buffer.length - this.position >= longestLine) {
        throw this.error(`has a line of more than ${longestLine} bytes`);
      }
      throw new PickleEndError(this.opcodeAt, 'ends inside a line');
    }
    const text = this.buffer.toString('utf8', this.position, this.position + end);
    this.position += end + 1;
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  }

  /** INT says "00" and "01" for False and True; Python 2 wrote a final L. */
  decimalLine(booleans: boolean): number | bigint | boolean {
    const text = this.line();
    if (booleans && (text === '00' || text === '01')) {
      return text === '01';
    }
    const digits = text.replace(/L$/, '').trim();
    if (!/^[-+]?\d+$/.test(digits) || digits.length > mostDigits) {
      throw this.error(`has ${JSON.stringify(digits.slice(0, 40))} where a whole number of up to ${mostDigits} digits belongs`);
    }
    return smallest(BigInt(digits.replace(/^\+/, '')));
  }

  floatLine(): number {
    const text = this.line().trim();
    const special = /^([-+]?)(inf|nan)/i.exec(text);
    if (special !== null) {
      return special[2]!.toLowerCase() === 'nan' ? NaN : special[1] === '-' ? -Infinity : Infinity;
    }
    const value = Number(text);
    if (text === '' || Number.isNaN(value)) {
      throw this.error(`has ${JSON.stringify(text.slice(0, 40))} where a number belongs`);
    }
    return value;
  }

  /** A place in the memo. */
  indexLine(): number {
    const index = this.decimalLine(false);
    if (typeof index !== 'number' || index < 0) {
      throw this.error('has a place in the memo that is no number from 0');
    }
    return index;
  }

  /** repr() of a Python 2 string. */
  quotedLine(): string {
    const text = this.line().trim();
    const quote = text[0];
    if (text.length < 2 || (quote !== "'" && quote !== '"') || text.at(-1) !== quote) {
      throw this.error('has a text without quotes');
    }
    return text.slice(1, -1).replace(/\\(?:x([0-9a-fA-F]{2})|(.))/gs, (_, hex: string | undefined, letter: string) =>
      hex === undefined ? ({ n: '\n', r: '\r', t: '\t' }[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }

  /** Python's raw-unicode-escape. */
  unicodeLine(): string {
    return this.line().replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (written, short?: string, long?: string) => {
      const code = Number.parseInt(short ?? long!, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : written;
    });
  }

  protocol(): void {
    const protocol = this.byte();
    if (protocol > latestProtocol) {
      throw this.error(`is of pickle protocol ${protocol}; protocols up to ${latestProtocol} are known`);
    }
  }

  private text(length: number, encoding: 'utf8' | 'latin1'): string {
    if (length > longestText) {
      throw this.error(`has a text of ${length} bytes, more than the limit of ${longestText}`);
    }
    const start = this.take(length);
    return this.buffer.toString(encoding, start, start + length);
  }

  private take(length: number): number {
    if (length < 0) {
      throw this.error(`has a length of ${length}`);
    }
    const start = this.position;
    if (start + length > this.buffer.length) {
      throw new PickleEndError(this.opcodeAt, `wants ${length} bytes, but only ${this.buffer.length - start} follow`);
    }
    this.position = start + length;
    return start;
  }
}

function smallest(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}
