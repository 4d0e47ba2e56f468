const mask64 = (1n << 64n) - 1n;
const golden64 = 0x9e3779b97f4a7c15n;

/** The finalizer of SplitMix64 (Steele, Lea & Flood 2014): every bit of the input reaches every bit of the result. */
function mix64(value: bigint): bigint {
  let z = (value + golden64) & mask64;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask64;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask64;
  return z ^ (z >> 31n);
}

/** A 64-bit hash of whole numbers in order: h = mix64(0), then h = mix64(h xor part) for each. Negative ones count modulo 2^64. */
export function hash64(...parts: readonly (bigint | number)[]): bigint {
  let hash = mix64(0n);
  for (const part of parts) hash = mix64(hash ^ (BigInt(part) & mask64));
  return hash;
}

/** What a stream of random numbers is for, so that two uses of one seed never share numbers. */
export const randomPurpose = { label: 1, control: 2, bootstrap: 3, clusters: 4, labelOrder: 8, validation: 9, shuffles: 31, views: 41, masks: 42, samples: 43, directions: 44 } as const;

/** Random numbers of a seed: xoshiro128** (Blackman & Vigna 2018), its state filled by hashes of the parts. */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;
  private spare: number | null = null;

  constructor(...parts: readonly (bigint | number)[]) {
    const first = hash64(...parts, 0);
    const second = hash64(...parts, 1);
    this.a = Number(first & 0xffffffffn) | 0;
    this.b = Number(first >> 32n) | 0;
    this.c = Number(second & 0xffffffffn) | 0;
    // The state must not be all zeros.
    this.d = Number(second >> 32n) | 0 || 1;
  }

  /** A whole number in 0 .. 2^32-1. */
  next32(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(this.b, 5), 7), 9) >>> 0;
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = rotateLeft(this.d, 11);
    return scrambled;
  }

  /** A whole number in 0 .. bound-1, by scaling 32 bits. */
  below(bound: number): number {
    return Math.floor((this.next32() / 2 ** 32) * bound);
  }

  /** A standard normal number, by Box & Muller from two uniform numbers (u + 1/2) / 2^32; the sine partner follows. */
  gaussian(): number {
    if (this.spare !== null) {
      const value = this.spare;
      this.spare = null;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log((this.next32() + 0.5) / 2 ** 32));
    const angle = 2 * Math.PI * ((this.next32() + 0.5) / 2 ** 32);
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
