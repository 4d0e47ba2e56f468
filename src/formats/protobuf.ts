/** The bytes are no message of the kind that was expected. */
export class MalformedMessage extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'MalformedMessage';
  }
}

/**
 * Walks over the fields of protobuf messages (protobuf.dev/programming-guides/encoding). For logs, where a million messages of five known fields
 * are read and objects made of them would cost more than the rest.
 */
export class ProtobufCursor {
  at = 0;
  /** End of the message; nothing behind is read. */
  end = 0;
  private high = 0;

  constructor(
    public bytes: Uint8Array,
    public view: DataView,
  ) {}

  /** Goes to a message in other bytes. */
  enter(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.bytes = bytes;
    this.view = view;
    this.at = start;
    this.end = end;
  }

  /** A small unsigned number: the key of a field, an enumeration. Larger ones are rounded. @throws {MalformedMessage} at the end. */
  varint(): number {
    const byte = this.bytes[this.at]!;
    if (byte < 0x80 && this.at < this.end) {
      this.at++;
      return byte;
    }
    const low = this.low32();
    return (this.high >>> 0) * 2 ** 32 + low;
  }

  /** An int32, int64 or enumeration; exact up to 2^53 either way. */
  int64(): number {
    const byte = this.bytes[this.at]!;
    if (byte < 0x80 && this.at < this.end) {
      this.at++;
      return byte;
    }
    const low = this.low32();
    return this.high * 2 ** 32 + low;
  }

  /** A length, and the position behind so many bytes; the cursor stands at their start. */
  lengthDelimited(): number {
    const length = this.varint();
    const end = this.at + length;
    if (end > this.end) {
      throw new MalformedMessage('a field is longer than the message that holds it');
    }
    return end;
  }

  float(): number {
    const at = this.take(4);
    return this.view.getFloat32(at, true);
  }

  double(): number {
    const at = this.take(8);
    return this.view.getFloat64(at, true);
  }

  text(end: number): string {
    const start = this.at;
    this.at = end;
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, end - start).toString('utf8');
  }

  /** Goes over the value of a field with this key. */
  skip(key: number): void {
    switch (key & 7) {
      case 0:
        this.int64();
        return;
      case 1:
        this.take(8);
        return;
      case 2:
        this.at = this.lengthDelimited();
        return;
      case 5:
        this.take(4);
        return;
      default:
        throw new MalformedMessage(`field ${key >>> 3} has wire type ${key & 7}, which nobody writes`);
    }
  }

  private take(length: number): number {
    const at = this.at;
    if (at + length > this.end) {
      throw new MalformedMessage('ends within a number');
    }
    this.at = at + length;
    return at;
  }

  /** The low half of a varint; `high` is the other, signed. */
  private low32(): number {
    const { bytes, end } = this;
    let at = this.at;
    let low = 0;
    let middle = 0;
    let top = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) {
        throw new MalformedMessage('ends within a number');
      }
      const byte = bytes[at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift < 56) middle |= bits << (shift - 28);
      else top |= bits << (shift - 56);
      if (byte < 0x80) {
        this.at = at;
        this.high = (middle >>> 4) | (top << 24);
        return (low | (middle << 28)) >>> 0;
      }
    }
    throw new MalformedMessage('a number has more than ten bytes');
  }
}
