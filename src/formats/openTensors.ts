import { basename, dirname, resolve } from 'node:path';
import { FormatError, type ByteSource } from './byteSource';
import { openFile } from './fileSource';
import { explainGitLfsPointer } from './gitLfs';
import { sniffLength, type FormatRegistry, type TensorFormat } from './registry';
import type { TensorFile } from './tensors';

export interface OpenedTensors {
  readonly format: TensorFormat;
  readonly file: TensorFile;
  readonly source: ByteSource;
  /** The other files that were needed so far. */
  siblings(): readonly ByteSource[];
  /** Closes the file and the siblings it needed. */
  close(): Promise<void>;
}

export interface OpenTensorsOptions {
  /** The name in messages. Default: the path. */
  readonly name?: string;
  /** Called before each read of some megabytes at most; what it throws ends the reading. */
  readonly checkpoint?: () => void;
}

/**
 * Opens a file of any known tensor format.
 * @throws {FormatError} when it cannot be opened, or is of no format that is read; the reason says what it is where that is known.
 */
export async function openTensors(path: string, registry: FormatRegistry, options: OpenTensorsOptions = {}): Promise<OpenedTensors> {
  const name = options.name ?? path;
  const { checkpoint } = options;
  const opened: ByteSource[] = [];
  const open = async (file: string, fileName: string) => {
    const source = await openFile(file, { name: fileName });
    opened.push(source);
    return checkpoint === undefined ? source : stoppable(source, checkpoint);
  };
  const close = async () => {
    await Promise.all(opened.map((source) => source.close()));
  };
  try {
    const source = await open(path, name);
    const format = await tensorFormatOf(source, basename(path), registry);
    const openSibling = (relativePath: string) => open(resolve(dirname(path), relativePath), relativePath);
    return { format, file: await format.open(source, openSibling), source, siblings: () => opened.slice(1), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function stoppable(source: ByteSource, checkpoint: () => void): ByteSource {
  const { name, size, version } = source;
  return {
    name,
    size,
    version,
    async read(offset, length) {
      checkpoint();
      return source.read(offset, length);
    },
    close: () => source.close(),
  };
}

async function tensorFormatOf(source: ByteSource, baseName: string, registry: FormatRegistry): Promise<TensorFormat> {
  const head = await source.read(0, Math.min(sniffLength, source.size));
  const sniff = { name: baseName, head, size: source.size };
  const pointer = explainGitLfsPointer(head);
  if (pointer !== null) {
    throw new FormatError(source.name, '', pointer);
  }
  const format = registry.identify(sniff);
  if (format?.kind === 'tensors') {
    return format;
  }
  const readable = registry.formats.filter(({ kind }) => kind === 'tensors').map(({ label }) => label).join(', ');
  const what = format === null ? 'not' : `${article(format.label)} ${format.label} log, not`;
  throw new FormatError(source.name, '', `is ${what} a file of tensors that can be read (${readable})`);
}

function article(word: string): string {
  return /^[aeioAEIOH]/.test(word) ? 'an' : 'a';
}
