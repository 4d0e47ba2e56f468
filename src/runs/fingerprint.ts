import { createHash } from 'node:crypto';
import type { ByteSource } from '../formats';

/** Files up to here are hashed as a whole (0.1 s); beyond, a checkpoint of 10 GB must not be read just to be recognised. */
export const wholeUpTo = 32 * 1024 * 1024;
/** Of larger files: so many blocks, the first and the last among them, evenly spread. A training step changes every one. */
const sampledBlocks = 64;
const blockBytes = 256 * 1024;

/** Of several files (an index and its shards) the hash of their fingerprints; of one its own. @throws {FormatError} when one cannot be read. */
export async function fingerprintOfFiles(source: ByteSource, siblings: readonly ByteSource[]): Promise<string> {
  const own = await fingerprint(source);
  if (siblings.length === 0) return own;
  const hash = createHash('sha1').update(own);
  for (const sibling of siblings) hash.update(await fingerprint(sibling));
  return `sha1-files:${hash.digest('hex')}`;
}

/**
 * Identifies the content of a source: equal for copies, different after a rewrite, independent of name and time.
 * "sha1:<hex>" over everything, or "sha1-sampled:<hex>" over the size and sampled blocks of a file above 32 MiB.
 * @throws {FormatError} when the source cannot be read.
 */
export async function fingerprint(source: ByteSource): Promise<string> {
  const hash = createHash('sha1');
  if (source.size <= wholeUpTo) {
    for (let at = 0; at < source.size; at += blockBytes * 16) {
      hash.update(await source.read(at, Math.min(blockBytes * 16, source.size - at)));
    }
    return `sha1:${hash.digest('hex')}`;
  }
  hash.update(`${source.size}\n`);
  const last = source.size - blockBytes;
  for (let block = 0; block < sampledBlocks; block++) {
    hash.update(await source.read(Math.round((last * block) / (sampledBlocks - 1)), blockBytes));
  }
  return `sha1-sampled:${hash.digest('hex')}`;
}
