import { describe, expect, it } from 'vitest';
import { unpickle } from '../../../src/formats/pickle';
import { PickleEndError, PickleError } from '../../../src/formats/pickleBytes';
import { PickleDict, PickleGlobal, PickleObject, PicklePersistent, PickleSet, PickleTuple, type PickleValue } from '../../../src/formats/pickleValues';
import { call, dict, global, int, list, pickle, text, tuple, uint32 } from './pickleBuild';
import { processorTime } from '../processorTime';

const load = (...parts: (string | readonly number[] | Buffer)[]) =>
  unpickle(Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))))).value;
const failureOf = (bytes: Uint8Array): PickleError => {
  try {
    unpickle(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(PickleError);
    return error as PickleError;
  }
  throw new Error('nothing was wrong');
};
const eight = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

describe('a pickle', () => {
  it.each<[string, PickleValue, PickleValue]>([
    ['None', load('N.'), null],
    ['True of protocol 0', load('I01\n.'), true],
    ['False of protocol 0', load('I00\n.'), false],
    ['True of protocol 2', load([0x88], '.'), true],
    ['an int of protocol 0', load('I-7\n.'), -7],
    ['a long of protocol 0', load('L123456789012345678901L\n.'), 123456789012345678901n],
    ['a float of protocol 0', load('F-inf\n.'), -Infinity],
    ['a BININT1', load('K\xff.'), 255],
    ['a BININT2', load('M\x01\x02.'), 513],
    ['a negative BININT', load('J\xff\xff\xff\xff.'), -1],
    ['a LONG1 without bytes', load([0x8a, 0], '.'), 0],
    ['a negative LONG1', load([0x8a, 2, 0, 0x80], '.'), -32768],
    ['a large LONG4', load([0x8b, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], '.'), 2n ** 64n],
    ['a BINFLOAT', load([0x47, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], '.'), 1.5],
    ['a string of protocol 0', load("S'a\\n\\x41\\''\n."), "a\nA'"],
    ['a BINSTRING', load('T\x02\0\0\0\xe9b.'), 'éb'],
    ['a unicode line', load('V\\u00fcx\n.'), 'üx'],
    ['a SHORT_BINUNICODE', load([0x8c, 2, 0xc3, 0xbc], '.'), 'ü'],
    ['a BINUNICODE8', load([0x8d], eight(2), 'ab.'), 'ab'],
    ['bytes', load('C\x02ab.'), Buffer.from('ab')],
    ['BINBYTES8', load([0x8e], eight(1), 'a.'), Buffer.from('a')],
    ['a bytearray of protocol 5', load([0x96], eight(1), 'a.'), Buffer.from('a')],
    ['a list of protocol 0', load('(lp0\nI1\naI2\na.'), [1, 2]],
    ['a list with APPENDS', load('](K\x01K\x02e.'), [1, 2]],
    ['a tuple', load('K\x01K\x02K\x03\x87.'), new PickleTuple([1, 2, 3])],
    ['an EMPTY_TUPLE', load(').'), new PickleTuple([])],
    ['a frame', load([0x80, 4, 0x95], eight(3), ']K\x05a.'), [5]],
    ['a set of protocol 4', load([0x8f], '(K\x01', [0x90], '.'), new PickleSet([1])],
    ['a frozenset of protocol 4', load('(K\x01', [0x91], '.'), new PickleSet([1])],
    ['a set of protocol 2', load(call(global('__builtin__', 'set'), list(int(4))), '.'), new PickleSet([4])],
    ['bytes of protocol 2', load(call(global('_codecs', 'encode'), text('\u00ffa'), text('latin1')), '.'), Buffer.from([0xff, 0x61])],
    ['a deque', load(call(global('collections', 'deque'), list(int(1)), int(3)), '.'), [1]],
    ['a DUP', load('K\x012\x86.'), new PickleTuple([1, 1])],
    ['a POP_MARK', load('K\x07(K\x01K\x021.'), 7],
    ['a POP of a mark', load('K\x07(0.'), 7],
    ['a memo of protocol 0', load('K\x05p3\n0g3\n.'), 5],
    ['a MEMOIZE', load(']', [0x94], '0h\0.'), []],
    ['a persistent id of protocol 0', load('Pabc\n.'), new PicklePersistent('abc')],
    ['a class', load(global('os', 'system'), '.'), new PickleGlobal('os', 'system')],
    ['a class of protocol 4', load([0x8c, 2], 'os', [0x8c, 6], 'system', [0x93], '.'), new PickleGlobal('os', 'system')],
    ['an extension', load([0x82, 7], '.'), new PickleGlobal('copyreg extension', '7')],
  ])('holds %s', (_, value, expected) => {
    expect(value).toEqual(expected);
  });

  it('keeps dictionaries in order, with every kind of key', () => {
    const value = load('}(K\x02K\x01X\x01\0\0\0aN', tuple(int(1)), text('x'), 'u.') as PickleDict;
    expect([...value.entries!]).toEqual([[2, 1], ['a', null], [new PickleTuple([1]), 'x']]);
  });

  it('knows the dictionaries of the collections module and their attributes', () => {
    const ordered = load(call(global('collections', 'OrderedDict'), list(list(text('a'), int(1)))), '}', text('_metadata'), 'Nsb.') as PickleDict;
    expect(ordered.type).toBe('collections.OrderedDict');
    expect(ordered.get('a')).toBe(1);
    expect((ordered.state as PickleDict).get('_metadata')).toBeNull();
    const counter = load(call(global('collections', 'Counter'), dict({ a: int(2) })), '.') as PickleDict;
    expect(counter.get('a')).toBe(2);
    const other = load(call(global('collections', 'defaultdict'), global('builtins', 'list')), text('k'), int(3), 's.') as PickleDict;
    expect(other.get('k')).toBe(3);
  });

  it('keeps what would be called, with arguments, items, entries and state, and calls nothing', () => {
    const value = load(call(global('os', 'system'), text('rm')), '(K\x01e(', text('a'), 'K\x02u', text('state'), 'b.') as PickleObject;
    expect(value.callee).toEqual(new PickleGlobal('os', 'system'));
    expect(value).toMatchObject({ args: ['rm'], items: [1], state: 'state' });
    expect(value.entries!.get('a')).toBe(2);
  });

  it.each([
    ['NEWOBJ', load(global('a', 'B'), ')', [0x81], '.'), []],
    ['NEWOBJ_EX', load(global('a', 'B'), ')', dict({ k: int(1) }), [0x92], '.'), [expect.any(PickleDict)]],
    ['INST', load('(K\x01ia\nB\n.'), [1]],
    ['OBJ', load('(', global('a', 'B'), 'K\x01o.'), [1]],
    ['copyreg._reconstructor', load(call(global('copy_reg', '_reconstructor'), global('a', 'B'), global('__builtin__', 'object'), Buffer.from('N')), '.'), [null]],
    ['copyreg.__newobj__', load(call(global('copyreg', '__newobj__'), global('a', 'B'), int(1)), '.'), [1]],
  ])('makes an object by %s', (_, value, args) => {
    expect((value as PickleObject).callee).toEqual(new PickleGlobal('a', 'B'));
    expect((value as PickleObject).args).toEqual(args);
  });

  it('shares what is shared, cycles included', () => {
    const value = load(']q\0', '(h\0h\0e.') as PickleValue[];
    expect(value[0]).toBe(value);
    expect(value[1]).toBe(value);
  });

  it('may be followed by another one', () => {
    const two = Buffer.from('K\x01.K\x02.');
    const { end } = unpickle(two);
    expect(unpickle(two, end).value).toBe(2);
  });
});

describe('a pickle that is wrong', () => {
  it.each([
    ['ends too early', 'K', 'wants 1 bytes, but only 0 follow'],
    ['ends inside a line', 'I12', 'ends inside a line'],
    ['has no STOP', 'N', 'wants 1 bytes'],
    ['stops with an empty stack', '.', 'takes a value from an empty stack'],
    ['takes values from below a mark', 'K\x01(\x85.', 'takes a value from an empty stack'],
    ['ends a container that was not begun', 'K\x01t.', 'ends a container that was not begun'],
    ['refers to an empty memo', 'h\x05.', 'refers to place 5 of the memo'],
    ['uses a memo without bounds', 'Nr\xff\xff\xff\xff.', 'beyond the limit of 4000000'],
    ['has an unknown instruction', '\xf0.', 'has the unknown instruction 0xf0'],
    ['is of a later protocol', '\x80\x09N.', 'is of pickle protocol 9'],
    ['has a text that is longer than the file', 'X\xff\xff\xff\x03a', 'wants 67108863 bytes, but only 1 follow'],
    ['has a text that is longer than any text', 'X\xff\xff\xff\xffa', 'has a text of 4294967295 bytes, more than the limit'],
    ['has a negative length', 'T\xff\xff\xff\xff', 'has a length of -1'],
    ['has a number without end', `\x8b${uint32(100_000).toString('latin1')}`, 'has a whole number of 100000 bytes, more than the limit'],
    ['has a decimal number without end', `L${'9'.repeat(5000)}\n.`, 'where a whole number of up to 4300 digits belongs'],
    ['has a number that is none', 'Iabc\n.', 'has "abc" where a whole number'],
    ['has a float that is none', 'Fabc\n.', 'has "abc" where a number belongs'],
    ['appends to a number', 'K\x01K\x02a.', 'appends to something that is no list'],
    ['sets a key of a list', ']K\x01K\x02s.', 'sets a key of something that is no dictionary'],
    ['sets a key without a value', '}(K\x01u.', 'sets a key without a value'],
    ['names a class by numbers', 'K\x01K\x02\x93.', 'names a class by something that is no text'],
    ['calls with something else than a tuple', 'cos\nsystem\nK\x01R.', 'arguments that are no tuple'],
    ['makes an object of nothing', '(o.', 'makes an object without a class'],
    ['keeps its values elsewhere', '\x97.', 'protocol 5 out-of-band buffers'],
    ['begins containers without end', '('.repeat(20_000), 'begins more than 10000 containers'],
    ['fills the stack without end', 'N'.repeat(1_100_000), 'puts more than 1000000 values on its stack'],
  ])('that %s is refused', (_, bytes, reason) => {
    expect(failureOf(Buffer.from(bytes, 'latin1')).message).toContain(reason);
  });

  it('says at which byte', () => {
    expect(failureOf(Buffer.from('K\x01K\x02K\x03\xf0')).at).toBe(6);
  });

  it('tells an early end from other faults, so that more bytes can be fetched', () => {
    expect(failureOf(Buffer.from('X\x05\0\0\0ab'))).toBeInstanceOf(PickleEndError);
    expect(failureOf(Buffer.from('\xf0', 'latin1'))).not.toBeInstanceOf(PickleEndError);
  });

  it.each([
    ['lists', Buffer.from('(' + ']'.repeat(900_000) + 'l0')],
    ['dictionaries', Buffer.from('(' + '}NNs'.repeat(200_000) + 'l0')],
    ['copies of a list', Buffer.concat([Buffer.from('(' + 'N'.repeat(100_000) + 'lq\0'), Buffer.from('0'), ...new Array<Buffer>(20).fill(call(global('builtins', 'list'), Buffer.from('h\0')))])],
  ])('is refused before many %s fill the memory', (_, once) => {
    const before = process.memoryUsage().heapUsed;
    const error = failureOf(Buffer.concat([...new Array<Buffer>(200).fill(once), Buffer.from('N.')]));
    expect(error.message).toMatch(/would take more than \d+ bytes of memory to unpack/);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(400 * 2 ** 20);
  });

  it('is refused after too many instructions', () => {
    const started = processorTime();
    expect(failureOf(pickle(Buffer.alloc(42_000_000, 'N0'))).message).toContain('has more than 20000000 instructions');
    expect(processorTime() - started).toBeLessThan(5000);
  });
});
