import { bytesOf, type TensorData } from './decode';
import { elementsOf } from './shape';
import { copyView } from './strided';
import type { DType } from './tensors';

/** What stands before the values of a .npy file. */
export interface NpyHeader {
  readonly shape: readonly number[];
  readonly fortranOrder: boolean;
  readonly elements: number;
  /** Offset of the values. */
  readonly dataStart: number;
  /** Bytes of the values. */
  readonly dataBytes: number;
  readonly type: NpyType;
}

export type NpyType =
  | { readonly kind: 'number'; readonly dtype: DType; readonly bigEndian: boolean }
  /** Fixed-width text: UCS-4 (`U`) or bytes (`S`), `width` in characters. */
  | { readonly kind: 'text'; readonly encoding: 'ucs4' | 'bytes'; readonly width: number; readonly bigEndian: boolean }
  | { readonly kind: 'unsupported'; readonly reason: string };

/** How many bytes from the start are needed to know the whole header. */
export interface NpyHeaderLength {
  readonly start: number;
  readonly length: number;
}

/** NumPy itself refuses headers beyond 10,000 characters unless told otherwise; structured types may be longer. */
const largestHeader = 1024 * 1024;
const magic = '\x93NUMPY';
/** Magic, version and the longer form of the length. */
export const npyPreamble = 12;

const numberTypes: Readonly<Record<string, DType>> = {
  b1: 'BOOL', i1: 'I8', u1: 'U8', i2: 'I16', u2: 'U16', i4: 'I32', u4: 'U32', i8: 'I64', u8: 'U64',
  f2: 'F16', f4: 'F32', f8: 'F64', c8: 'C64', c16: 'C128',
};

/** The type of "<f4" or "f4", or null when it is no number that is decoded. */
export function numberTypeOf(code: string): DType | null {
  const name = code.replace(/^[<>|=]/, '');
  return Object.hasOwn(numberTypes, name) ? numberTypes[name]! : null;
}

/** https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html; every problem is a `NpyError` for the caller to place. */
export class NpyError extends Error {}

/** @param bytes at least `npyPreamble` bytes, or all there are */
export function npyHeaderLength(bytes: Uint8Array): NpyHeaderLength {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 10 || latin1(bytes.subarray(0, 6)) !== magic) {
    throw new NpyError('does not begin as an array of NumPy does');
  }
  const version = bytes[6]!;
  if (version < 1 || version > 3) {
    throw new NpyError(`version ${version} of the npy format is unknown`);
  }
  if (version > 1 && bytes.length < npyPreamble) {
    throw new NpyError('ends inside its header');
  }
  const start = version === 1 ? 10 : npyPreamble;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > largestHeader) {
    throw new NpyError(`its header is said to be ${length} bytes long, more than the limit of ${largestHeader}`);
  }
  return { start, length };
}

/** @param bytes the file up to the end of its header or further */
export function parseNpyHeader(bytes: Uint8Array): NpyHeader {
  const { start, length } = npyHeaderLength(bytes);
  if (bytes.length < start + length) {
    throw new NpyError('ends inside its header');
  }
  const text = latin1(bytes.subarray(start, start + length));
  const type = typeOf(text);
  const fortran = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text)?.[1];
  // Python 2 wrote 10L.
  const axes = /['"]shape['"]\s*:\s*\(([\dL,\s]*)\)/.exec(text)?.[1];
  if (fortran === undefined || axes === undefined) {
    throw new NpyError('its header lacks fortran_order or shape');
  }
  const shape = axes.split(',').map((axis) => axis.replace('L', '').trim()).filter((axis) => axis !== '').map(Number);
  const elements = elementsOf(shape);
  if (typeof elements === 'string') {
    throw new NpyError(elements);
  }
  const dataBytes = elements * elementBytes(type);
  if (!Number.isSafeInteger(dataBytes)) {
    throw new NpyError(`its shape [${shape.join(', ')}] has more bytes than any file holds`);
  }
  return { shape, fortranOrder: fortran === 'True', elements, dataStart: start + length, dataBytes, type };
}

function typeOf(header: string): NpyType {
  const descr = /['"]descr['"]\s*:\s*(?:['"]([^'"]*)['"]|(\[))/.exec(header);
  if (descr === null) {
    throw new NpyError('its header lacks descr');
  }
  if (descr[2] !== undefined) {
    return { kind: 'unsupported', reason: 'is an array of records with named fields; save the fields as arrays of their own' };
  }
  const written = descr[1]!;
  const parts = /^([<>|=]?)([a-zA-Z])(\d*)/.exec(written);
  const bigEndian = parts?.[1] === '>';
  const letter = parts?.[2];
  const dtype = numberTypes[`${letter}${parts?.[3]}`];
  if (dtype !== undefined) {
    return { kind: 'number', dtype, bigEndian };
  }
  switch (letter) {
    case 'U':
    case 'S':
    case 'a':
      return { kind: 'text', encoding: letter === 'U' ? 'ucs4' : 'bytes', width: Number(parts![3]), bigEndian };
    case 'O':
      return { kind: 'unsupported', reason: 'is an array of Python objects (a pickle), which is never unpacked; save plain numbers' };
    case 'V':
      return { kind: 'unsupported', reason: `has the opaque type ${written}, as NumPy writes bfloat16; save float32, or bfloat16 in safetensors` };
    default:
      return { kind: 'unsupported', reason: `has the type ${JSON.stringify(written)}, which is not read` };
  }
}

function elementBytes(type: NpyType): number {
  switch (type.kind) {
    case 'number':
      return bytesOf(type.dtype);
    case 'text':
      return type.width * (type.encoding === 'ucs4' ? 4 : 1);
    case 'unsupported':
      return 0;
  }
}

/** The strings of a text array, trailing NULs removed as NumPy does. */
export function decodeText(bytes: Uint8Array, elements: number, type: Extract<NpyType, { kind: 'text' }>): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = elementBytes(type);
  return Array.from({ length: elements }, (_, element) => {
    const start = element * width;
    if (type.encoding === 'bytes') {
      return Buffer.from(bytes.subarray(start, start + width)).toString('utf8').replace(/\0+$/, '');
    }
    let text = '';
    for (let at = start; at < start + width; at += 4) {
      const code = view.getUint32(at, !type.bigEndian);
      text += code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
    }
    return text.replace(/\0+$/, '');
  });
}

/** Values in column-major order, put into row-major order. */
export function toRowMajor(data: TensorData, shape: readonly number[]): TensorData {
  if (shape.filter((size) => size > 1).length < 2) {
    return data;
  }
  const result = data.slice();
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, size) => product * size, 1));
  copyView({ shape, strides, offset: 0 }, data, result);
  return result;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
