import type { ByteSource } from './byteSource';
import { requireRange } from './fileSource';

/** Bytes that are already in memory. `read` answers with copies. */
export function memorySource(name: string, bytes: Uint8Array, version = ''): ByteSource {
  const source = { name, size: bytes.byteLength };
  return {
    ...source,
    version: `${bytes.byteLength}-${version}`,
    async read(offset, length) {
      requireRange(source, offset, length);
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
    async close() {},
  };
}
