import { FormatError, type ByteSource } from './byteSource';
import { explainGitLfsPointer } from './gitLfs';
import { unpickle } from './pickle';
import { PickleError } from './pickleBytes';
import type { PickleValue } from './pickleValues';
import type { TensorFormat } from './registry';
import type { TensorFile } from './tensors';
import { torchTensorFile } from './torchFile';
import { ZipArchive, type ZipEntry } from './zip';

/** The pickle holds names and settings; half a million tensors fit. */
const largestPickle = 128 * 1024 * 1024;
/** "little" or "big". */
const longestByteOrder = 16;

/** Names that PyTorch files go by. */
export const torchName = /\.(?:pt|pth|pth\.tar|pt\.tar|ckpt|bin)$/i;

/** torch.save since 1.6 and TorchScript: a zip archive with <name>/data.pkl, a pickle, and <name>/data/<key>, the storages. */
export const torchZip: TensorFormat = {
  kind: 'tensors',
  id: 'torchZip',
  label: 'PyTorch',
  mayBe: (name) => torchName.test(name),
  matches: ({ name, head }) => torchName.test(name) && isTorchZip(head),
  open: async (source) => openTorchZip(source),
};

/** By the name of the first entry: writers begin with data.pkl, TorchScript with a storage or code. */
export function isTorchZip(head: Uint8Array): boolean {
  if (head.length < 30 || ![0x50, 0x4b, 0x03, 0x04].every((byte, i) => head[i] === byte)) {
    return false;
  }
  const nameLength = head[26]! | (head[27]! << 8);
  const first = Buffer.from(head.subarray(30, 30 + nameLength)).toString('latin1');
  return /(?:^|\/)(?:data\.pkl|constants\.pkl|byteorder|version|\.format_version|\.data\/serialization_id|data\/\d+|code\/.+|extra\/.+)$/.test(first);
}

async function openTorchZip(source: ByteSource): Promise<TensorFile> {
  const pointer = explainGitLfsPointer(await source.read(0, Math.min(source.size, 1024)));
  if (pointer !== null) {
    throw new FormatError(source.name, '', pointer);
  }
  const archive = await ZipArchive.open(source);
  const entries = new Map<string, ZipEntry>();
  for (const entry of archive.entries) {
    if (entries.has(entry.name)) {
      throw new FormatError(source.name, `entry ${entry.name}`, 'occurs twice in the archive');
    }
    entries.set(entry.name, entry);
  }
  const [pickle] = archive.entries.filter(({ name }) => /(?:^|\/)data\.pkl$/.test(name)).sort((a, b) => a.name.length - b.name.length);
  if (pickle === undefined) {
    const refused = archive.skipped.find(({ name }) => /(?:^|\/)data\.pkl$/.test(name));
    throw new FormatError(source.name, 'zip directory', refused === undefined ? 'has no entry data.pkl: not written by torch.save' : `entry ${refused.name} ${refused.reason}`);
  }
  const prefix = pickle.name.slice(0, -'data.pkl'.length);
  const root = unpickleEntry(source, pickle, await readWhole(archive, pickle, largestPickle));
  const order = entries.get(`${prefix}byteorder`);
  const byteOrder = order === undefined ? 'little' : Buffer.from(await readWhole(archive, order, longestByteOrder)).toString('latin1').trim();
  if (byteOrder !== 'little' && byteOrder !== 'big') {
    throw new FormatError(source.name, `entry ${order!.name}`, `says the byte order ${JSON.stringify(byteOrder)}, which is neither "little" nor "big"`);
  }
  return torchTensorFile(source, {
    root,
    bigEndian: byteOrder === 'big',
    locate: ({ key }) => {
      const name = `${prefix}data/${key}`;
      const entry = entries.get(name);
      if (entry === undefined) {
        const refused = archive.skipped.find((each) => each.name === name);
        return refused === undefined ? `its storage ${name} is not in the file` : `its storage ${name} ${refused.reason}`;
      }
      return entry.method === 'stored'
        ? { bytes: entry.bytes, start: () => archive.startOf(entry) }
        : `its storage ${name} is compressed, so that it cannot be sliced out of the file`;
    },
  });
}

function unpickleEntry(source: ByteSource, { name }: ZipEntry, bytes: Uint8Array): PickleValue {
  try {
    return unpickle(bytes).value;
  } catch (error) {
    throw error instanceof PickleError ? new FormatError(source.name, `entry ${name}, byte ${error.at}`, `the pickle ${error.message}`) : error;
  }
}

async function readWhole(archive: ZipArchive, entry: ZipEntry, limit: number): Promise<Uint8Array> {
  if (entry.bytes > limit) {
    throw new FormatError(archive.source.name, `entry ${entry.name}`, `has ${entry.bytes} bytes, more than the limit of ${limit}`);
  }
  const bytes = new Uint8Array(entry.bytes);
  let filled = 0;
  await archive.read(entry, (piece) => {
    bytes.set(piece, filled);
    filled += piece.length;
  });
  return bytes;
}
