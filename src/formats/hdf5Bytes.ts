import { FormatError, type ByteSource } from './byteSource';

/** One read serves the many small structures that HDF5 puts beside one another. */
const pageBytes = 64 * 1024;
/** Pages kept: 4 MB. */
const mostPages = 64;
/** Structures (not values) that may be looked at before a file is taken for one whose structures refer to one another in circles. */
const structureAllowance = 64 * 1024 * 1024;
const structureFactor = 4;
/** What a structure costs at least, so that very small ones cannot be read for ever. */
const leastCost = 64;

/**
 * The bytes of an HDF5 file by address: counted from the base address, through a cache of pages, and within a budget that bounds the time any file
 * can take. HDF5 File Format Specification, version 3.0.
 */
export class Hdf5Bytes {
  /** Bytes of an address and of a length in this file. */
  offsetSize = 8;
  lengthSize = 8;
  /** Where the superblock lies; addresses count from here. */
  base = 0;
  private budget: number;
  private readonly pages = new Map<number, Promise<Uint8Array>>();

  constructor(readonly source: ByteSource) {
    this.budget = structureAllowance + structureFactor * source.size;
  }

  /** A structure of known length. @throws {FormatError} when it is not inside the file. */
  async at(address: number, length: number): Promise<Hdf5Cursor> {
    const start = this.base + address;
    this.budget -= Math.max(length, leastCost);
    if (this.budget < 0) {
      throw new FormatError(this.source.name, `byte ${start}`, 'its structures are larger than the file: they refer to one another in circles');
    }
    if (!(start + length <= this.source.size)) {
      const reason = `a structure of ${length} bytes is said to be here, but the file has only ${this.source.size}`;
      throw new FormatError(this.source.name, `byte ${start}`, reason);
    }
    return new Hdf5Cursor(await this.copy(start, length), start, this);
  }

  /** As `at`, but checks and steps over the four letters that a structure begins with. */
  async signed(address: number, length: number, signature: string): Promise<Hdf5Cursor> {
    const cursor = await this.at(address, length);
    cursor.expect(signature);
    return cursor;
  }

  /** A structure whose last four bytes are the checksum of the others. */
  async checked(address: number, length: number, signature: string): Promise<Hdf5Cursor> {
    const cursor = await this.signed(address, length, signature);
    cursor.verify(length);
    return cursor;
  }

  private async copy(start: number, length: number): Promise<Uint8Array> {
    if (length > pageBytes) {
      return this.source.read(start, length);
    }
    const first = Math.floor(start / pageBytes);
    const page = await this.page(first);
    const from = start - first * pageBytes;
    if (from + length <= page.length) {
      return page.subarray(from, from + length);
    }
    const next = await this.page(first + 1);
    return Buffer.concat([page.subarray(from), next.subarray(0, from + length - page.length)]);
  }

  private page(index: number): Promise<Uint8Array> {
    let page = this.pages.get(index);
    if (page === undefined) {
      const start = index * pageBytes;
      page = this.source.read(start, Math.min(pageBytes, this.source.size - start));
      page.catch(() => this.pages.delete(index));
      if (this.pages.size >= mostPages) {
        this.pages.delete(this.pages.keys().next().value!);
      }
      this.pages.set(index, page);
    }
    return page;
  }
}

