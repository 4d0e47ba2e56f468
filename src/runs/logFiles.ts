import type { FormatRegistry, LogFormat } from '../formats';
import { FollowedLog, type FollowLogOptions, type LogChange } from './followLog';
import type { FileOnDisk } from './run';

/** Files of a run that are read as one log. */
export interface LogFiles {
  /** Names the series that come of it: the first file. */
  readonly source: string;
  readonly format: LogFormat;
  /** In the order in which they are read. */
  readonly files: readonly FileOnDisk[];
}

/**
 * Which files of a run make one log. Files that continue one another (TensorBoard's, of one folder) are read one after the other in the order of
 * their names, as TensorBoard does; of whole histories that are saved again with every checkpoint (Hugging Face) only the newest is read.
 */
export function logFilesOf(files: readonly FileOnDisk[], registry: FormatRegistry): LogFiles[] {
  const logs = new Map<string, { readonly format: LogFormat; readonly files: FileOnDisk[] }>();
  for (const file of files) {
    const format = file.kind === 'log' ? registry.formats.find(({ id }) => id === file.formatId) : undefined;
    if (format?.kind !== 'log') {
      continue;
    }
    const key = format.isWholeHistory === true ? format.id : format.createContinuedReaders === undefined ? `file ${file.path}` : `${format.id} ${folderOf(file.path)}`;
    const known = logs.get(key);
    if (known === undefined) logs.set(key, { format, files: [file] });
    else known.files.push(file);
  }
  return [...logs.values()].map(({ format, files: together }) => {
    const read = format.isWholeHistory === true ? [newestHistory(together)] : together.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { source: read[0]!.path, format, files: read };
  });
}

/** The one beside the checkpoint of the largest step; one that lies beside no checkpoint (saved at the end) when it is not older than that. */
function newestHistory(files: readonly FileOnDisk[]): FileOnDisk {
  return files.reduce((best, file) => {
    const bestStep = stepOfFolder(best);
    const step = stepOfFolder(file);
    if (bestStep !== null && step !== null) return step > bestStep ? file : best;
    if (bestStep === step) return file.modified > best.modified ? file : best;
    const [atEnd, beside] = step === null ? [file, best] : [best, file];
    return atEnd.modified >= beside.modified ? atEnd : beside;
  });
}

function stepOfFolder({ path }: FileOnDisk): number | null {
  const found = /(?:^|\/)checkpoint-(\d+)\/[^/]+$/.exec(path);
  return found === null ? null : Number(found[1]);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/** Follows the files of one log. Calls must not overlap. */
export class FollowedLogFiles {
  private followed = new Map<string, FollowedLog>();
  private createReader: (fileName: string) => ReturnType<LogFormat['createReader']>;
  private files: FileOnDisk[];

  constructor(
    { files }: Pick<LogFiles, 'files'>,
    private readonly format: LogFormat,
    private readonly options: FollowLogOptions = {},
  ) {
    this.files = [...files];
    this.createReader = this.newReaders();
  }

  /** Takes over a list of files. @returns false when it is not the one that was followed so far, continued: then everything has to be read anew. */
  continueWith(files: readonly FileOnDisk[]): boolean {
    const isContinued = this.files.every(({ path }, i) => files[i]?.path === path);
    if (isContinued) this.files = [...files];
    return isContinued;
  }

  /**
   * Reads on to the end of all files, or of one. When one of several was truncated or replaced, all of them are read again, because what the
   * later ones mean depends on the earlier: the first change then says `restarted`.
   * @param only a path of the list
   */
  async *changes(only?: string): AsyncGenerator<{ readonly file: FileOnDisk; readonly change: LogChange }> {
    let wanted = this.files.filter(({ path }) => only === undefined || path === only);
    for (let i = 0; i < wanted.length; i++) {
      const file = wanted[i]!;
      for (;;) {
        const change = await this.logOf(file).poll();
        if (change.restarted && this.format.createContinuedReaders !== undefined) {
          this.followed.clear();
          this.createReader = this.newReaders();
          yield { file, change: { ...change, rows: [], columns: null, problems: [], more: true } };
          wanted = this.files;
          i = -1;
          break;
        }
        yield { file, change };
        if (!change.more) {
          break;
        }
      }
    }
  }

  /** Takes torn last lines as they are; for a log that is known to be complete. */
  finish(): { readonly file: FileOnDisk; readonly rest: ReturnType<FollowedLog['finish']> }[] {
    return this.files.map((file) => ({ file, rest: this.logOf(file).finish() }));
  }

  /** What the log holds besides scalars so far: name of a quantity -> what it is. */
  otherTags(): ReadonlyMap<string, string> {
    const [first] = this.files;
    return first === undefined ? new Map() : this.logOf(first).otherTags();
  }

  private logOf(file: FileOnDisk): FollowedLog {
    let log = this.followed.get(file.path);
    if (log === undefined) {
      log = new FollowedLog(file.absolutePath, file.path, { createReader: (name) => this.createReader(name) }, this.options);
      this.followed.set(file.path, log);
    }
    return log;
  }

  private newReaders(): (fileName: string) => ReturnType<LogFormat['createReader']> {
    return this.format.createContinuedReaders?.() ?? ((fileName) => this.format.createReader(fileName));
  }
}

/** "also holds 2 histograms (a, b)" and so on; null when there is nothing else. */
export function describeOthers(others: ReadonlyMap<string, string>): string | null {
  if (others.size === 0) {
    return null;
  }
  const byKind = new Map<string, string[]>();
  for (const [tag, kind] of others) {
    const tags = byKind.get(kind);
    if (tags === undefined) byKind.set(kind, [tag]);
    else tags.push(tag);
  }
  const kinds = [...byKind].map(([kind, tags]) => {
    const named = tags.slice(0, mostNamed).join(', ');
    return `${kind}: ${named}${tags.length > mostNamed ? ` and ${tags.length - mostNamed} more` : ''}`;
  });
  return `also holds what is not drawn (${kinds.join('; ')})`;
}

const mostNamed = 5;
