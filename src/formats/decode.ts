import type { DType, Tensor } from './tensors';

export type TensorData = Tensor['data'];

interface Layout {
  /** Bytes of one element in the file. */
  readonly bytes: number;
  /** Bytes of one number in memory. */
  readonly wide: number;
  readonly allocate: (elements: number) => TensorData;
  /** Present where the values are widened; otherwise the bytes are taken as they are. */
  readonly table?: () => Float32Array;
}

const layouts: Readonly<Record<DType, Layout>> = {
  BOOL: plain(1, (n) => new Uint8Array(n)),
  I8: plain(1, (n) => new Int8Array(n)),
  U8: plain(1, (n) => new Uint8Array(n)),
  I16: plain(2, (n) => new Int16Array(n)),
  U16: plain(2, (n) => new Uint16Array(n)),
  I32: plain(4, (n) => new Int32Array(n)),
  U32: plain(4, (n) => new Uint32Array(n)),
  I64: plain(8, (n) => new BigInt64Array(n)),
  U64: plain(8, (n) => new BigUint64Array(n)),
  F8_E4M3: widened(1, tableOf(256, float8e4m3)),
  F8_E5M2: widened(1, tableOf(256, (bits) => float16(bits << 8))),
  BF16: widened(2, tableOf(65536, bfloat16)),
  F16: widened(2, tableOf(65536, float16)),
  F32: plain(4, (n) => new Float32Array(n)),
  F64: plain(8, (n) => new Float64Array(n)),
  C64: { ...plain(8, (n) => new Float32Array(2 * n)), wide: 4 },
  C128: { ...plain(16, (n) => new Float64Array(2 * n)), wide: 8 },
};

/** Bytes of one element in a file. */
export function bytesOf(dtype: DType): number {
  return layouts[dtype].bytes;
}

/** Bytes of one element in memory, after widening. */
export function bytesInMemory(dtype: DType): number {
  const layout = layouts[dtype];
  return layout.table === undefined ? layout.bytes : layout.wide;
}

/** Zeros. @throws {RangeError} when there is no memory for them */
export function allocateTensor(dtype: DType, elements: number): TensorData {
  return layouts[dtype].allocate(elements);
}

/** Whether a name from a file is a type that can be decoded. */
export function isDType(name: string): name is DType {
  return Object.hasOwn(layouts, name);
}

export const floatTypes: ReadonlySet<DType> = new Set<DType>(['F8_E4M3', 'F8_E5M2', 'BF16', 'F16', 'F32', 'F64']);

/**
 * Turns the bytes of one tensor into its values piece by piece, so that file bytes and values are never both in memory as a whole.
 * Pieces may tear an element.
 */
export class TensorDecoder {
  private readonly data: TensorData;
  private readonly layout: Layout;
  private readonly table: Float32Array | null;
  private readonly torn: Uint8Array;
  private tornBytes = 0;
  private done = 0;

  /** @param elements number of elements; that much memory is taken at once, so the caller has checked it against the file */
  constructor(
    dtype: DType,
    private readonly elements: number,
    private readonly bigEndian = false,
  ) {
    this.layout = layouts[dtype];
    this.data = this.layout.allocate(elements);
    this.table = this.layout.table?.() ?? null;
    this.torn = new Uint8Array(this.layout.bytes);
  }

  /** @throws {RangeError} when more comes than the tensor holds. */
  push(bytes: Uint8Array): void {
    const size = this.layout.bytes;
    let from = 0;
    if (this.tornBytes > 0) {
      from = Math.min(size - this.tornBytes, bytes.length);
      this.torn.set(bytes.subarray(0, from), this.tornBytes);
      this.tornBytes += from;
      if (this.tornBytes < size) {
        return;
      }
      this.decode(this.torn);
      this.tornBytes = 0;
    }
    const whole = from + Math.floor((bytes.length - from) / size) * size;
    this.decode(bytes.subarray(from, whole));
    this.torn.set(bytes.subarray(whole));
    this.tornBytes = bytes.length - whole;
  }

  /** @throws {RangeError} when bytes are missing. */
  finish(): TensorData {
    if (this.done !== this.elements || this.tornBytes !== 0) {
      throw new RangeError(`${this.elements} elements expected, ${this.done} found`);
    }
    if (this.bigEndian && this.table === null) {
      swapInPlace(this.data, this.layout.wide);
    }
    return this.data;
  }

  private decode(bytes: Uint8Array): void {
    const { bytes: size } = this.layout;
    const count = bytes.length / size;
    if (this.done + count > this.elements) {
      throw new RangeError(`${this.elements} elements expected, more found`);
    }
    if (this.table === null) {
      new Uint8Array(this.data.buffer).set(bytes, this.done * size);
    } else if (size === 1) {
      widenBytes(this.data as Float32Array, this.done, bytes, this.table);
    } else {
      widenPairs(this.data as Float32Array, this.done, bytes, this.table, this.bigEndian);
    }
    this.done += count;
  }
}

function plain(bytes: number, allocate: Layout['allocate']): Layout {
  return { bytes, wide: bytes, allocate };
}

function widened(bytes: number, table: () => Float32Array): Layout {
  return { bytes, wide: 4, allocate: (n) => new Float32Array(n), table };
}

function widenBytes(target: Float32Array, at: number, bytes: Uint8Array, table: Float32Array): void {
  for (let i = 0; i < bytes.length; i++) {
    target[at + i] = table[bytes[i]!]!;
  }
}

function widenPairs(target: Float32Array, at: number, bytes: Uint8Array, table: Float32Array, bigEndian: boolean): void {
  const isWhole = !bigEndian && bytes.byteOffset % 2 === 0;
  const own = isWhole ? bytes : Uint8Array.from(bytes);
  if (bigEndian) Buffer.from(own.buffer).swap16();
  const pairs = new Uint16Array(own.buffer, own.byteOffset, own.length >> 1);
  for (let i = 0; i < pairs.length; i++) target[at + i] = table[pairs[i]!]!;
}

function swapInPlace(data: TensorData, width: number): void {
  const bytes = Buffer.from(data.buffer);
  if (width === 2) bytes.swap16();
  else if (width === 4) bytes.swap32();
  else if (width === 8) bytes.swap64();
}

/** Made at first use and kept: 256 KB for the 16-bit types. */
function tableOf(length: number, value: (bits: number) => number): () => Float32Array {
  let table: Float32Array | undefined;
  return () => (table ??= Float32Array.from({ length }, (_, bits) => value(bits)));
}

/** IEEE 754 binary16. */
export function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** The upper half of a binary32. */
export function bfloat16(bits: number): number {
  return new Float32Array(new Uint32Array([bits << 16]).buffer)[0]!;
}

/** "E4M3FN" of Micikevicius et al. 2022, arXiv:2209.05433: no infinities, one NaN. */
function float8e4m3(bits: number): number {
  const sign = bits & 0x80 ? -1 : 1;
  const exponent = (bits >> 3) & 0xf;
  const fraction = bits & 7;
  if (exponent === 15 && fraction === 7) return NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -9 : (1 + fraction / 8) * 2 ** (exponent - 7));
}
