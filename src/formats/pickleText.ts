import { numpyScalarOf } from './numpyPickle';
import { globalPath, PickleDict, PickleGlobal, PickleObject, PickleTuple, sequenceItems, type PickleValue } from './pickleValues';

/** Longer texts are data, not a setting. */
const longestText = 1000;
/** Longer lists are data, not a setting. */
const mostItems = 32;

/**
 * A setting as text: numbers, truth values, texts, short lists of these, and what Python's pathlib, datetime, fractions, decimal and torch keep beside them;
 * null for everything else.
 */
export function textOf(value: PickleValue): string | null {
  const text = plainText(value) ?? listText(value);
  return text === null || text.length > longestText ? null : text;
}

/** Entries of a dictionary, or the attributes of an object such as `argparse.Namespace`; null when the value has neither. */
export function entriesOf(value: PickleValue): ReadonlyMap<PickleValue, PickleValue> | null {
  if (value instanceof PickleDict) {
    return value.entries ?? new Map();
  }
  if (value instanceof PickleObject) {
    return value.entries ?? attributesOf(value);
  }
  return null;
}

/** What `__dict__` of an object would hold: its state, or the first of (attributes, slots). */
export function attributesOf({ state }: PickleObject): ReadonlyMap<PickleValue, PickleValue> | null {
  const attributes = state instanceof PickleTuple && state.items.length === 2 ? (state.items[0] ?? state.items[1]) : state;
  return attributes instanceof PickleDict ? (attributes.entries ?? new Map<PickleValue, PickleValue>()) : null;
}

function plainText(value: PickleValue | undefined): string | null {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      return value instanceof PickleObject || value instanceof PickleGlobal ? namedText(value) : null;
  }
}

function namedText(value: PickleObject | PickleGlobal): string | null {
  const path = globalPath(value) ?? '';
  if (value instanceof PickleGlobal) {
    return /^torch\.\w+$/.test(path) ? path : null;
  }
  const { args } = value;
  if (/^pathlib(?:\._local)?\.\w*Path$/.test(path)) {
    const parts = args.filter((part) => typeof part === 'string');
    return parts.length === args.length ? parts.join(path.includes('Windows') ? '\\' : '/').replace(/^\/\//, '/') : null;
  }
  switch (path) {
    case 'numpy.core.multiarray.scalar': {
      const number = numpyScalarOf(value);
      return number === undefined ? null : String(number);
    }
    case 'torch.device':
      return args.every((part) => typeof part === 'string' || typeof part === 'number') ? args.join(':') : null;
    case 'fractions.Fraction':
      return args.every((part) => typeof part !== 'object') ? args.join('/') : null;
    case 'decimal.Decimal':
      return typeof args[0] === 'string' ? args[0] : null;
    case 'builtins.complex':
      return args.length === 2 && args.every((part) => typeof part === 'number') ? `${String(args[0])}${Number(args[1]) < 0 ? '' : '+'}${String(args[1])}j` : null;
    case 'datetime.datetime':
    case 'datetime.date':
      return args[0] instanceof Uint8Array ? dateText(args[0]) : null;
    default:
      return null;
  }
}

function listText(value: PickleValue): string | null {
  const items = sequenceItems(value);
  if (items === null || items.length === 0 || items.length > mostItems) {
    return null;
  }
  const texts = items.map((item) => (typeof item === 'number' || typeof item === 'boolean' ? item : plainText(item)));
  return texts.includes(null) ? null : JSON.stringify(texts);
}

/** CPython's datetime: two bytes of year, then month, day, hour, minute, second and three bytes of microseconds; the highest bit of the month is `fold`. */
function dateText(bytes: Uint8Array): string | null {
  if (bytes.length !== 4 && bytes.length !== 10) {
    return null;
  }
  const two = (at: number) => String(bytes[at]!).padStart(2, '0');
  const date = `${String(bytes[0]! * 256 + bytes[1]!).padStart(4, '0')}-${String(bytes[2]! & 0x7f).padStart(2, '0')}-${two(3)}`;
  return bytes.length === 4 ? date : `${date}T${two(4)}:${two(5)}:${two(6)}`;
}
