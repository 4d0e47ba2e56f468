import { FormatError, type ByteSource } from './byteSource';
import { bytesInMemory } from './decode';
import { compareNaturally } from './fileNames';
import { explainGitLfsPointer } from './gitLfs';
import { readAttributes } from './hdf5Attributes';
import { Hdf5Bytes } from './hdf5Bytes';
import { explainFilters, readFilters } from './hdf5Filters';
import { isGroup, readLinks, type Link } from './hdf5Groups';
import { feedValues, readLayout, type StoredValues } from './hdf5Layout';
import { hasSuperblock, messageType, readObject, readSuperblock, type Message } from './hdf5Objects';
import { readDataspace, readType } from './hdf5Types';
import { decodeTensor } from './pieces';
import type { TensorFormat } from './registry';
import type { DType, SkippedTensor, Tensor, TensorFile, TensorInfo } from './tensors';

/** Groups and datasets. A Keras model has a few thousand. */
const mostObjects = 1_000_000;
const deepestGroup = 100;
const mostAttributes = 100_000;
/** Compressed or never written values may be larger than the file; what grows beyond this is a bomb, or no checkpoint. */
const growthAllowance = 256 * 1024 * 1024;
const growthFactor = 4;

interface Dataset extends TensorInfo {
  readonly bigEndian: boolean;
  readonly elements: number;
  readonly values: StoredValues;
}

/**
 * HDF5 (superblock 0 to 3) as h5py and Keras write it, read lazily by ranges. libhdf5 compiled to WebAssembly (h5wasm) traps, aborts and hangs on
 * damaged files and jsfive wants the whole file in memory, so the subset that checkpoints use is read here.
 * Attributes are metadata: those of the root under their own name, others as "path@name".
 */
export const hdf5: TensorFormat = {
  kind: 'tensors',
  id: 'hdf5',
  label: 'HDF5',
  mayBe: (name) => /\.(?:h5|hdf5|keras|ckpt)$/i.test(name),
  matches: ({ name, head }) => hasSuperblock(head) || (/\.(?:h5|hdf5)$/i.test(name) && explainGitLfsPointer(head) === null),
  open: async (source) => openHdf5(source),
};

/** Lists all datasets of numbers; nothing of their values is read. */
export async function openHdf5(source: ByteSource): Promise<TensorFile> {
  const file = new Hdf5Bytes(source);
  const listing = new Listing(file);
  await listing.visitRoot(await readSuperblock(file));
  const { datasets, skipped, metadata } = listing;
  return {
    tensors: [...datasets.values()].map(({ name, shape, dtype, bytes }) => ({ name, shape, dtype, bytes })),
    metadata: Object.fromEntries(metadata),
    skipped,
    async read(name): Promise<Tensor> {
      const place = `tensor ${name}`;
      const dataset = datasets.get(name);
      if (dataset === undefined) {
        throw new FormatError(source.name, place, skipped.find((tensor) => tensor.name === name)?.reason ?? 'there is no such dataset in the file');
      }
      const { shape, dtype, values } = dataset;
      return { name, shape, dtype, data: await decodeTensor(source.name, place, dataset, (push) => feedValues(file, values, push)) };
    },
  };
}

class Listing {
  readonly datasets = new Map<string, Dataset>();
  readonly skipped: SkippedTensor[] = [];
  readonly metadata = new Map<string, string>();
  private readonly seen = new Set<number>();

  constructor(private readonly file: Hdf5Bytes) {}

  /** A damaged root is a damaged file; what lies deeper is skipped alone. */
  async visitRoot(address: number): Promise<void> {
    this.seen.add(address);
    const messages = await readObject(this.file, address);
    await this.attributesOf('', messages);
    await this.visitLinks('', await readLinks(this.file, messages), 0);
  }

  private async visitLinks(path: string, links: readonly Link[], depth: number): Promise<void> {
    const inOrder = [...links].sort((a, b) => (a.order !== null && b.order !== null ? a.order - b.order : 0) || compareNaturally(a.name, b.name));
    for (const { name, target } of inOrder) {
      const child = path === '' ? name : `${path}/${name}`;
      if (target.kind === 'hard') {
        // Another name of an object, or a circle.
        if (!this.seen.has(target.address)) await this.visit(child, target.address, depth + 1);
      } else if (target.kind !== 'soft') {
        const reason = target.kind === 'external' ? `lies in another file (${target.text}), which is not opened` : `is a ${target.text}, which is not followed`;
        this.skipped.push({ name: child, reason });
      }
    }
  }

  private async visit(path: string, address: number, depth: number): Promise<void> {
    if (this.seen.size >= mostObjects) {
      throw new FormatError(this.file.source.name, '', `holds more than ${mostObjects} groups and datasets`);
    }
    this.seen.add(address);
    try {
      if (depth > deepestGroup) {
        throw new FormatError(this.file.source.name, '', `is nested more than ${deepestGroup} groups deep`);
      }
      const messages = await readObject(this.file, address);
      const attributes = await this.attributesOf(path, messages);
      if (messages.some(({ type }) => type === messageType.layout)) {
        const dataset = this.datasetOf(path, messages, attributes);
        if (typeof dataset === 'string') this.skipped.push({ name: path, reason: dataset });
        else this.datasets.set(path, dataset);
      } else if (isGroup(messages)) {
        await this.visitLinks(path, await readLinks(this.file, messages), depth);
      }
    } catch (error) {
      if (!(error instanceof FormatError)) {
        throw error;
      }
      this.skipped.push({ name: path, reason: error.place === '' ? error.reason : `${error.reason} (${error.place})` });
    }
  }

