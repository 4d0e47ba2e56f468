import { FormatError, type ByteSource } from './byteSource';

/** Enough for a few hundred keys and names; values are not read through it. */
const windowBytes = 64 * 1024;
/** Two 64-bit varints. */
const longestField = 20;
/** A model of a hundred thousand nodes has fewer; repeated numbers that are not packed are one field each. */
const mostFields = 2_000_000;

/** One field of a message. Of a length-delimited one only the range is known; its bytes are not read. */
export interface RangedField {
  readonly number: number;
  readonly wireType: number;
  /** Of a varint; signed 64-bit numbers as two's complement. */
  readonly value: bigint;
  readonly start: number;
  readonly end: number;
}

/** Walks over protobuf messages that are too large to be read as a whole (protobuf.dev/programming-guides/encoding). */
export class ProtobufRanges {
  private window: Uint8Array = new Uint8Array(0);
  private windowStart = 0;
  private fields = 0;

  constructor(readonly source: ByteSource) {}

  /** @throws {FormatError} at the byte where the message is damaged. */
  async *fieldsOf(start: number, end: number): AsyncGenerator<RangedField> {
    for (let at = start; at < end; ) {
      if (++this.fields > mostFields) {
        throw new FormatError(this.source.name, `byte ${at}`, `has more than ${mostFields} fields`);
      }
      await this.ensure(at, end);
      const field = this.field(at, end);
      yield field;
      at = field.end;
    }
  }

  async text(field: RangedField, most: number): Promise<string> {
    if (field.end - field.start > most) {
      throw new FormatError(this.source.name, `byte ${field.start}`, `a text of ${field.end - field.start} bytes is longer than ${most}`);
    }
    return Buffer.from(await this.source.read(field.start, field.end - field.start)).toString('utf8');
  }

  private async ensure(at: number, end: number): Promise<void> {
    const wanted = Math.min(longestField, end - at);
    if (at < this.windowStart || at + wanted > this.windowStart + this.window.length) {
      this.window = await this.source.read(at, Math.min(windowBytes, this.source.size - at));
      this.windowStart = at;
    }
  }

  private field(at: number, end: number): RangedField {
    const key = this.varint(at, end);
    const number = Number(key.value >> 3n);
    const wireType = Number(key.value & 7n);
    const fail = (reason: string) => new FormatError(this.source.name, `byte ${at}`, reason);
    if (number === 0) {
      throw fail('a field has number 0: damaged');
    }
    const fixed = (bytes: number): RangedField => {
      if (key.end + bytes > end) {
        throw fail('a field is longer than the message that holds it: damaged or truncated');
      }
      return { number, wireType, value: 0n, start: key.end, end: key.end + bytes };
    };
    switch (wireType) {
      case 0: {
        const { value, end: after } = this.varint(key.end, end);
        return { number, wireType, value, start: key.end, end: after };
      }
      case 1:
        return fixed(8);
      case 2: {
        const length = this.varint(key.end, end);
        if (length.value > BigInt(end - length.end)) {
          throw fail(`a field of ${length.value} bytes is longer than the message that holds it: damaged or truncated`);
        }
        return { number, wireType, value: 0n, start: length.end, end: length.end + Number(length.value) };
      }
      case 5:
        return fixed(4);
      default:
        throw fail(`a field has wire type ${wireType}, which nobody writes`);
    }
  }

  private varint(at: number, end: number): { value: bigint; end: number } {
    const reach = Math.min(end - this.windowStart, this.window.length);
    const read = readVarint(this.window, at - this.windowStart, reach);
    if (read === null) {
      throw new FormatError(this.source.name, `byte ${at}`, 'a number does not end: damaged or truncated');
    }
    return { value: read.value, end: read.end + this.windowStart };
  }
}

/** A varint of at most ten bytes, or null when it does not end before `end`. */
export function readVarint(bytes: Uint8Array, at: number, end: number): { value: bigint; end: number } | null {
  let low = 0;
  let value = 0n;
  for (let i = 0; i < 10 && at + i < end; i++) {
    const byte = bytes[at + i]!;
    if (i < 4) low |= (byte & 0x7f) << (7 * i);
    else value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) {
      return { value: BigInt.asUintN(64, value | BigInt(low)), end: at + i + 1 };
    }
  }
  return null;
}
