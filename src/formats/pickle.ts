import { PickleMachine } from './pickleMachine';
import { opcode } from './pickleOpcodes';
import { PickleBytes, PickleError } from './pickleBytes';
import { PickleDict, PickleSet, PickleTuple, type PicklePersistent, type PickleValue } from './pickleValues';

/** A checkpoint of 100,000 tensors takes about 5 million; a second of work at most. */
const mostOpcodes = 20_000_000;

export interface Unpickled {
  readonly value: PickleValue;
  /** Offset after the STOP of this pickle; another one may follow. */
  readonly end: number;
  /** Everything outside of the pickle that it refers to, in the order met. */
  readonly persistent: readonly PicklePersistent[];
}

/**
 * Reads a pickle of protocol 0 to 5 as data (opcodes: CPython's Lib/pickletools.py). Nothing in it is executed, imported or resolved: classes and
 * functions stay names, and calling one makes a `PickleObject` that keeps the arguments. Only the plain containers of Python are made.
 * @param start where the pickle begins
 * @throws {PickleError} with the byte and the reason; a `PickleEndError` when the bytes end before the pickle does
 */
export function unpickle(bytes: Uint8Array, start = 0): Unpickled {
  const input = new PickleBytes(bytes, start);
  const machine = new PickleMachine(input);
  for (let executed = 0; executed < mostOpcodes; executed++) {
    input.beginOpcode();
    const code = input.byte();
    if (code === opcode.STOP) {
      return { value: machine.pop(), end: input.position, persistent: machine.persistent };
    }
    const instruction = byCode[code];
    if (instruction === undefined) {
      throw input.error(`has the unknown instruction 0x${code.toString(16).padStart(2, '0')}`);
    }
    instruction(machine, input);
  }
  throw new PickleError(input.position, `has more than ${mostOpcodes} instructions`);
}

