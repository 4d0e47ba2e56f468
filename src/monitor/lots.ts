import { createHash, randomUUID } from 'node:crypto';

/** A number from 0 to 1 for a key, always the same for the same key. */
export type Lots = (key: string) => number;

/** Other numbers for another seed. */
export function lotsOf(seed: string): Lots {
  return (key) => createHash('sha1').update(`${seed}\n${key}`).digest().readUInt32BE(0) / 2 ** 32;
}

/** Those of this process: no other has the same. */
export const ownLots = lotsOf(randomUUID());

/** The higher the sooner: the layers of one file follow one another, as what is read for one serves the next. */
export function lotOfLayer(lots: Lots, fingerprint: string, layer: string): number {
  return lots(fingerprint) + lots(`${fingerprint}\n${layer}`) * 1e-6;
}
