import { FormatError, type ByteSource } from './byteSource';
import { requireRange } from './fileSource';
import { hasSuperblock } from './hdf5Objects';
import { openHdf5 } from './hdf5';
import { kerasVariableNames, layerGroupOf, layerNamesOf } from './kerasNames';
import { memorySource } from './memorySource';
import type { TensorFormat } from './registry';
import type { Tensor, TensorFile } from './tensors';
import { ZipArchive, type ZipEntry } from './zip';

/** A model of a thousand layers has a config.json of a few megabytes. */
const largestText = 64 * 1024 * 1024;
/** Keras stores the weights as they are; where somebody compressed them, they must fit in memory. */
const inflationAllowance = 256 * 1024 * 1024;
const inflationFactor = 4;
const weightsEntry = 'model.weights.h5';

/** Keras 3's .keras: a zip archive of metadata.json, config.json and model.weights.h5, which is read where it lies. */
export const keras: TensorFormat = {
  kind: 'tensors',
  id: 'keras',
  label: 'Keras',
  mayBe: (name) => /\.keras$/i.test(name),
  matches: ({ name, head }) => /\.keras$/i.test(name) && head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4,
  open: async (source) => openKeras(source),
};

/** The weights alone, as save_weights writes them, with the names that its attributes have. */
export const kerasWeights: TensorFormat = {
  kind: 'tensors',
  id: 'kerasWeights',
  label: 'Keras weights',
  mayBe: (name) => /\.weights\.h5$/i.test(name),
  matches: ({ name, head }) => /\.weights\.h5$/i.test(name) && hasSuperblock(head),
  open: async (source) => renamed(await openHdf5(source), source),
};

async function openKeras(source: ByteSource): Promise<TensorFile> {
  const archive = await ZipArchive.open(source);
  const entryOf = (name: string) => archive.entries.find((entry) => entry.name === name);
  const weights = entryOf(weightsEntry);
  if (weights === undefined) {
    const reason = archive.skipped.find(({ name }) => name === weightsEntry)?.reason;
    throw new FormatError(source.name, `entry ${weightsEntry}`, reason ?? 'is missing: not a model of Keras, or one without weights');
  }
  const metadata = await readJson(archive, entryOf('metadata.json'));
  const config = await readJson(archive, entryOf('config.json'));
  const file = await openHdf5(await entrySource(archive, weights));
  return renamed(file, source, { ...plain(metadata), ...plain(config, ['class_name']) }, layerNamesOf(config));
}

function renamed(file: TensorFile, source: ByteSource, metadata: Readonly<Record<string, string>> = {}, layerNames?: ReadonlyMap<string, string>): TensorFile {
  const skipped = file.skipped ?? [];
  const names = kerasVariableNames([...file.tensors, ...skipped].map(({ name }) => name), file.metadata, layerNames);
  const paths = new Map([...names].map(([path, name]) => [name, path]));
  const depths = new Map([...(layerNames?.keys() ?? [])].map((group, depth) => [group, depth]));
  // What belongs to no layer, such as the optimizer, comes last.
  const depthOf = (path: string) => depths.get(layerGroupOf(path)) ?? depths.size;
  const inOrder = [...file.tensors].sort((a, b) => depthOf(a.name) - depthOf(b.name));
  return {
    tensors: inOrder.map((tensor) => ({ ...tensor, name: names.get(tensor.name)! })),
    metadata: { ...file.metadata, ...metadata },
    skipped: skipped.map(({ name, reason }) => ({ name: names.get(name)!, reason })),
    async read(name): Promise<Tensor> {
      const path = paths.get(name);
      if (path === undefined) {
        throw new FormatError(source.name, `tensor ${name}`, 'there is no such variable in the file');
      }
      return { ...(await file.read(path)), name };
    },
  };
}

/** Texts and numbers of an object, as text. */
function plain(value: unknown, only?: readonly string[]): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return {};
  }
  const entries = Object.entries(value).filter(([key, entry]) => (only?.includes(key) ?? true) && (typeof entry === 'string' || typeof entry === 'number'));
  return Object.fromEntries(entries.map(([key, entry]) => [key, String(entry)]));
}

/** The weights are readable without the description, so a damaged one counts as none. */
async function readJson(archive: ZipArchive, entry: ZipEntry | undefined): Promise<unknown> {
  if (entry === undefined || entry.bytes > largestText) {
    return null;
  }
  const bytes = await contentOf(archive, entry);
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return null;
  }
}

async function contentOf(archive: ZipArchive, entry: ZipEntry): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  await archive.read(entry, (piece) => pieces.push(piece.slice()));
  return Buffer.concat(pieces);
}

/** The bytes of an entry as a source of their own: a range of the archive, or a copy where they are compressed. */
async function entrySource(archive: ZipArchive, entry: ZipEntry): Promise<ByteSource> {
  const { source } = archive;
  const name = `${source.name}/${entry.name}`;
  if (entry.method === 'deflated') {
    const allowed = inflationAllowance + inflationFactor * source.size;
    if (entry.bytes > allowed) {
      throw new FormatError(source.name, `entry ${entry.name}`, `would grow to ${entry.bytes} bytes, more than the ${allowed} allowed: a zip bomb?`);
    }
    return memorySource(name, await contentOf(archive, entry), source.version);
  }
  const start = await archive.startOf(entry);
  const part = { name, size: entry.bytes };
  if (entry.bytes !== entry.compressedBytes) {
    throw new FormatError(source.name, `entry ${entry.name}`, `is not compressed, but is said to have ${entry.bytes} bytes in ${entry.compressedBytes}`);
  }
  return {
    ...part,
    version: source.version,
    async read(offset, length) {
      requireRange(part, offset, length);
      return source.read(start + offset, length);
    },
    async close() {},
  };
}