/** What each opcode does. A table, since a long `switch` is slow until it is compiled, and a pickle is read once. */
const instructions: Readonly<Record<number, (machine: PickleMachine, input: PickleBytes) => void>> = {
  // Numbers and text
  [opcode.NONE]: (machine) => machine.push(null),
  [opcode.NEWTRUE]: (machine) => machine.push(true),
  [opcode.NEWFALSE]: (machine) => machine.push(false),
  [opcode.BININT]: (machine, input) => machine.push(input.int32()),
  [opcode.BININT1]: (machine, input) => machine.push(input.byte()),
  [opcode.BININT2]: (machine, input) => machine.push(input.uint16()),
  [opcode.BINFLOAT]: (machine, input) => machine.push(input.float64()),
  [opcode.INT]: (machine, input) => machine.push(input.decimalLine(true)),
  [opcode.LONG]: (machine, input) => machine.pushCharged(input.decimalLine(false)),
  [opcode.FLOAT]: (machine, input) => machine.push(input.floatLine()),
  [opcode.LONG1]: (machine, input) => machine.pushCharged(input.long(input.byte())),
  [opcode.LONG4]: (machine, input) => machine.pushCharged(input.long(input.int32())),
  [opcode.STRING]: (machine, input) => machine.pushCharged(input.quotedLine()),
  [opcode.BINSTRING]: (machine, input) => machine.pushCharged(input.latin1(input.int32())),
  [opcode.SHORT_BINSTRING]: (machine, input) => machine.pushCharged(input.latin1(input.byte())),
  [opcode.UNICODE]: (machine, input) => machine.pushCharged(input.unicodeLine()),
  [opcode.SHORT_BINUNICODE]: (machine, input) => machine.pushCharged(input.utf8(input.byte())),
  [opcode.BINUNICODE]: (machine, input) => machine.pushCharged(input.utf8(input.uint32())),
  [opcode.BINUNICODE8]: (machine, input) => machine.pushCharged(input.utf8(input.uint64())),
  [opcode.SHORT_BINBYTES]: (machine, input) => machine.pushCharged(input.view(input.byte())),
  [opcode.BINBYTES]: (machine, input) => machine.pushCharged(input.view(input.uint32())),
  [opcode.BINBYTES8]: (machine, input) => machine.pushCharged(input.view(input.uint64())),
  [opcode.BYTEARRAY8]: (machine, input) => machine.pushCharged(input.view(input.uint64())),

  // Containers
  [opcode.EMPTY_LIST]: (machine) => machine.pushCharged([]),
  [opcode.EMPTY_DICT]: (machine) => machine.pushCharged(new PickleDict('dict')),
  [opcode.EMPTY_SET]: (machine) => machine.pushCharged(new PickleSet([])),
  [opcode.EMPTY_TUPLE]: (machine) => machine.pushCharged(new PickleTuple([])),
  [opcode.TUPLE1]: (machine) => machine.pushCharged(new PickleTuple(machine.popItems(1))),
  [opcode.TUPLE2]: (machine) => machine.pushCharged(new PickleTuple(machine.popItems(2))),
  [opcode.TUPLE3]: (machine) => machine.pushCharged(new PickleTuple(machine.popItems(3))),
  [opcode.TUPLE]: (machine) => machine.pushCharged(new PickleTuple(machine.popToMark())),
  [opcode.LIST]: (machine) => machine.pushCharged(machine.popToMark()),
  [opcode.FROZENSET]: (machine) => machine.pushCharged(new PickleSet(machine.popToMark())),
  [opcode.DICT]: (machine) => machine.pushDict(machine.popToMark()),
  [opcode.APPEND]: (machine) => machine.append(machine.popItems(1)),
  [opcode.APPENDS]: (machine) => machine.append(machine.popToMark()),
  [opcode.ADDITEMS]: (machine) => machine.append(machine.popToMark()),
  [opcode.SETITEM]: (machine) => machine.setItems(machine.popItems(2)),
  [opcode.SETITEMS]: (machine) => machine.setItems(machine.popToMark()),

  // Stack and memo
  [opcode.MARK]: (machine) => machine.mark(),
  [opcode.POP]: (machine) => machine.drop(),
  [opcode.POP_MARK]: (machine) => machine.popToMark(),
  [opcode.DUP]: (machine) => machine.push(machine.top()),
  [opcode.GET]: (machine, input) => machine.get(input.indexLine()),
  [opcode.BINGET]: (machine, input) => machine.get(input.byte()),
  [opcode.LONG_BINGET]: (machine, input) => machine.get(input.uint32()),
  [opcode.PUT]: (machine, input) => machine.put(input.indexLine()),
  [opcode.BINPUT]: (machine, input) => machine.put(input.byte()),
  [opcode.LONG_BINPUT]: (machine, input) => machine.put(input.uint32()),
  [opcode.MEMOIZE]: (machine) => machine.memoize(),

  // Names, and objects that Python would make of them
  [opcode.GLOBAL]: (machine, input) => machine.pushGlobal(input.line(), input.line()),
  [opcode.STACK_GLOBAL]: (machine) => machine.pushStackGlobal(),
  [opcode.EXT1]: (machine, input) => machine.pushExtension(input.byte()),
  [opcode.EXT2]: (machine, input) => machine.pushExtension(input.uint16()),
  [opcode.EXT4]: (machine, input) => machine.pushExtension(input.int32()),
  [opcode.INST]: (machine, input) => machine.instantiate(input.line(), input.line()),
  [opcode.OBJ]: (machine) => machine.instantiateFromMark(),
  [opcode.REDUCE]: (machine) => machine.call(1),
  [opcode.NEWOBJ]: (machine) => machine.call(1),
  [opcode.NEWOBJ_EX]: (machine) => machine.call(2),
  [opcode.BUILD]: (machine) => machine.build(),
  [opcode.PERSID]: (machine, input) => machine.pushPersistent(input.line()),
  [opcode.BINPERSID]: (machine) => machine.pushPersistent(machine.pop()),

  // Framing
  [opcode.PROTO]: (_, input) => input.protocol(),
  [opcode.FRAME]: (_, input) => input.uint64(),
  [opcode.NEXT_BUFFER]: refuseBuffer,
  [opcode.READONLY_BUFFER]: refuseBuffer,
};

const byCode = Array.from({ length: 256 }, (_, code) => instructions[code]);

function refuseBuffer(_: PickleMachine, input: PickleBytes): void {
  throw input.error('keeps its values outside of the pickle (protocol 5 out-of-band buffers)');
}
