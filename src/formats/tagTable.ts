/** What is known of one quantity of an event log. */
export interface EventTag {
  readonly name: string;
  /** Position in `TagTable.names`. */
  readonly index: number;
  /** Bytes of the name. */
  readonly bytes: Uint8Array;
  readonly hash: number;
  /** The plugin for which its tensors are meant, as the first metadata says; later values come without it. Null: no metadata yet. */
  plugin: string | null;
  /** Whether the first metadata calls its tensors scalars. */
  isScalar: boolean;
  hasPoints: boolean;
}

/** Finds quantities by the bytes of their name, without making a string of them each time. Open addressing, FNV-1a. */
export class TagTable {
  readonly names: string[] = [];
  private readonly tags: EventTag[] = [];
  private slots = new Int32Array(256).fill(-1);

  /** @param most so many names are kept; an event file with more has data in its names */
  constructor(private readonly most: number) {}

  /** Null when the name is new and there are too many. */
  find(bytes: Uint8Array, start: number, end: number): EventTag | null {
    let hash = 0x811c9dc5;
    for (let at = start; at < end; at++) {
      hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
    }
    const mask = this.slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (let index = this.slots[slot]!; index >= 0; index = this.slots[slot]!) {
      const tag = this.tags[index]!;
      if (tag.hash === hash && isSame(tag.bytes, bytes, start, end)) {
        return tag;
      }
      slot = (slot + 1) & mask;
    }
    return this.tags.length >= this.most ? null : this.insert(bytes.slice(start, end), hash, slot);
  }

  private insert(bytes: Uint8Array, hash: number, slot: number): EventTag {
    const name = Buffer.from(bytes).toString('utf8');
    const tag: EventTag = { name, index: this.tags.length, bytes, hash, plugin: null, isScalar: false, hasPoints: false };
    this.tags.push(tag);
    this.names.push(name);
    this.slots[slot] = tag.index;
    if (4 * this.tags.length > this.slots.length) {
      this.rebuild();
    }
    return tag;
  }

  private rebuild(): void {
    this.slots = new Int32Array(4 * this.slots.length).fill(-1);
    const mask = this.slots.length - 1;
    for (const { hash, index } of this.tags) {
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (this.slots[slot]! >= 0) slot = (slot + 1) & mask;
      this.slots[slot] = index;
    }
  }
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (known.length !== end - start) {
    return false;
  }
  for (let i = 0; i < known.length; i++) {
    if (known[i] !== bytes[start + i]) {
      return false;
    }
  }
  return true;
}
