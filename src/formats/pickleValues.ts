/**
 * What a pickle says, as data. Lists are arrays, `bytes` and `bytearray` are Uint8Array (a view of the pickle where that is possible), whole numbers
 * beyond 2^53 are bigint. One object that the pickle refers to several times is one object here too, cycles included.
 */
export type PickleValue =
  | null | boolean | number | bigint | string | Uint8Array | PickleValue[]
  | PickleTuple | PickleDict | PickleSet | PickleGlobal | PickleObject | PicklePersistent;

export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

/** A dictionary of any kind; `type` tells which ("dict", "collections.OrderedDict", ...). */
export class PickleDict {
  /** Made at the first entry: the many empty dictionaries of a checkpoint stay small. */
  entries: Map<PickleValue, PickleValue> | null = null;
  /** Attributes, such as `_metadata` of a state dict. */
  state: PickleValue = null;

  constructor(readonly type: string) {}

  get(key: PickleValue): PickleValue | undefined {
    return this.entries?.get(key);
  }
}

/** A set or frozenset; members in the order written, possibly twice. */
export class PickleSet {
  constructor(readonly items: PickleValue[]) {}
}

/** The name of a class or function. It is never looked up. */
export class PickleGlobal {
  constructor(
    readonly module: string,
    readonly name: string,
  ) {}

  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** What Python would get by calling `callee`. Nothing is called: the arguments, and what is later put into the object, are kept. */
export class PickleObject {
  /** Appended to it, as to a list. */
  items: PickleValue[] | null = null;
  /** Set in it, as in a dictionary. */
  entries: Map<PickleValue, PickleValue> | null = null;
  /** Given to its `__setstate__`, usually the dictionary of its attributes. */
  state: PickleValue = null;

  constructor(
    readonly callee: PickleValue,
    readonly args: readonly PickleValue[],
  ) {}
}

/** Something outside of the pickle, by an identity that only the writer gives a meaning to. */
export class PicklePersistent {
  constructor(readonly id: PickleValue) {}
}

/** "torch.FloatStorage" for the class or function of that name, or for an object that it would make; null for everything else. */
export function globalPath(value: PickleValue | undefined): string | null {
  const named = value instanceof PickleObject ? value.callee : value;
  return named instanceof PickleGlobal ? named.path : null;
}

/** Items of a list or tuple (or of what `torch.Size` would make of one), or null. */
export function sequenceItems(value: PickleValue | undefined): readonly PickleValue[] | null {
  if (value instanceof PickleTuple) {
    return value.items;
  }
  if (Array.isArray(value)) {
    return value;
  }
  return value instanceof PickleObject && globalPath(value) === 'torch.Size' && value.args.length === 1 && !(value.args[0] instanceof PickleObject)
    ? sequenceItems(value.args[0])
    : null;
}
