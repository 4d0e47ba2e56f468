/** A small seeded generator (mulberry32), so that a failure can be repeated. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const telling = [0x00, 0xff, 0x7f, 0x80, 0x0a, 0x22, 0x2c, 0x5b, 0x7b, 0x7d, 0x30, 0x39];

/** Some bytes changed, removed, doubled or replaced by values that parsers stumble over. */
export function mutate(original: Uint8Array, random: () => number): Buffer {
  let bytes = Buffer.from(original);
  const times = 1 + Math.floor(random() * 4);
  for (let i = 0; i < times && bytes.length > 0; i++) {
    const at = Math.floor(random() * bytes.length);
    const length = Math.min(bytes.length - at, 1 + Math.floor(random() * 16));
    switch (Math.floor(random() * 6)) {
      case 0:
        bytes[at] = Math.floor(random() * 256);
        break;
      case 1:
        bytes[at] = telling[Math.floor(random() * telling.length)]!;
        break;
      case 2:
        bytes[at]! ^= 1 << Math.floor(random() * 8);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
        break;
      default:
        bytes.fill(random() < 0.5 ? 0xff : 0x00, at, at + length);
    }
  }
  return bytes;
}
