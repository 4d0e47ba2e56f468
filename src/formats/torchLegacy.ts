import { FormatError, type ByteSource } from './byteSource';
import { unpickle, type Unpickled } from './pickle';
import { PickleEndError, PickleError } from './pickleBytes';
import { PickleDict, sequenceItems } from './pickleValues';
import type { TensorFormat } from './registry';
import type { TensorFile } from './tensors';
import { torchTensorFile, type StorageBytes } from './torchFile';
import { torchStorageOf, Unreadable } from './torchTensors';
import { bytesOfType } from './torchTypes';
import { torchName } from './torchZip';

/** torch/serialization.py */
const magicNumber = 0x1950a86a20f9469cfc6cn;
const protocolVersion = 1001;
/** As pickled: LONG1 of ten bytes. Protocol 4 and 5 may have a frame around it. */
const magicBytes = Buffer.from([0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]);
/** How long the pickles are is not written down: so many bytes are read first, then twice as many and so on. */
const firstRead = 256 * 1024;
const largestPickles = 128 * 1024 * 1024;
/** Before the values of a storage: the number of its elements. */
const countBytes = 8;

/** torch.save before 1.6 (or with `_use_new_zipfile_serialization=False`): five pickles, then the storages in the order of the last one. */
export const torchLegacy: TensorFormat = {
  kind: 'tensors',
  id: 'torchPickle',
  label: 'PyTorch (legacy)',
  mayBe: (name) => torchName.test(name),
  matches: ({ name, head }) => torchName.test(name) && isTorchLegacy(head),
  open: async (source) => openTorchLegacy(source),
};

export function isTorchLegacy(head: Uint8Array): boolean {
  const at = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 32)).indexOf(magicBytes);
  return head[0] === 0x80 && (at === 2 || (at === 11 && head[2] === 0x95));
}

async function openTorchLegacy(source: ByteSource): Promise<TensorFile> {
  const [magic, protocol, system, root, keys] = await readPickles(source);
  if (magic?.value !== magicNumber) {
    throw new FormatError(source.name, 'byte 0', 'does not begin with the magic number of torch.save');
  }
  if (protocol?.value !== protocolVersion) {
    throw new FormatError(source.name, `byte ${magic.end}`, `is of protocol ${String(protocol?.value)} of torch.save; ${protocolVersion} is known`);
  }
  const bigEndian = system?.value instanceof PickleDict && system.value.get('little_endian') === false;
  const storages = locateStorages(source, root!, keys!);
  return torchTensorFile(source, {
    root: root!.value,
    bigEndian,
    locate: ({ key }) => storages.get(key) ?? `its storage ${key} is not in the file`,
  });
}

async function readPickles(source: ByteSource): Promise<Unpickled[]> {
  for (let length = firstRead; ; length *= 2) {
    const bytes = await source.read(0, Math.min(length, source.size));
    try {
      const pickles: Unpickled[] = [];
      for (let at = 0; pickles.length < 5; at = pickles.at(-1)!.end) {
        pickles.push(unpickle(bytes, at));
      }
      return pickles;
    } catch (error) {
      if (!(error instanceof PickleError)) {
        throw error;
      }
      if (!(error instanceof PickleEndError) || bytes.length === source.size) {
        throw new FormatError(source.name, `byte ${error.at}`, `the pickle ${error.message}`);
      }
      if (length >= largestPickles) {
        throw new FormatError(source.name, `byte ${error.at}`, `the pickles are longer than the limit of ${largestPickles} bytes`);
      }
    }
  }
}

/** The places follow from the sizes in the pickle; the count before each storage is compared when its values are wanted. */
function locateStorages(source: ByteSource, root: Unpickled, keys: Unpickled): Map<string, StorageBytes> {
  const known = new Map<string, { readonly bytes: number; readonly size: number }>();
  for (const reference of root.persistent) {
    const storage = torchStorageOf(reference);
    if (!(storage instanceof Unreadable) && !known.has(storage.key)) {
      known.set(storage.key, { bytes: storage.bytes, size: bytesOfType(storage.type)! });
    }
  }
  const order = sequenceItems(keys.value);
  if (order === null) {
    throw new FormatError(source.name, `byte ${root.end}`, 'the list of storages is no list');
  }
  const storages = new Map<string, StorageBytes>();
  let at = keys.end;
  for (const key of order) {
    const storage = known.get(String(key));
    if (storage === undefined || storages.has(String(key))) {
      // Where the next one begins is unknown from here on; those before are usable.
      break;
    }
    const { bytes, size } = storage;
    const count = bytes / size;
    const start = at + countBytes;
    storages.set(String(key), {
      bytes,
      start: async () => {
        const written = Buffer.from(await source.read(start - countBytes, countBytes)).readBigInt64LE(0);
        if (written !== BigInt(count)) {
          throw new FormatError(source.name, `byte ${start - countBytes}`, `storage ${String(key)} is said to have ${written} elements, but its pickle says ${count}`);
        }
        return start;
      },
    });
    at = start + bytes;
    if (at > source.size) {
      throw new FormatError(source.name, `byte ${start}`, `storage ${String(key)} ends at byte ${at}, but the file has only ${source.size}: truncated or still being written`);
    }
  }
  return storages;
}