/** Walks over the fields of one structure. All numbers are little-endian. */
export class Hdf5Cursor {
  position = 0;
  private readonly view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    /** Of its first byte, in the file. */
    readonly start: number,
    readonly file: Hdf5Bytes,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.position;
  }

  fail(reason: string): FormatError {
    return new FormatError(this.file.source.name, `byte ${this.start + this.position}`, reason);
  }

  skip(length: number): void {
    this.take(length);
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  /** An unsigned number of 1 to 8 bytes; all bits set gives Infinity, beyond 2^53 is refused. */
  unsigned(size: number): number {
    const at = this.take(size);
    let value = 0;
    let isFull = size > 1;
    for (let i = size - 1; i >= 0; i--) {
      const byte = this.bytes[at + i]!;
      isFull &&= byte === 0xff;
      value = value * 256 + byte;
    }
    if (isFull && size >= 4) {
      return Infinity;
    }
    if (!Number.isSafeInteger(value)) {
      throw this.fail('a number here is larger than any file');
    }
    return value;
  }

  /** An address, or null where HDF5 says "undefined". */
  address(): number | null {
    const value = this.unsigned(this.file.offsetSize);
    return value === Infinity ? null : value;
  }

  /** An address that must be there. */
  definedAddress(): number {
    const value = this.address();
    if (value === null) {
      throw this.fail('an address is undefined here');
    }
    return value;
  }

  length(): number {
    return this.unsigned(this.file.lengthSize);
  }

  /** So many bytes as a structure of their own. */
  part(length: number): Hdf5Cursor {
    const at = this.take(length);
    return new Hdf5Cursor(this.bytes.subarray(at, at + length), this.start + at, this.file);
  }

  /** Text of `length` bytes, without the zeros at its end. */
  text(length: number): string {
    const at = this.take(length);
    return Buffer.from(this.bytes.subarray(at, at + length)).toString('utf8').replace(/\0[\s\S]*$/, '');
  }

  /** Text up to a zero, which is stepped over. */
  zeroEnded(): string {
    const end = this.bytes.indexOf(0, this.position);
    if (end < 0) {
      throw this.fail('a name does not end');
    }
    return this.text(end - this.position + 1);
  }

  expect(signature: string): void {
    const found = Buffer.from(this.bytes.subarray(this.position, this.position + signature.length)).toString('latin1');
    if (found !== signature) {
      throw this.fail(`"${signature}" is expected here: damaged`);
    }
    this.position += signature.length;
  }

  /** That the first `length` bytes end in their checksum. */
  verify(length: number): void {
    if (length < 4 || length > this.bytes.length) {
      throw this.fail('the structure here is shorter than it says');
    }
    const stored = this.view.getUint32(length - 4, true);
    if (lookup3(this.bytes.subarray(0, length - 4)) !== stored) {
      throw this.fail('the checksum of this structure does not fit its bytes');
    }
  }

  private take(length: number): number {
    const at = this.position;
    if (!(length >= 0 && at + length <= this.bytes.length)) {
      throw this.fail('the structure here is shorter than it says');
    }
    this.position = at + length;
    return at;
  }
}

/** Bob Jenkins's lookup3 (2006), the checksum of HDF5's structures. */
export function lookup3(bytes: Uint8Array): number {
  let a = (0xdeadbeef + bytes.length) | 0;
  let b = a;
  let c = a;
  let at = 0;
  const word = (from: number) => (bytes[from] ?? 0) | ((bytes[from + 1] ?? 0) << 8) | ((bytes[from + 2] ?? 0) << 16) | ((bytes[from + 3] ?? 0) << 24);
  const turn = (value: number, by: number) => (value << by) | (value >>> (32 - by));
  for (; bytes.length - at > 12; at += 12) {
    a = (a + word(at)) | 0;
    b = (b + word(at + 4)) | 0;
    c = (c + word(at + 8)) | 0;
    a = (a - c) ^ turn(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ turn(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ turn(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ turn(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ turn(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ turn(b, 4);
    b = (b + a) | 0;
  }
  if (at === bytes.length) {
    return c >>> 0;
  }
  a = (a + word(at)) | 0;
  b = (b + word(at + 4)) | 0;
  c = (c + word(at + 8)) | 0;
  c = (c ^ b) - turn(b, 14);
  a = (a ^ c) - turn(c, 11);
  b = (b ^ a) - turn(a, 25);
  c = (c ^ b) - turn(b, 16);
  a = (a ^ c) - turn(c, 4);
  b = (b ^ a) - turn(a, 14);
  c = (c ^ b) - turn(b, 24);
  return c >>> 0;
}
