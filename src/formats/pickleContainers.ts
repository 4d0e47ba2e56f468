import { PickleDict, PickleSet, PickleTuple, sequenceItems, type PickleValue } from './pickleValues';

/** Estimates for V8; see pickleMachine.ts. */
const perItem = 48;
const perTable = 250;

type Charge = (bytes: number) => void;
/** Answers undefined when the arguments are not what Python's own pickler writes. */
type Maker = (args: readonly PickleValue[], charge: Charge) => PickleValue | undefined;

const dictionary =
  (type: string): Maker =>
  (args, charge) => {
    // defaultdict has its default factory in front; Counter and OrderedDict may get their entries as an argument.
    const given = type === 'collections.defaultdict' ? args[1] : args[0];
    const dict = new PickleDict(type);
    if (given === undefined || given === null) {
      return dict;
    }
    const count = given instanceof PickleDict ? (given.entries?.size ?? 0) : sequenceItems(given)?.length;
    if (count === undefined) {
      return undefined;
    }
    if (count > 0) {
      charge(perTable + 3 * perItem * count);
      const pairs = given instanceof PickleDict ? [...given.entries!] : sequenceItems(given)!.map(pairOf);
      if (pairs.includes(null)) {
        return undefined;
      }
      dict.entries = new Map(pairs as [PickleValue, PickleValue][]);
    }
    return dict;
  };

const items =
  (wrap: (items: PickleValue[]) => PickleValue): Maker =>
  ([given], charge) => {
    const members = given === undefined ? [] : given instanceof PickleSet ? given.items : sequenceItems(given);
    charge(perItem * (members?.length ?? 0));
    return members === null ? undefined : wrap([...members]);
  };

const bytes: Maker = (args, charge) => {
  const [content] = args;
  if (content instanceof Uint8Array || content === undefined) {
    return content ?? new Uint8Array(0);
  }
  // Protocol 2 has no bytes: _codecs.encode(text, 'latin1').
  if (typeof content !== 'string' || !['latin1', 'latin-1', undefined].includes(args[1] as string | undefined)) {
    return undefined;
  }
  charge(content.length);
  return Buffer.from(content, 'latin1');
};

/** The plain containers of Python: what is put into them later decides what the file holds. Everything else stays a name with arguments. */
const makers = new Map<string, Maker>([
  ['collections.OrderedDict', dictionary('collections.OrderedDict')],
  ['collections.defaultdict', dictionary('collections.defaultdict')],
  ['collections.Counter', dictionary('collections.Counter')],
  ['builtins.dict', dictionary('dict')],
  ['builtins.list', items((members) => members)],
  ['builtins.tuple', items((members) => new PickleTuple(members))],
  ['collections.deque', items((members) => members)],
  ['builtins.set', items((members) => new PickleSet(members))],
  ['builtins.frozenset', items((members) => new PickleSet(members))],
  ['builtins.bytearray', bytes],
  ['builtins.bytes', bytes],
  ['_codecs.encode', bytes],
]);

/**
 * The container that Python would make, or undefined when `path` names none.
 * @param charge called with the bytes that copying takes, before it is done
 */
export function makeContainer(path: string, args: readonly PickleValue[], charge: Charge): PickleValue | undefined {
  return makers.get(path)?.(args, charge);
}

function pairOf(value: PickleValue): [PickleValue, PickleValue] | null {
  const pair = sequenceItems(value);
  return pair?.length === 2 ? [pair[0]!, pair[1]!] : null;
}