  private async attributesOf(path: string, messages: readonly Message[]): Promise<Map<string, string>> {
    const attributes = await readAttributes(this.file, messages);
    for (const [name, value] of attributes) {
      if (this.metadata.size < mostAttributes) this.metadata.set(path === '' ? name : `${path}@${name}`, value);
    }
    return attributes;
  }

  /** @returns the reason where it is not read */
  private datasetOf(name: string, messages: readonly Message[], attributes: ReadonlyMap<string, string>): Dataset | string {
    const cursorOf = (type: number) => messages.find((message) => message.type === type)?.cursor;
    const [typeMessage, spaceMessage, layoutMessage] = [cursorOf(messageType.datatype), cursorOf(messageType.dataspace), cursorOf(messageType.layout)];
    if (typeMessage === undefined || spaceMessage === undefined || layoutMessage === undefined) {
      return 'has no type, shape or layout';
    }
    const type = readType(typeMessage);
    const space = readDataspace(spaceMessage);
    if (typeof space === 'string') {
      return space;
    }
    if (space.isNull) {
      return 'holds nothing, not even an empty array';
    }
    const number = numberOf(type, attributes);
    if (typeof number === 'string') {
      return number;
    }
    if (cursorOf(messageType.externalFiles) !== undefined) {
      return 'keeps its values in other files, which are not opened';
    }
    const layout = readLayout(layoutMessage);
    if (layout.kind === 'other') {
      return layout.reason;
    }
    const filterMessage = cursorOf(messageType.filters);
    const filters = filterMessage === undefined ? [] : readFilters(filterMessage);
    const { shape, elements } = space;
    const bytes = elements * number.bytes;
    const problem = explainFilters(filters) ?? this.explainSize(layout, space.shape, elements * bytesInMemory(number.dtype), number.bytes, bytes);
    if (problem !== null) {
      return problem;
    }
    const fillMessage = cursorOf(messageType.fill) ?? cursorOf(messageType.oldFill);
    const fill = fillMessage === undefined ? null : readFill(fillMessage, cursorOf(messageType.fill) === undefined, number.bytes);
    const values: StoredValues = { layout, space, elementBytes: number.bytes, filters, fill };
    return { name, shape, dtype: number.dtype, bytes, bigEndian: number.bigEndian, elements, values };
  }

  private explainSize(layout: StoredValues['layout'], shape: readonly number[], inMemory: number, elementBytes: number, bytes: number): string | null {
    const { source, base } = this.file;
    const tooSmall = (has: number) => `its shape [${shape.join(', ')}] needs ${bytes} bytes, but it has ${has}`;
    if (layout.kind === 'compact') {
      return layout.bytes.length < bytes ? tooSmall(layout.bytes.length) : null;
    }
    if (layout.kind === 'contiguous' && layout.address !== null) {
      if (layout.bytes < bytes) {
        return tooSmall(layout.bytes);
      }
      const end = base + layout.address + bytes;
      return end > source.size ? `its values end at byte ${end}, but the file has only ${source.size}` : null;
    }
    const chunk = layout.kind === 'chunked' ? layout.chunk : [];
    if (layout.kind === 'chunked' && (chunk.length !== shape.length || chunk.length === 0 || chunk.some((size) => !(size > 0)))) {
      return `its chunks [${chunk.join(', ')}] do not fit its shape [${shape.join(', ')}]`;
    }
    const needed = Math.max(inMemory, chunk.reduce((product, size) => product * size, elementBytes));
    const allowed = growthAllowance + growthFactor * source.size;
    return needed > allowed ? `would need ${needed} bytes of memory, more than the ${allowed} allowed for a file of ${source.size}` : null;
  }
}

interface StoredNumber {
  readonly dtype: DType;
  readonly bigEndian: boolean;
  readonly bytes: number;
}

/** Keras stores bfloat16 as two opaque bytes and says so in an attribute. */
function numberOf(type: ReturnType<typeof readType>, attributes: ReadonlyMap<string, string>): StoredNumber | string {
  switch (type.kind) {
    case 'number':
      return type;
    case 'opaque':
      return type.bytes === 2 && attributes.get('dtype') === 'bfloat16'
        ? { dtype: 'BF16', bigEndian: false, bytes: 2 }
        : `holds opaque elements of ${type.bytes} bytes${type.tag === '' ? '' : ` (${type.tag})`}`;
    case 'text':
    case 'variableText':
      return 'holds texts';
    case 'other':
      return type.reason;
  }
}

/** A fill value message (specification, IV.A.2.e and f). */
function readFill(cursor: NonNullable<Message['cursor']>, isOld: boolean, elementBytes: number): Uint8Array | null {
  if (!isOld) {
    const version = cursor.u8();
    if (version === 3) {
      if ((cursor.u8() & 0x20) === 0) return null;
    } else {
      cursor.skip(2);
      if (cursor.u8() === 0) return null;
    }
  }
  const bytes = cursor.u32();
  return bytes === elementBytes ? cursor.part(bytes).bytes : null;
}
