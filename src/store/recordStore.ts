import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { FileProblem, MeasurementRecord } from '../protocol';
import { isOfTraining } from '../protocol';
import { RecordFile } from './recordFile';
import { contentKey, recordKey } from './recordKey';

/** A folder that holds `records.jsonl`, and `records-*.jsonl` of writers that have a file of their own (shards). */
const recordsName = /^records(-.+)?\.jsonl$/;

export interface RecordStoreOptions {
  /** Folders to read records from; a missing one is an empty one. */
  readonly read: readonly string[];
  /** Folders to write to: the first that can be written takes the records. Without any, records stay in memory. */
  readonly write: readonly string[];
  /** Name of the file that is written, for writers that need one of their own. Default `records.jsonl`. */
  readonly fileName?: string;
  /** Waited for before some milliseconds of parsing, so that the records of many runs are not parsed in one go. Default: a turn of the event loop. */
  readonly turn?: () => Promise<void>;
}

/** The records of one run: read from several places, appended to one, one record a key. */
export class RecordStore {
  private readonly files = new Map<string, RecordFile>();
  private readonly byContent = new Map<string, Map<string, MeasurementRecord>>();
  /** Could not be written yet. */
  private unsaved: MeasurementRecord[] = [];
  private folderProblems: FileProblem[] = [];
  private writeProblems: FileProblem[] = [];
  private refreshing: Promise<ReadonlySet<string>> | null = null;
  private isLoaded = false;
  private added = 0;

  constructor(private readonly options: RecordStoreOptions) {}

  /** Places that cannot be read or written and lines that are no records. */
  get problems(): readonly FileProblem[] {
    return [...this.folderProblems, ...this.writeProblems, ...[...this.files.values()].flatMap((file) => file.problems)];
  }

  /** Every record of the content, whatever its method and options. */
  ofContent(key: string): readonly MeasurementRecord[] {
    return [...(this.byContent.get(key)?.values() ?? [])];
  }

  /** How many there are: it changes whenever there are others. */
  countOf(key: string): number {
    return this.byContent.get(key)?.size ?? 0;
  }

  /** Every record that the training wrote of its own batches, whatever its method and options. */
  ofTraining(): MeasurementRecord[] {
    return this.all().filter(isOfTraining);
  }

  /** Every record of every content. */
  all(): MeasurementRecord[] {
    return [...this.byContent.values()].flatMap((records) => [...records.values()]);
  }

  /** How many records others have added since the first look, those of a training left out: it grows while another process measures the same. */
  get addedByOthers(): number {
    return this.added;
  }

  /**
   * Reads what was added to any of the places since the last call.
   * @returns the content keys that have new or other records.
   */
  refresh(): Promise<ReadonlySet<string>> {
    this.refreshing ??= this.refreshNow().finally(() => {
      this.refreshing = null;
    });
    return this.refreshing;
  }

  /**
   * Keeps the records and puts them on disk before it answers. Where no place can be written they stay in memory, `problems` says so,
   * and the next call tries again.
   */
  async append(records: readonly MeasurementRecord[]): Promise<void> {
    if (records.length === 0) return;
    for (const record of records) this.keep(record);
    const batch = [...this.unsaved, ...records];
    this.unsaved = [];
    const problems: FileProblem[] = [];
    for (const folder of this.options.write) {
      const file = this.fileAt(path.join(folder, this.options.fileName ?? 'records.jsonl'));
      try {
        await file.append(batch);
        this.writeProblems = problems;
        return;
      } catch (error) {
        problems.push({ file: file.file, place: '', reason: `records cannot be written here: ${reasonOf(error)}`, severity: 'warning' });
      }
    }
    this.unsaved = [...batch, ...this.unsaved];
    this.writeProblems = [
      ...problems,
      ...(problems.length === 0 ? [] : [{
        file: problems[0]?.file ?? '',
        place: '',
        reason: 'records are kept in memory only and are lost when the worker stops',
        severity: 'error' as const,
      }]),
    ];
  }

  private async refreshNow(): Promise<ReadonlySet<string>> {
    const changed = new Set<string>();
    const problems: FileProblem[] = [];
    const accept = (records: readonly MeasurementRecord[]): void => {
      for (const record of records) {
        if (this.keep(record)) changed.add(contentKey(record));
        // What is on disk equals what this process keeps where both measured the same. Its own lines are read only where those of others lie between them.
        if (this.isLoaded && !isOfTraining(record)) this.added += 1;
      }
    };
    for (const folder of this.options.read) {
      const names = await readdir(folder).catch((error: unknown) => {
        if (!isAbsent(error)) problems.push({ file: folder, place: '', reason: `records cannot be read: ${reasonOf(error)}`, severity: 'warning' });
        return [];
      });
      for (const name of names.filter((candidate) => recordsName.test(candidate)).sort()) this.fileAt(path.join(folder, name));
    }
    for (const file of this.files.values()) {
      try {
        await file.refresh(accept);
      } catch (error) {
        problems.push({ file: file.file, place: '', reason: `records cannot be read: ${reasonOf(error)}`, severity: 'warning' });
      }
    }
    this.folderProblems = problems;
    this.isLoaded = true;
    return changed;
  }

  private fileAt(name: string): RecordFile {
    const known = this.files.get(name);
    if (known !== undefined) return known;
    const file = new RecordFile(name, this.options.turn);
    this.files.set(name, file);
    return file;
  }

  /** @returns whether the store knew it differently or not at all. */
  private keep(record: MeasurementRecord): boolean {
    const content = contentKey(record);
    let records = this.byContent.get(content);
    if (records === undefined) this.byContent.set(content, (records = new Map()));
    const key = recordKey(record);
    const known = records.get(key);
    records.set(key, record);
    return known === undefined || JSON.stringify(known) !== JSON.stringify(record);
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
