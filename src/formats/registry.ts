import type { ByteSource } from './byteSource';
import type { ScalarLogReader } from './scalarLog';
import type { OpenSibling, TensorFile } from './tensors';

/** The first bytes of a file and its name: all that sniffing may look at. */
export interface Sniff {
  /** Base name, for example "epoch=0012.safetensors". */
  readonly name: string;
  /** Absolute path of its folder, where that is known. */
  readonly folder?: string;
  /** Up to `sniffLength` bytes from the start. */
  readonly head: Uint8Array;
  readonly size: number;
}

/** Enough for every signature and for a few lines of text. */
export const sniffLength = 4096;

interface FormatBase {
  /** Stable id, for example "safetensors". */
  readonly id: string;
  /** For people, for example "safetensors". */
  readonly label: string;
  /** Whether a file of this base name, in this folder (absolute), is worth opening; asked for every file of a scan, so it must be cheap. */
  mayBe(name: string, folder?: string): boolean;
  /** Whether the bytes are of this format. */
  matches(sniff: Sniff): boolean;
}

/** Holds named tensors: a probe or a checkpoint. */
export interface TensorFormat extends FormatBase {
  readonly kind: 'tensors';
  open(source: ByteSource, openSibling: OpenSibling): Promise<TensorFile>;
}

/** Holds scalars over time and may grow. */
export interface LogFormat extends FormatBase {
  readonly kind: 'log';
  createReader(fileName: string): ScalarLogReader;
  /** Where the files of one folder continue one another: makes their readers, in order; each knows what the files before it said. */
  createContinuedReaders?(): (fileName: string) => ScalarLogReader;
  /** A file that holds everything since the start and is saved again with every checkpoint: of several in one run the newest is the log. */
  readonly isWholeHistory?: boolean;
}

export type Format = TensorFormat | LogFormat;

/** An ordered list of formats; the first that matches wins. */
export class FormatRegistry {
  constructor(readonly formats: readonly Format[]) {}

  /** Formats worth sniffing by name alone. */
  candidates(name: string, folder?: string): readonly Format[] {
    return this.formats.filter((format) => format.mayBe(name, folder));
  }

  /** The format of the bytes, or null when none recognises them. */
  identify(sniff: Sniff): Format | null {
    return this.candidates(sniff.name, sniff.folder).find((format) => format.matches(sniff)) ?? null;
  }
}
