import { globalPath, PickleDict, PickleObject, PicklePersistent, PickleTuple, sequenceItems, type PickleValue } from './pickleValues';
import { elementsOf } from './shape';
import type { DType } from './tensors';
import { bytesOfType, dtypeOf, typeOfGlobal, typeOfStorage } from './torchTypes';

/** Bytes that one or several tensors are views of. */
export interface TorchStorage {
  readonly key: string;
  /** Of the whole storage, as the pickle says; the file may hold another number. */
  readonly bytes: number;
  /** Where this view of the storage begins (legacy files), in bytes. */
  readonly start: number;
  /** Element type by torch's name. */
  readonly type: string;
}

/** Where the values of a tensor lie: element [i, j, ...] is number offset + i*strides[0] + j*strides[1] + ... of the storage. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly elements: number;
  readonly strides: readonly number[];
  readonly offset: number;
  readonly storage: TorchStorage;
  /** The stored values are the complex conjugates. */
  readonly conjugate: boolean;
  /** The stored values have the other sign. */
  readonly negative: boolean;
}

/** Why something that is a tensor cannot be read. */
export class Unreadable {
  constructor(readonly reason: string) {}
}

/** torch wraps a tensor at most three times (parameter with state, subclass); more is no tensor of its making. */
const mostWrappings = 16;

const refusals: Readonly<Record<string, string>> = {
  'torch._utils._rebuild_qtensor': 'is a quantised tensor',
  'torch._utils._rebuild_sparse_tensor': 'is a sparse tensor',
  'torch._utils._rebuild_sparse_csr_tensor': 'is a sparse tensor',
  'torch._utils._rebuild_nested_tensor': 'is a nested tensor',
  'torch._utils._rebuild_meta_tensor_no_storage': 'has a shape but no values in the file (meta device)',
  'torch._utils._rebuild_wrapper_subclass': 'is of a tensor subclass that has no values of its own',
  'torch._utils._rebuild_device_tensor_from_numpy': 'is of a device (such as XLA) whose values are kept as a pickled NumPy array',
};

/**
 * The tensor that one of torch's rebuilding functions (torch/_utils.py, torch/_tensor.py) would make of its arguments; null when the value is no tensor.
 */
export function torchTensorOf(value: PickleValue): StoredTensor | Unreadable | null {
  let path = globalPath(value);
  if (!(value instanceof PickleObject) || path === null) {
    return null;
  }
  let args = value.args;
  for (let wrappings = 0; wrappings < mostWrappings; wrappings++) {
    switch (path) {
      case 'torch._utils._rebuild_tensor':
      case 'torch._utils._rebuild_tensor_v2':
        return rebuild(args, null, args[6]);
      case 'torch._utils._rebuild_tensor_v3':
        return rebuild(args, typeOfGlobal(globalPath(args[6])) ?? '', args[7]);
      case 'torch._utils._rebuild_parameter':
      case 'torch._utils._rebuild_parameter_with_state':
      case 'torch._utils._rebuild_device_tensor_from_cpu_tensor':
      case 'torch.nn.parameter.Parameter':
      case 'torch.nn.parameter.Buffer': {
        const [inner] = args;
        if (!(inner instanceof PickleObject)) {
          return null;
        }
        path = globalPath(inner);
        args = inner.args;
        break;
      }
      case 'torch._tensor._rebuild_from_type_v2':
      case 'torch._tensor._rebuild_from_type':
      case 'torch.tensor._rebuild_from_type':
      case 'torch._utils._rebuild_from_type_v2': {
        const inner = args[2];
        path = globalPath(args[0]);
        if (!(inner instanceof PickleTuple)) {
          return null;
        }
        args = inner.items;
        break;
      }
      default:
        return path !== null && Object.hasOwn(refusals, path) ? new Unreadable(`${refusals[path]}, which is not read`) : null;
    }
  }
  return null;
}

/** (storage, offset, size, stride, requires_grad, backward_hooks, metadata or dtype, metadata) */
function rebuild(args: readonly PickleValue[], type: string | null, metadata: PickleValue | undefined): StoredTensor | Unreadable {
  const storage = torchStorageOf(args[0]);
  if (storage instanceof Unreadable) {
    return storage;
  }
  const elementType = type ?? storage.type;
  const dtype = dtypeOf(elementType);
  if (dtype === null) {
    return new Unreadable(elementType === '' ? 'its type is none of torch' : `its type ${elementType} is not decoded`);
  }
  const offset = args[1];
  const shape = wholeNumbers(args[2]);
  const strides = wholeNumbers(args[3]);
  if (shape === null || strides === null || strides.length !== shape.length || typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0) {
    return new Unreadable('its offset, size and stride are no whole numbers from 0');
  }
  const elements = elementsOf(shape);
  if (typeof elements === 'string') {
    return new Unreadable(elements);
  }
  const flag = (name: string) => metadata instanceof PickleDict && metadata.get(name) === true;
  return { dtype, shape, elements, strides, offset, storage, conjugate: flag('conj'), negative: flag('neg') };
}

/** ('storage', class, key, location, elements[, view]): torch/serialization.py, persistent_id. A view is (key, offset, elements) in elements. */
export function torchStorageOf(value: PickleValue | undefined): TorchStorage | Unreadable {
  const parts = value instanceof PicklePersistent ? sequenceItems(value.id) : null;
  if (parts === null || parts[0] !== 'storage') {
    return new Unreadable('its values are not in a storage of the file');
  }
  const path = globalPath(parts[1]);
  const type = typeOfStorage(path);
  const size = type === null ? null : bytesOfType(type);
  if (type === null || size === null) {
    return new Unreadable(`its storage is of the unknown class ${path ?? '(none)'}`);
  }
  const [, , key, , elements] = parts;
  if ((typeof key !== 'string' && typeof key !== 'number') || !isWhole(elements) || !Number.isSafeInteger(elements * size)) {
    return new Unreadable('its storage has no key or no size');
  }
  const view = sequenceItems(parts[5]);
  const start = view === null ? 0 : view[1];
  return isWhole(start) ? { key: String(key), bytes: elements * size, start: start * size, type } : new Unreadable('its storage is a view that begins nowhere');
}

function wholeNumbers(value: PickleValue | undefined): number[] | null {
  const items = sequenceItems(value);
  return items !== null && items.every(isWhole) ? [...items] as number[] : null;
}

function isWhole(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
