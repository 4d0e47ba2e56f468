import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { expect } from 'vitest';
import { FormatError } from '../../../src/formats';

/** A file of test/fixtures. */
export function fixture(path: string): Buffer {
  return readFileSync(join(__dirname, '../../fixtures', path));
}

export function fixturePath(path: string): string {
  return join(__dirname, '../../fixtures', path);
}

/** A safetensors file from a header (an object, or text to be wrong on purpose) and the bytes after it. */
export function safetensorsBytes(header: object | string, data: Uint8Array = new Uint8Array(0), headerLength?: bigint): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(headerLength ?? BigInt(text.length));
  return Buffer.concat([prefix, text, data]);
}

export interface FloatTensor {
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly dtype?: 'F32' | 'I32' | 'F64';
}

/** A safetensors file of small tensors. */
export function safetensorsOf(tensors: Readonly<Record<string, FloatTensor>>, metadata?: Readonly<Record<string, string>>): Buffer {
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  const parts: Buffer[] = [];
  let offset = 0;
  for (const [name, { shape, values, dtype = 'F32' }] of Object.entries(tensors)) {
    const array = dtype === 'F32' ? Float32Array.from(values) : dtype === 'F64' ? Float64Array.from(values) : Int32Array.from(values);
    const bytes = Buffer.from(array.buffer);
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
    parts.push(bytes);
  }
  return safetensorsBytes(header, Buffer.concat(parts));
}

export interface ZipPart {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly deflate?: boolean;
  /** Lies for the central directory. */
  readonly claim?: { readonly bytes?: number; readonly crc?: number; readonly offset?: number; readonly method?: number; readonly flags?: number };
}

/** A zip archive, with lies where a test asks for them. */
export function zipOf(parts: readonly ZipPart[], claimedEntries?: number): Buffer {
  const chunks: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, deflate = false, claim = {} } of parts) {
    const packed = deflate ? deflateRawSync(bytes, { level: 1 }) : Buffer.from(bytes);
    const method = claim.method ?? (deflate ? 8 : 0);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(claim.flags ?? 0, 2);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(claim.crc ?? crc32(bytes), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(claim.bytes ?? bytes.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from([0x50, 0x4b, 3, 4]), fields, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(claim.offset ?? offset, 10);
    directory.push(Buffer.concat([Buffer.from([0x50, 0x4b, 1, 2, 20, 0]), fields, tail, Buffer.from(name)]));
    chunks.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.set([0x50, 0x4b, 5, 6]);
  end.writeUInt16LE(claimedEntries ?? parts.length, 8);
  end.writeUInt16LE(claimedEntries ?? parts.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...chunks, central, end]);
}

/** A .npy file, version 1. */
export function npyOf(descr: string, shape: readonly number[], data: Uint8Array, fortran = false): Buffer {
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const header = Buffer.from(`{'descr': ${descr}, 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${dimensions}), }\n`);
  const prefix = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0]);
  prefix.writeUInt16LE(header.length, 8);
  return Buffer.concat([prefix, header, data]);
}

/** Expects a FormatError and answers with it. */
export async function failure(promise: Promise<unknown>): Promise<FormatError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(FormatError);
  return error as FormatError;
}
