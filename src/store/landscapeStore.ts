import path from 'node:path';
import type { FileProblem, LandscapeSetting } from '../protocol';
import { RecordFile } from './recordFile';
import type { RecordStoreOptions } from './recordStore';

/** What the points of a surface belong to; written once, before its first point. */
export interface LandscapeHeader {
  /** Hash of everything that a loss depends on beside the point: checkpoints, graph, images, masks, directions, definition. */
  readonly landscape: string;
  readonly name: string;
  /** The checkpoints by path, relative to the run where they lie in it, and the fingerprints of their contents. */
  readonly files: readonly string[];
  readonly versions: readonly string[];
  readonly epoch: number | null;
  readonly step: number | null;
  /** In words. */
  readonly model: string;
  readonly setting: LandscapeSetting;
  readonly method: number;
}

/** The loss at one point; null where it is not finite. */
export interface LandscapePoint {
  readonly landscape: string;
  readonly x: number;
  readonly y: number;
  /** Of a checkpoint of a trajectory: its fingerprint; the loss is that of the checkpoint itself, which need not lie in the plane. */
  readonly checkpoint?: string;
  readonly loss: number | null;
}

export type LandscapeLine = LandscapeHeader | LandscapePoint;

/** @throws {SyntaxError} when the line is not JSON; {TypeError} naming the first field that is not as it should be. */
export function parseLandscapeLine(line: string): LandscapeLine {
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new TypeError('a line of a landscape is an object');
  const fields = parsed as Readonly<Record<string, unknown>>;
  if (typeof fields['landscape'] !== 'string') throw new TypeError('"landscape" is no text');
  if ('setting' in fields) {
    if (typeof fields['setting'] !== 'object' || fields['setting'] === null || !Array.isArray(fields['files'])) throw new TypeError('"setting" or "files" is not as it should be');
    return parsed as LandscapeHeader;
  }
  for (const name of ['x', 'y']) if (!Number.isFinite(fields[name])) throw new TypeError(`"${name}" is no number`);
  if (fields['loss'] !== null && !Number.isFinite(fields['loss'])) throw new TypeError('"loss" is neither a number nor null');
  return parsed as LandscapePoint;
}

/** Where points are read, and written: the first folder that can be written takes them. */
export type LandscapeFolders = Pick<RecordStoreOptions, 'read' | 'write'>;

/** Points of surfaces in append-only files, `landscapes.jsonl`; without a folder they stay in memory. */
export class LandscapeStore {
  private readonly files = new Map<string, RecordFile<LandscapeLine>>();
  /** Folders that can be written, as far as is known. */
  private writable: readonly string[];
  private readonly points = new Map<string, Map<string, number | null>>();
  /** By the folder they lie in: each file is to say what its points belong to. */
  private readonly headers = new Map<string, Set<string>>();
  private readonly writeProblems: FileProblem[] = [];

  /** @param folders one that is read and written, several, or null */
  constructor(folders: LandscapeFolders | string | null) {
    const { read, write } = typeof folders === 'string' ? { read: [folders], write: [folders] } : (folders ?? { read: [], write: [] });
    this.writable = write;
    for (const folder of new Set([...read, ...write])) this.files.set(folder, new RecordFile(path.join(folder, 'landscapes.jsonl'), undefined, parseLandscapeLine));
  }

  get problems(): readonly FileProblem[] {
    return [...[...this.files.values()].flatMap(({ problems }) => problems), ...this.writeProblems];
  }

  /** Reads what was added since the last call, also by others. */
  async refresh(): Promise<void> {
    for (const [folder, file] of this.files) await file.refresh((lines) => lines.forEach((line) => this.take(line, folder)));
  }

  /** The loss at a point, null when it is not finite, undefined when it is not known. */
  lossAt(landscape: string, x: number, y: number, checkpoint = ''): number | null | undefined {
    return this.points.get(landscape)?.get(pointKey(x, y, checkpoint));
  }

  /** Keeps a point, on disk where it can be written; a surface's header goes before its first point. */
  async append(header: LandscapeHeader, point: LandscapePoint): Promise<void> {
    this.take(point, '');
    while (this.writable.length > 0) {
      const folder = this.writable[0]!;
      const file = this.files.get(folder)!;
      const isKnown = this.headers.get(folder)?.has(JSON.stringify(header)) ?? false;
      try {
        await file.append(isKnown ? [point] : [header, point]);
        this.take(header, folder);
        return;
      } catch (error) {
        // The surface is computed all the same.
        this.writable = this.writable.slice(1);
        const consequence = this.writable.length > 0 ? `the losses are kept in ${this.writable[0]!}` : 'the losses are not kept';
        this.writeProblems.push({ file: file.file, place: '', reason: `cannot be written: ${error instanceof Error ? error.message : String(error)}; ${consequence}`, severity: 'warning' });
      }
    }
  }

  private take(line: LandscapeLine, folder: string): void {
    if ('setting' in line) {
      this.headers.set(folder, (this.headers.get(folder) ?? new Set()).add(JSON.stringify(line)));
      return;
    }
    const known = this.points.get(line.landscape) ?? new Map<string, number | null>();
    this.points.set(line.landscape, known.set(pointKey(line.x, line.y, line.checkpoint ?? ''), line.loss));
  }
}

/** Coordinates of one point may differ in the last digit from grid to grid. */
function pointKey(x: number, y: number, checkpoint: string): string {
  return `${x.toPrecision(12)} ${y.toPrecision(12)} ${checkpoint}`;
}
