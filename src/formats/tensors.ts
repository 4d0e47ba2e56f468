import type { ByteSource } from './byteSource';

/** Names as safetensors spells them. */
export type DType =
  | 'BOOL' | 'I8' | 'U8' | 'I16' | 'U16' | 'I32' | 'U32' | 'I64' | 'U64'
  | 'F8_E4M3' | 'F8_E5M2' | 'BF16' | 'F16' | 'F32' | 'F64' | 'C64' | 'C128';

export interface TensorInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Bytes of its values. */
  readonly bytes: number;
}

/**
 * A tensor in memory, row-major. F16, BF16 and F8 are widened to Float32Array without loss; 64-bit integers stay exact;
 * BOOL is 0 or 1 in a Uint8Array; C64 and C128 are Float32Array and Float64Array with real and imaginary part in turn.
 */
export interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array | BigUint64Array | Uint8Array | Int8Array | Int16Array | Uint16Array | Uint32Array;
}

/** A tensor that the file holds and that cannot be read, with the reason. */
export interface SkippedTensor {
  readonly name: string;
  readonly reason: string;
}

/** An opened container of named tensors. Listing reads no values; `read` slices one tensor out of the file. */
export interface TensorFile {
  /** In file order. */
  readonly tensors: readonly TensorInfo[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Left out of `tensors`; the others are usable. */
  readonly skipped?: readonly SkippedTensor[];
  /** @throws {FormatError} when there is no such tensor or its bytes cannot be read. */
  read(name: string): Promise<Tensor>;
  /**
   * Entries `first` to `first + count` of the first axis; only of formats in which they lie together.
   * @throws {FormatError} as `read`, and when there are no such entries
   */
  readRows?(name: string, first: number, count: number): Promise<Tensor>;
}

/** Some formats name more than one file; the opener resolves siblings through this. */
export type OpenSibling = (relativePath: string) => Promise<ByteSource>;
