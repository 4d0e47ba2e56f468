import type { Hdf5Cursor } from './hdf5Bytes';
import { elementsOf } from './shape';
import type { DType } from './tensors';

/** Types inside types (compound, enumeration, variable length); nobody nests more. */
const deepest = 8;
const mostMembers = 1000;

/** What the elements of a dataset or attribute are, as far as it matters here. */
export type Hdf5Type =
  | { readonly kind: 'number'; readonly dtype: DType; readonly bigEndian: boolean; readonly bytes: number }
  | { readonly kind: 'text'; readonly bytes: number }
  /** Text kept elsewhere (global heap); its elements are length, address and index. */
  | { readonly kind: 'variableText'; readonly bytes: number }
  | { readonly kind: 'opaque'; readonly bytes: number; readonly tag: string }
  | { readonly kind: 'other'; readonly bytes: number; readonly reason: string };

/** A datatype message (specification, IV.A.2.d). */
export function readType(cursor: Hdf5Cursor, depth = 0): Hdf5Type {
  const classAndVersion = cursor.u8();
  const bits = cursor.unsigned(3);
  const bytes = cursor.u32();
  const version = classAndVersion >> 4;
  if (version < 1 || version > 5) {
    throw cursor.fail(`version ${version} of a datatype is unknown`);
  }
  if (depth > deepest) {
    throw cursor.fail(`datatypes are nested more than ${deepest} deep`);
  }
  switch (classAndVersion & 15) {
    case 0:
      return fixedPoint(cursor, bits, bytes);
    case 1:
      return floatingPoint(cursor, bits, bytes);
    case 3:
      return { kind: 'text', bytes };
    case 5:
      return { kind: 'opaque', bytes, tag: cursor.text(Math.min(bits & 0xff, cursor.left)) };
    case 6:
      return compound(cursor, version, bits & 0xffff, bytes, depth);
    case 8:
      return enumeration(cursor, version, bits & 0xffff, bytes, depth);
    case 9:
      return (bits & 15) === 1 ? { kind: 'variableText', bytes } : other(bytes, 'holds lists of differing lengths');
    default:
      return other(bytes, `holds elements of HDF5's class ${classNames[classAndVersion & 15] ?? classAndVersion & 15}`);
  }
}

const classNames: readonly string[] = ['number', 'number', 'time', 'text', 'bit field', 'opaque', 'compound', 'reference', 'enumeration', 'list', 'array', 'complex'];

function other(bytes: number, reason: string): Hdf5Type {
  return { kind: 'other', bytes, reason: `${reason}, which are not read` };
}

function fixedPoint(cursor: Hdf5Cursor, bits: number, bytes: number): Hdf5Type {
  const offset = cursor.u16();
  const precision = cursor.u16();
  const isWhole = offset === 0 && precision === bytes * 8 && [1, 2, 4, 8].includes(bytes);
  if (!isWhole) {
    return other(bytes, `holds integers of ${precision} bits in ${bytes} bytes`);
  }
  return { kind: 'number', dtype: `${bits & 8 ? 'I' : 'U'}${bytes * 8}` as DType, bigEndian: (bits & 1) !== 0, bytes };
}

/** By bytes, bits of exponent, bits of fraction and bias. */
const floats: Readonly<Record<string, DType>> = {
  '1 4 3 7': 'F8_E4M3', '1 5 2 15': 'F8_E5M2', '2 5 10 15': 'F16', '2 8 7 127': 'BF16', '4 8 23 127': 'F32', '8 11 52 1023': 'F64',
};

function floatingPoint(cursor: Hdf5Cursor, bits: number, bytes: number): Hdf5Type {
  cursor.skip(5);
  const exponent = cursor.u8();
  cursor.skip(1);
  const fraction = cursor.u8();
  const bias = cursor.u32();
  const dtype = floats[`${bytes} ${exponent} ${fraction} ${bias}`];
  // Bit 6 with bit 0 is the VAX order.
  if (dtype === undefined || (bits & 0x40) !== 0) {
    return other(bytes, `holds floating-point numbers of ${bytes} bytes with ${exponent} bits of exponent and ${fraction} of fraction`);
  }
  return { kind: 'number', dtype, bigEndian: (bits & 1) !== 0, bytes };
}

