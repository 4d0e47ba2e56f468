import type { PickleBytes, PickleError } from './pickleBytes';
import { makeContainer } from './pickleContainers';
import { globalPath, PickleDict, PickleGlobal, PickleObject, PicklePersistent, PickleSet, PickleTuple, type PickleValue } from './pickleValues';

/** What the values of a pickle may take in memory, estimated. 100,000 tensors take about 100 MB. */
const mostBytes = 160 * 1024 * 1024;
/** Values on the stack at once; Python's pickler puts at most 1000 of a container there, except for tuples. */
const mostOnStack = 1_000_000;
/** Containers begun and not yet ended. Python's own pickler ends at its recursion limit of 1000. */
const mostMarks = 10_000;
/** Places in the memo: a checkpoint uses about ten a tensor. */
const mostMemo = 4_000_000;

/** Estimates for V8: an object with a few fields, a reference, the table of a dictionary and an entry in it. */
const objectBytes = 72;
const referenceBytes = 8;
const tableBytes = 250;
const entryBytes = 48;

/** The stack, the memo and the budget of one pickle. */
export class PickleMachine {
  private readonly stack: PickleValue[] = [];
  private readonly marks: number[] = [];
  private readonly memo: PickleValue[] = [];
  private memoized = 0;
  readonly persistent: PicklePersistent[] = [];
  private readonly globals = new Map<string, PickleGlobal>();
  private bytes = 0;

  constructor(private readonly input: PickleBytes) {}

  push(value: PickleValue): void {
    if (this.stack.length >= mostOnStack) {
      throw this.error(`puts more than ${mostOnStack} values on its stack`);
    }
    this.stack.push(value);
  }

  /** Pushes a value that takes memory of its own. */
  pushCharged(value: PickleValue): void {
    const length =
      typeof value === 'string' ? 2 * value.length : value instanceof PickleTuple ? referenceBytes * value.items.length : Array.isArray(value) ? referenceBytes * value.length : 0;
    this.charge(objectBytes + length);
    this.push(value);
  }

  pop(): PickleValue {
    if (this.stack.length <= this.floor()) {
      throw this.error('takes a value from an empty stack');
    }
    return this.stack.pop()!;
  }

  /** POP also ends an empty container. */
  drop(): void {
    if (this.stack.length === this.marks.at(-1)) {
      this.marks.pop();
    } else {
      this.pop();
    }
  }

