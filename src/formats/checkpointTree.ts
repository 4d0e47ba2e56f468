import { numpyArrayOf, type PickledArray } from './numpyPickle';
import { attributesOf, entriesOf, textOf } from './pickleText';
import { PickleDict, PickleObject, PickleSet, PickleTuple, sequenceItems, type PickleValue } from './pickleValues';
import type { SkippedTensor } from './tensors';
import { torchTensorOf, Unreadable, type StoredTensor } from './torchTensors';

/** Keys on the way to a tensor; optimizers nest four deep, whole modules a dozen. */
const deepest = 64;
/** Entries of containers that are met again under another name are listed again, up to so many in all; exponential sharing (a memo bomb) ends there. */
const mostRepeats = 5_000;
/** Entries looked at in all: arguments may be shared by objects, so that their number is not bounded by the file. About a second. */
const mostVisits = 20_000_000;
/** The largest published models have tens of thousands of tensors; their optimizers two or three times as many. */
const mostListed = 300_000;
/** Longer keys are shortened: they are no names of tensors. */
const longestKey = 256;
/** Settings kept as metadata. */
const mostSettings = 1000;
/** Entries looked at for them. */
const mostSettingsVisits = 100_000;
/** Keys under which training scripts keep their settings. */
const settingsKeys = new Set(['args', 'hyper_parameters', 'hparams', 'datamodule_hyper_parameters', 'config', 'cfg', 'opt', 'options']);
const deepestSettings = 4;

export interface FoundTensor {
  readonly name: string;
  readonly tensor: StoredTensor | PickledArray;
}

/** What a checkpoint holds, found by walking through its containers. */
export interface CheckpointContents {
  /** In the order of the file; names are the keys on the way, joined by dots. */
  readonly tensors: readonly FoundTensor[];
  readonly skipped: readonly SkippedTensor[];
  /** Single values at the top (epoch, best_acc, ...) and those in its settings (`args.lr`, `hyper_parameters.lr`); `step` also from `global_step`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Walks through dictionaries, lists, tuples, the attributes of objects and the parameters, buffers and children of modules. */
export function readCheckpointTree(root: PickleValue): CheckpointContents {
  const walk = new Walk();
  walk.visit(root, '', 0);
  return { tensors: walk.tensors, skipped: walk.skipped, metadata: settingsOf(root) };
}

class Walk {
  readonly tensors: FoundTensor[] = [];
  readonly skipped: SkippedTensor[] = [];
  private readonly names = new Set<string>();
  private readonly visited = new Set<PickleValue>();
  private readonly above = new Set<PickleValue>();
  private repeats = 0;
  private visits = 0;
  private full = false;

  visit(value: PickleValue, name: string, depth: number): void {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) {
      return;
    }
    const tensor = torchTensorOf(value) ?? numpyArrayOf(value);
    if (tensor !== null) {
      this.add(name === '' ? 'tensor' : name, tensor);
      return;
    }
    const children = childrenOf(value);
    if (children === null || this.above.has(value)) {
      return;
    }
    if (depth >= deepest) {
      this.skip(name, `is nested more than ${deepest} deep`);
      return;
    }
    const repeated = this.visited.has(value);
    this.visited.add(value);
    this.above.add(value);
    for (const [key, child] of children) {
      if (!this.goOn(name, repeated)) {
        break;
      }
      if (typeof child === 'object' && child !== null) {
        this.visit(child, join(name, key), depth + 1);
      }
    }
    this.above.delete(value);
  }

  /** Spends one entry of the budgets; says once when one of them is used up. */
  private goOn(name: string, repeated: boolean): boolean {
    if (repeated && this.repeats++ >= mostRepeats) {
      if (this.repeats === mostRepeats + 1) {
        this.skip(name, `repeats what is listed under other names, and more than ${mostRepeats} such entries are not listed`);
      }
      return false;
    }
    const listed = this.tensors.length + this.skipped.length;
    if (!this.full && (++this.visits > mostVisits || listed >= mostListed)) {
      this.full = true;
      this.skipped.push({ name, reason: `and what follows is not listed: there are more than ${mostListed} tensors or ${mostVisits} entries` });
    }
    return !this.full;
  }

  private skip(name: string, reason: string): void {
    this.skipped.push({ name, reason });
  }

  private add(name: string, tensor: StoredTensor | PickledArray | Unreadable): void {
    if (tensor instanceof Unreadable) {
      this.skip(name, tensor.reason);
    } else if (this.names.has(name)) {
      this.skip(name, 'another tensor has the same name');
    } else {
      this.names.add(name);
      this.tensors.push({ name, tensor });
    }
  }
}

type Children = Iterable<readonly [PickleValue, PickleValue]>;

function childrenOf(value: PickleValue): Children | null {
  if (value instanceof PickleDict) {
    return value.entries ?? [];
  }
  if (value instanceof PickleObject) {
    const attributes = attributesOf(value);
    const module = attributes === null ? null : moduleChildren(attributes);
    return module ?? objectChildren(value, attributes);
  }
  if (value instanceof PickleSet) {
    return null;
  }
  return sequenceItems(value)?.entries() ?? null;
}

function* objectChildren({ args, items, entries, state }: PickleObject, attributes: Children | null): Children & Generator {
  yield* args.entries() as Children;
  yield* (items ?? []).entries() as Children;
  yield* entries ?? [];
  yield* attributes ?? (state instanceof PickleTuple ? state.items.entries() : []);
}

/** torch.nn.Module.state_dict(): parameters, persistent buffers, then children. Null when the attributes are none of a module. */
function moduleChildren(attributes: ReadonlyMap<PickleValue, PickleValue>): Children | null {
  const [parameters, buffers, children] = ['_parameters', '_buffers', '_modules'].map((key) => {
    const part = attributes.get(key);
    return part instanceof PickleDict ? [...(part.entries ?? [])] : null;
  });
  if (!parameters || !children) {
    return null;
  }
  const passing = attributes.get('_non_persistent_buffers_set');
  const notSaved = new Set(passing instanceof PickleSet ? passing.items : []);
  return [...parameters, ...(buffers ?? []).filter(([key]) => !notSaved.has(key)), ...children];
}

function settingsOf(root: PickleValue): Record<string, string> {
  const settings = new Map<string, string>();
  let visits = 0;
  const put = (name: string, value: PickleValue) => {
    const text = textOf(value);
    if (text !== null && settings.size < mostSettings) {
      settings.set(name, text);
    }
  };
  const collect = (value: PickleValue, name: string, depth: number) => {
    for (const [key, child] of entriesOf(value) ?? []) {
      if (settings.size >= mostSettings || ++visits > mostSettingsVisits) {
        return;
      }
      put(join(name, key), child);
      if (depth < deepestSettings && entriesOf(child) !== null) {
        collect(child, join(name, key), depth + 1);
      }
    }
  };
  if (root instanceof PickleDict) {
    for (const [key, child] of root.entries ?? []) {
      put(keyText(key), child);
    }
    for (const key of settingsKeys) {
      collect(root.get(key) ?? null, key, 1);
    }
    const step = settings.get('global_step');
    if (step !== undefined && !settings.has('step')) {
      settings.set('step', step);
    }
  }
  return Object.fromEntries(settings);
}

function join(name: string, key: PickleValue): string {
  return name === '' ? keyText(key) : `${name}.${keyText(key)}`;
}

function keyText(key: PickleValue): string {
  const text = typeof key === 'string' ? key : (textOf(key) ?? '?');
  return text.length > longestKey ? `${text.slice(0, longestKey)}...` : text;
}
