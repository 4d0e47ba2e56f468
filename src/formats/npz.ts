import { FormatError, type ByteSource } from './byteSource';
import { bytesInMemory, type TensorData } from './decode';
import { explainGitLfsPointer } from './gitLfs';
import { decodeText, NpyError, npyHeaderLength, parseNpyHeader, toRowMajor, type NpyHeader } from './npy';
import { decodeTensor } from './pieces';
import type { TensorFormat } from './registry';
import type { SkippedTensor, Tensor, TensorFile, TensorInfo } from './tensors';
import { ZipArchive, type ZipEntry } from './zip';

/** A header of NumPy is padded to 128 bytes; longer ones are read in a second go. */
const usualHeader = 512;
/** Text beyond this is no description of a file. */
const largestText = 1024 * 1024;
/** Single numbers are read when the file is opened, since they may be metadata; a file with more is a checkpoint. */
const mostScalars = 1000;
/** Real features hardly compress; what grows beyond this is a bomb. Together with the file itself it bounds the memory of one tensor. */
const inflationAllowance = 256 * 1024 * 1024;
const inflationFactor = 4;

type NumberHeader = NpyHeader & { readonly type: { readonly kind: 'number' } };

interface StoredArray {
  readonly entry: ZipEntry;
  readonly header: NumberHeader;
}

/** NumPy's `savez` and `savez_compressed`: a zip archive of .npy files. Single numbers and texts are also metadata. */
export const npz: TensorFormat = {
  kind: 'tensors',
  id: 'npz',
  label: 'npz',
  mayBe: (name) => /\.npz$/i.test(name),
  // By its ending, so that a damaged file is explained instead of ignored.
  matches: ({ name, head }) => /\.npz$/i.test(name) && explainGitLfsPointer(head) === null,
  open: async (source) => openNpz(source),
};

async function openNpz(source: ByteSource): Promise<TensorFile> {
  const pointer = explainGitLfsPointer(await source.read(0, Math.min(source.size, 1024)));
  if (pointer !== null) {
    throw new FormatError(source.name, '', pointer);
  }
  const archive = await ZipArchive.open(source);
  const arrays = new Map<string, StoredArray>();
  const metadata: Record<string, string> = {};
  const skipped: SkippedTensor[] = archive.skipped.map(({ name, reason }) => ({ name: tensorName(name), reason }));
  for (const entry of archive.entries) {
    if (!entry.name.endsWith('.npy')) {
      continue;
    }
    const name = tensorName(entry.name);
    if (arrays.has(name)) {
      throw new FormatError(source.name, `entry ${entry.name}`, 'occurs twice in the archive');
    }
    const header = await readHeader(archive, entry);
    switch (header.type.kind) {
      case 'number':
        requireModest(source, entry, header as NumberHeader);
        arrays.set(name, { entry, header: header as NumberHeader });
        break;
      case 'text':
        Object.assign(metadata, await textMetadata(archive, entry, name, header, skipped));
        break;
      case 'unsupported':
        skipped.push({ name, reason: header.type.reason });
    }
  }
  const scalars = [...arrays].filter(([, { header }]) => header.shape.length === 0);
  for (const [name, array] of scalars.slice(0, mostScalars)) {
    metadata[name] = String((await readArray(archive, array))[0]);
  }
  return {
    tensors: [...arrays].map(([name, { header }]): TensorInfo => ({ name, shape: header.shape, dtype: header.type.dtype, bytes: header.dataBytes })),
    metadata,
    skipped,
    async read(name): Promise<Tensor> {
      const array = arrays.get(name);
      if (array === undefined) {
        const reason = skipped.find((tensor) => tensor.name === name)?.reason ?? 'there is no such array in the file';
        throw new FormatError(source.name, `tensor ${name}`, reason);
      }
      const { shape, type } = array.header;
      return { name, shape, dtype: type.dtype, data: await readArray(archive, array) };
    },
  };
}

async function readHeader(archive: ZipArchive, entry: ZipEntry): Promise<NpyHeader> {
  const place = `entry ${entry.name}`;
  try {
    let head = await archive.head(entry, usualHeader);
    const { start, length } = npyHeaderLength(head);
    if (start + length > head.length) {
      head = await archive.head(entry, start + length);
    }
    const header = parseNpyHeader(head);
    if (header.type.kind !== 'unsupported' && header.dataStart + header.dataBytes !== entry.bytes) {
      const shape = `[${header.shape.join(', ')}]`;
      throw new NpyError(`its shape ${shape} needs ${header.dataBytes} bytes, but ${entry.bytes - header.dataStart} follow its header`);
    }
    return header;
  } catch (error) {
    throw error instanceof NpyError ? new FormatError(archive.source.name, place, error.message) : error;
  }
}

function requireModest(source: ByteSource, entry: ZipEntry, header: NumberHeader): void {
  const needed = header.elements * bytesInMemory(header.type.dtype);
  const allowed = inflationAllowance + inflationFactor * source.size;
  if (entry.method === 'deflated' && needed > allowed) {
    throw new FormatError(source.name, `entry ${entry.name}`, `would grow from ${entry.compressedBytes} to ${needed} bytes, more than the ${allowed} allowed: a zip bomb?`);
  }
}

async function readArray(archive: ZipArchive, { entry, header }: StoredArray): Promise<TensorData> {
  const { dtype, bigEndian } = header.type;
  const data = await decodeTensor(archive.source.name, `entry ${entry.name}`, { dtype, bigEndian, elements: header.elements }, (push) => {
    let toSkip = header.dataStart;
    return archive.read(entry, (bytes) => {
      const skip = Math.min(toSkip, bytes.length);
      toSkip -= skip;
      push(bytes.subarray(skip));
    });
  });
  return header.fortranOrder ? toRowMajor(data, header.shape) : data;
}

/** A single text is metadata as it is; a list of texts (such as `layers`) becomes a JSON array. */
async function textMetadata(
  archive: ZipArchive,
  entry: ZipEntry,
  name: string,
  header: NpyHeader,
  skipped: SkippedTensor[],
): Promise<Record<string, string>> {
  if (header.type.kind !== 'text' || entry.bytes > largestText || header.shape.length > 1) {
    skipped.push({ name, reason: 'is a table of texts or a very long text' });
    return {};
  }
  const bytes = new Uint8Array(entry.bytes);
  let filled = 0;
  await archive.read(entry, (piece) => {
    bytes.set(piece, filled);
    filled += piece.length;
  });
  const texts = decodeText(bytes.subarray(header.dataStart), header.elements, header.type);
  return { [name]: header.shape.length === 0 ? texts[0]! : JSON.stringify(texts) };
}

function tensorName(entryName: string): string {
  return entryName.replace(/\.npy$/, '');
}
