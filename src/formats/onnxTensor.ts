import { FormatError } from './byteSource';
import { bytesOf } from './decode';
import { readVarint, type ProtobufRanges, type RangedField } from './protobufRanges';
import { elementsOf, mostDimensions } from './shape';
import type { DType, SkippedTensor, TensorInfo } from './tensors';

/** Names, paths and the like. */
const longestText = 64 * 1024;
/** Varints are at most this long. */
const longestVarint = 10;

/** Numbers of TensorProto.DataType (onnx.proto3). */
const types: Readonly<Record<number, DType>> = {
  1: 'F32', 2: 'U8', 3: 'I8', 4: 'U16', 5: 'I16', 6: 'I32', 7: 'I64', 9: 'BOOL', 10: 'F16', 11: 'F64', 12: 'U32', 13: 'U64', 14: 'C64', 15: 'C128',
  16: 'BF16', 17: 'F8_E4M3', 19: 'F8_E5M2',
};
const otherTypes: Readonly<Record<number, string>> = {
  8: 'texts', 18: 'float8_e4m3fnuz', 20: 'float8_e5m2fnuz', 21: 'uint4', 22: 'int4', 23: 'float4_e2m1', 24: 'float8_e8m0', 25: 'uint2', 26: 'int2',
};
/** float_data, int32_data, int64_data, double_data, uint64_data. */
const typedFields: ReadonlySet<number> = new Set([4, 5, 7, 10, 11]);

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Where the values of an initialiser are. */
export type OnnxValues =
  /** Little-endian, as a tensor of that type is in memory. */
  | { readonly kind: 'bytes'; readonly ranges: readonly Range[] }
  /** One varint an element: a number, or the bits of one. */
  | { readonly kind: 'varints'; readonly ranges: readonly Range[] }
  | { readonly kind: 'external'; readonly location: string; readonly offset: number; readonly length: number | null };

export interface OnnxTensor extends TensorInfo {
  readonly elements: number;
  readonly values: OnnxValues;
}

/** A TensorProto: where it is and what it holds. No values are read. */
export async function readOnnxTensor(message: ProtobufRanges, { start, end }: Range): Promise<OnnxTensor | SkippedTensor> {
  let name = '';
  let type = 0;
  let isExternal = false;
  let raw: Range | null = null;
  const shape: number[] = [];
  const typed = new Map<number, Range[]>();
  const external = new Map<string, string>();
  for await (const field of message.fieldsOf(start, end)) {
    switch (field.number) {
      case 1:
        shape.push(...(await dimensionsOf(message, field)));
        break;
      case 2:
        type = Number(field.value);
        break;
      case 8:
        name = await message.text(field, longestText);
        break;
      case 9:
        raw = field;
        break;
      case 13: {
        const [key, value] = await keyAndValue(message, field);
        external.set(key, value);
        break;
      }
      case 14:
        isExternal = field.value === 1n;
        break;
      default:
        if (typedFields.has(field.number)) {
          const ranges = typed.get(field.number) ?? [];
          typed.set(field.number, ranges);
          // Neighbours are one range only when packed: between single values there are keys.
          ranges.push({ start: field.start, end: field.end });
        }
    }
  }
  const dtype = types[type];
  if (dtype === undefined) {
    return { name, reason: `holds ${otherTypes[type] ?? `elements of type ${type}`}, which are not read` };
  }
  const elements = elementsOf(shape);
  if (typeof elements === 'string') {
    return { name, reason: elements };
  }
  const bytes = elements * bytesOf(dtype);
  const values = valuesOf(dtype, isExternal, external, raw, typed);
  if (typeof values === 'string') {
    return { name, reason: values };
  }
  const problem = explainLength(values, shape, elements, bytes, dtype);
  return problem === null ? { name, shape, dtype, bytes, elements, values } : { name, reason: problem };
}

async function dimensionsOf({ source }: ProtobufRanges, field: RangedField): Promise<number[]> {
  if (field.wireType === 0) {
    return [Number(BigInt.asIntN(64, field.value))];
  }
  if (field.end - field.start > mostDimensions * longestVarint) {
    throw new FormatError(source.name, `byte ${field.start}`, `a shape has more than ${mostDimensions} axes`);
  }
  const dimensions: number[] = [];
  eachVarint(await source.read(field.start, field.end - field.start), (value) => dimensions.push(Number(BigInt.asIntN(64, value))));
  return dimensions;
}

/** StringStringEntryProto. */
export async function keyAndValue(message: ProtobufRanges, { start, end }: Range): Promise<[string, string]> {
  const pair: [string, string] = ['', ''];
  for await (const field of message.fieldsOf(start, end)) {
    if (field.number === 1 || field.number === 2) pair[field.number - 1] = await message.text(field, 16 * longestText);
  }
  return pair;
}

function valuesOf(dtype: DType, isExternal: boolean, external: ReadonlyMap<string, string>, raw: Range | null, typed: ReadonlyMap<number, Range[]>): OnnxValues | string {
  if (isExternal) {
    const location = external.get('location') ?? '';
    const offset = Number(external.get('offset') ?? 0);
    const length = external.has('length') ? Number(external.get('length')) : null;
    const isRange = Number.isSafeInteger(offset) && offset >= 0 && (length === null || (Number.isSafeInteger(length) && length >= 0));
    return isRange ? { kind: 'external', location, offset, length } : 'its offset or length in the external file is no whole number';
  }
  if (raw !== null) {
    return { kind: 'bytes', ranges: [raw] };
  }
  const [field, ranges] = [...typed].find(([, { length }]) => length > 0) ?? [0, []];
  switch (dtype) {
    case 'F32':
    case 'C64':
      return field === 4 || field === 0 ? { kind: 'bytes', ranges } : wrongField(field);
    case 'F64':
    case 'C128':
      return field === 10 || field === 0 ? { kind: 'bytes', ranges } : wrongField(field);
    case 'I64':
      return field === 7 || field === 0 ? { kind: 'varints', ranges } : wrongField(field);
    case 'U32':
    case 'U64':
      return field === 11 || field === 0 ? { kind: 'varints', ranges } : wrongField(field);
    default:
      return field === 5 || field === 0 ? { kind: 'varints', ranges } : wrongField(field);
  }
}

function wrongField(field: number): string {
  return `its values are in field ${field}, which is not for its type`;
}

function explainLength(values: OnnxValues, shape: readonly number[], elements: number, bytes: number, dtype: DType): string | null {
  const needs = `${dtype} of shape [${shape.join(', ')}] needs`;
  switch (values.kind) {
    case 'external':
      return values.length === null || values.length === bytes ? null : `${needs} ${bytes} bytes, but ${values.length} are said to be in ${values.location}`;
    case 'bytes': {
      const has = values.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
      return has === bytes ? null : `${needs} ${bytes} bytes, but the file has ${has}`;
    }
    case 'varints': {
      const has = values.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
      return has >= elements && has <= elements * longestVarint ? null : `${needs} ${elements} numbers, but they take ${has} bytes`;
    }
  }
}

/** Hands over varints; torn ones at the end are given back. */
export function eachVarint(bytes: Uint8Array, take: (value: bigint) => void): Uint8Array {
  let at = 0;
  while (at < bytes.length) {
    const read = readVarint(bytes, at, bytes.length);
    if (read === null) {
      break;
    }
    take(read.value);
    at = read.end;
  }
  return bytes.subarray(at);
}