  top(): PickleValue {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  popItems(count: number): PickleValue[] {
    if (this.stack.length - count < this.floor()) {
      throw this.error('takes a value from an empty stack');
    }
    return this.stack.splice(this.stack.length - count, count);
  }

  mark(): void {
    if (this.marks.length >= mostMarks) {
      throw this.error(`begins more than ${mostMarks} containers inside each other`);
    }
    this.marks.push(this.stack.length);
  }

  popToMark(): PickleValue[] {
    const mark = this.marks.pop();
    if (mark === undefined) {
      throw this.error('ends a container that was not begun');
    }
    return this.stack.splice(mark);
  }

  get(index: number): void {
    const value = this.memo[index];
    if (value === undefined) {
      throw this.error(`refers to place ${index} of the memo, which is empty`);
    }
    this.push(value);
  }

  put(index: number): void {
    if (index >= mostMemo) {
      throw this.error(`uses place ${index} of the memo, beyond the limit of ${mostMemo}`);
    }
    const value = this.top();
    if (this.memo[index] === undefined) {
      this.memoized++;
      // A place far beyond the others turns the array into a table.
      this.charge(index > this.memo.length ? entryBytes : referenceBytes);
    }
    this.memo[index] = value;
  }

  memoize(): void {
    this.put(this.memoized);
  }

  pushDict(items: readonly PickleValue[]): void {
    this.pushCharged(new PickleDict('dict'));
    this.setItems(items);
  }

  /** Appends to the list (or to what may be one) on top of the stack. */
  append(values: readonly PickleValue[]): void {
    const target = this.top();
    this.charge(referenceBytes * values.length);
    const items = target instanceof PickleObject ? (target.items ??= []) : target instanceof PickleSet ? target.items : target;
    if (!Array.isArray(items)) {
      throw this.error('appends to something that is no list');
    }
    for (const value of values) {
      items.push(value);
    }
  }

  /** Sets keys and values, in turn, in the dictionary (or in what may be one) on top of the stack. */
  setItems(items: readonly PickleValue[]): void {
    const target = this.top();
    if (items.length % 2 !== 0) {
      throw this.error('sets a key without a value');
    }
    if (!(target instanceof PickleDict) && !(target instanceof PickleObject)) {
      throw this.error('sets a key of something that is no dictionary');
    }
    if (items.length === 0) {
      return;
    }
    this.charge((target.entries === null ? tableBytes : 0) + (entryBytes * items.length) / 2);
    const entries = (target.entries ??= new Map<PickleValue, PickleValue>());
    for (let i = 0; i < items.length; i += 2) {
      entries.set(items[i]!, items[i + 1]!);
    }
  }

  pushGlobal(module: string, name: string): void {
    // Names of Python 2 and of NumPy 2 for the same things.
    const modern = module.replace(/^__builtin__$/, 'builtins').replace(/^copy_reg$/, 'copyreg').replace(/^numpy\._core(?=\.|$)/, 'numpy.core');
    const path = `${modern}\n${name}`;
    let global = this.globals.get(path);
    if (global === undefined) {
      global = new PickleGlobal(modern, name);
      this.charge(objectBytes + tableBytes + 4 * path.length);
      this.globals.set(path, global);
    }
    this.push(global);
  }

  pushStackGlobal(): void {
    const [module, name] = this.popItems(2);
    if (typeof module !== 'string' || typeof name !== 'string') {
      throw this.error('names a class by something that is no text');
    }
    this.pushGlobal(module, name);
  }

  /** A number that `copyreg.add_extension` of the writer gave to a class. */
  pushExtension(code: number): void {
    if (code <= 0) {
      throw this.error(`uses the extension code ${code}`);
    }
    this.pushGlobal('copyreg extension', String(code));
  }

  instantiate(module: string, name: string): void {
    const args = this.popToMark();
    this.pushGlobal(module, name);
    this.make(this.pop(), args);
  }

  instantiateFromMark(): void {
    const [callee, ...args] = this.popToMark();
    if (callee === undefined) {
      throw this.error('makes an object without a class');
    }
    this.make(callee, args);
  }

  /** Callee, then the tuple of its arguments, then (for NEWOBJ_EX) the dictionary of named arguments. */
  call(argumentValues: 1 | 2): void {
    const [callee, args, named] = this.popItems(1 + argumentValues);
    if (!(args instanceof PickleTuple)) {
      throw this.error('calls something with arguments that are no tuple');
    }
    // copyreg.__newobj__(cls, *args) is how protocols 0 and 1 say NEWOBJ, copyreg._reconstructor(cls, base, state) how they say object.__new__.
    const path = globalPath(callee);
    const [first, ...others] = path?.startsWith('copyreg.') === true ? args.items : [];
    if (first !== undefined && (path === 'copyreg.__newobj__' || path === 'copyreg._reconstructor')) {
      this.make(first, path === 'copyreg.__newobj__' ? others : others.slice(1));
      return;
    }
    this.make(callee!, named instanceof PickleDict && named.entries !== null ? [...args.items, named] : args.items);
  }

  build(): void {
    const state = this.pop();
    const target = this.top();
    if (target instanceof PickleObject || target instanceof PickleDict) {
      target.state = state;
    }
  }

  pushPersistent(id: PickleValue): void {
    const persistent = new PicklePersistent(id);
    this.persistent.push(persistent);
    this.charge(referenceBytes);
    this.pushCharged(persistent);
  }

  private make(callee: PickleValue, args: readonly PickleValue[]): void {
    const path = callee instanceof PickleGlobal ? callee.path : null;
    const container = path === null ? undefined : makeContainer(path, args, (bytes) => this.charge(bytes));
    this.charge(objectBytes);
    this.pushCharged(container ?? new PickleObject(callee, args));
  }

  private floor(): number {
    return this.marks.at(-1) ?? 0;
  }

  private charge(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > mostBytes) {
      throw this.error(`would take more than ${mostBytes} bytes of memory to unpack`);
    }
  }

  private error(reason: string): PickleError {
    return this.input.error(reason);
  }
}