/** h5py's complex numbers are a compound of r and i; others are tables. */
function compound(cursor: Hdf5Cursor, version: number, members: number, bytes: number, depth: number): Hdf5Type {
  if (members !== 2) {
    return other(bytes, `holds records of ${members} fields`);
  }
  const parts = [0, 1].map(() => {
    memberName(cursor, version);
    const offset = version >= 3 ? cursor.unsigned(bytesFor(bytes)) : cursor.u32();
    if (version === 1) {
      cursor.skip(28);
    }
    return { offset, type: readType(cursor, depth + 1) };
  });
  const [real, imaginary] = parts as [(typeof parts)[0], (typeof parts)[0]];
  const isComplex =
    real.type.kind === 'number' && imaginary.type.kind === 'number' && real.type.dtype === imaginary.type.dtype &&
    real.type.bigEndian === imaginary.type.bigEndian && real.offset === 0 && imaginary.offset === real.type.bytes && bytes === 2 * real.type.bytes;
  if (!isComplex || real.type.kind !== 'number' || (real.type.dtype !== 'F32' && real.type.dtype !== 'F64')) {
    return other(bytes, 'holds records of 2 fields');
  }
  return { kind: 'number', dtype: real.type.dtype === 'F32' ? 'C64' : 'C128', bigEndian: real.type.bigEndian, bytes };
}

/** Names for integers. h5py's truth values are the enumeration FALSE = 0, TRUE = 1. */
function enumeration(cursor: Hdf5Cursor, version: number, members: number, bytes: number, depth: number): Hdf5Type {
  const base = readType(cursor, depth + 1);
  if (members > mostMembers || base.kind !== 'number' || base.bytes !== bytes) {
    return other(bytes, 'holds names of an enumeration');
  }
  const names = Array.from({ length: members }, () => memberName(cursor, version));
  const values = Array.from({ length: members }, () => cursor.unsigned(bytes));
  const isTruth = bytes === 1 && names.join() === 'FALSE,TRUE' && values.join() === '0,1';
  return isTruth ? { ...base, dtype: 'BOOL' } : base;
}

function memberName(cursor: Hdf5Cursor, version: number): string {
  const before = cursor.position;
  const name = cursor.zeroEnded();
  if (version < 3) {
    cursor.skip((8 - ((cursor.position - before) % 8)) % 8);
  }
  return name;
}

/** Bytes that a number up to `largest` needs. */
export function bytesFor(largest: number): number {
  let bytes = 1;
  for (let reach = 256; reach <= largest; reach *= 256) {
    bytes++;
  }
  return bytes;
}

export interface Dataspace {
  readonly shape: readonly number[];
  /** How far each axis may grow; Infinity where there is no end. */
  readonly largest: readonly number[];
  readonly elements: number;
  /** Holds no element at all, not even none of a shape. */
  readonly isNull: boolean;
}

/** A dataspace message (specification, IV.A.2.b). @returns the reason where the shape cannot be believed */
export function readDataspace(cursor: Hdf5Cursor): Dataspace | string {
  const version = cursor.u8();
  const rank = cursor.u8();
  const flags = cursor.u8();
  if (version !== 1 && version !== 2) {
    throw cursor.fail(`version ${version} of a dataspace is unknown`);
  }
  const isNull = version === 2 && cursor.u8() === 2;
  if (version === 1) {
    cursor.skip(5);
  }
  const shape = Array.from({ length: rank }, () => cursor.length());
  const largest = (flags & 1) !== 0 ? Array.from({ length: rank }, () => cursor.length()) : shape;
  const elements = elementsOf(shape);
  return typeof elements === 'string' ? elements : { shape, largest, elements, isNull };
}
