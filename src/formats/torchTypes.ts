import { bytesOf } from './decode';
import type { DType } from './tensors';

/** Element types by the class of a storage. An untyped one, as torch 2 writes for newer types, counts bytes. */
const storages: Readonly<Record<string, string>> = {
  DoubleStorage: 'float64', FloatStorage: 'float32', HalfStorage: 'float16', BFloat16Storage: 'bfloat16',
  LongStorage: 'int64', IntStorage: 'int32', ShortStorage: 'int16', CharStorage: 'int8', ByteStorage: 'uint8', BoolStorage: 'bool',
  ComplexDoubleStorage: 'complex128', ComplexFloatStorage: 'complex64', ComplexHalfStorage: 'complex32',
  QInt8Storage: 'qint8', QUInt8Storage: 'quint8', QInt32Storage: 'qint32', QUInt4x2Storage: 'quint4x2', QUInt2x4Storage: 'quint2x4',
  Float8_e4m3fnStorage: 'float8_e4m3fn', Float8_e5m2Storage: 'float8_e5m2',
  UntypedStorage: 'uint8', _UntypedStorage: 'uint8',
};

const types: Readonly<Record<string, DType>> = {
  float64: 'F64', double: 'F64', float32: 'F32', float: 'F32', float16: 'F16', half: 'F16', bfloat16: 'BF16',
  float8_e4m3fn: 'F8_E4M3', float8_e5m2: 'F8_E5M2',
  int64: 'I64', long: 'I64', int32: 'I32', int: 'I32', int16: 'I16', short: 'I16', int8: 'I8',
  uint64: 'U64', uint32: 'U32', uint16: 'U16', uint8: 'U8', bool: 'BOOL',
  complex128: 'C128', cdouble: 'C128', complex64: 'C64', cfloat: 'C64',
};

/** Bytes of an element where the type is none that is decoded; needed to know where the next storage of a legacy file begins. */
const otherSizes: Readonly<Record<string, number>> = {
  complex32: 4, qint8: 1, quint8: 1, qint32: 4, quint4x2: 1, quint2x4: 1, float8_e4m3fnuz: 1, float8_e5m2fnuz: 1, float8_e8m0fnu: 1,
};

/** "torch.FloatStorage", "torch.cuda.FloatStorage" or "torch.storage.UntypedStorage" to the name of the element type, or null. */
export function typeOfStorage(path: string | null): string | null {
  const name = /^torch(?:\.\w+)*\.(\w+)$/.exec(path ?? '')?.[1];
  return name !== undefined && Object.hasOwn(storages, name) ? storages[name]! : null;
}

/** "torch.float32" to "float32", or null. */
export function typeOfGlobal(path: string | null): string | null {
  return /^torch\.(\w+)$/.exec(path ?? '')?.[1] ?? null;
}

/** The name of safetensors for one of torch, or null when the type is not decoded. */
export function dtypeOf(torchType: string): DType | null {
  return Object.hasOwn(types, torchType) ? types[torchType]! : null;
}

/** Bytes of an element, or null when the type is unknown. */
export function bytesOfType(torchType: string): number | null {
  const dtype = dtypeOf(torchType);
  return dtype !== null ? bytesOf(dtype) : Object.hasOwn(otherSizes, torchType) ? otherSizes[torchType]! : null;
}
