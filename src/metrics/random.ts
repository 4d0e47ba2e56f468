import { hash64, randomPurpose } from '../linalg/random';

export { hash64, Random, randomPurpose } from '../linalg/random';

/** The random label in 0 .. classes-1 of a sample for one head: the upper 32 bits of the hash, scaled. It depends on nothing else. */
export function randomLabel(seed: number, head: number, sampleId: bigint, classes: number): number {
  const upper = hash64(randomPurpose.label, seed, head, sampleId) >> 32n;
  return Number((upper * BigInt(classes)) >> 32n);
}
