import { opendir, realpath, stat } from 'node:fs/promises';
import { basename, extname, join, relative, resolve, sep } from 'node:path';
import { compareNaturally, createFormatRegistry, explainSystemError, guessEpochStep, isLogName, type FormatRegistry } from '../formats';
import type { FileProblem, WatchedFolder } from '../protocol';
import { classify, isCandidate, type Classification } from './classify';
import { folderOfJob, isPartOfRun, isSkippedFolder } from './conventions';
import { DiscoveryCache } from './discoveryCache';
import { FolderFilter } from './folderFilter';
import { LinkRules } from './links';
import { runIdOf, type FileOnDisk, type RunOnDisk } from './run';
import { defaultMaximumDepth, longestScan, mostEntries, mostEntriesOfAFolder, mostFruitlessFiles, ScanLimits } from './scanLimits';

export interface DiscoveryOptions {
  /** Folder levels below the searched folder. Default 8. */
  readonly maximumDepth?: number;
  /** Glob patterns relative to the searched folder, forward slashes. Default none; some folders (node_modules, .git, ...) are never searched. */
  readonly exclude?: readonly string[];
  /** Glob patterns of folders: runs are then looked for only in these and below them. Default none: everywhere. */
  readonly include?: readonly string[];
  /** Kept from scan to scan it saves opening files again. Default: a new one. */
  readonly cache?: DiscoveryCache;
  /** Default: all formats. */
  readonly registry?: FormatRegistry;
  /** Ends the scan; the generator then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Default `mostEntriesOfAFolder`. */
  readonly entriesOfAFolder?: number;
  /** Default `mostEntries`. */
  readonly entries?: number;
  /** Milliseconds. Default `longestScan`. */
  readonly longest?: number;
  /** Default Date.now. */
  readonly now?: () => number;
}

export type Discovered =
  | { readonly kind: 'run'; readonly run: RunOnDisk }
  /** Outside of every run; `file` is an absolute path. */
  | { readonly kind: 'problem'; readonly problem: FileProblem }
  /** Comes last. A scan that is not complete was cut short: a run that was not found may still exist. */
  | { readonly kind: 'end'; readonly complete: boolean; readonly entries: number };

export interface FoundRuns {
  readonly runs: readonly RunOnDisk[];
  readonly problems: readonly FileProblem[];
  readonly complete: boolean;
}

interface FoundFile {
  readonly path: string;
  readonly size: number;
  readonly modified: number;
  readonly classification: Classification;
}

interface FolderProblem {
  readonly path: string;
  readonly reason: string;
}

/** What a folder hands to the one above it. */
interface Contribution {
  readonly files: FoundFile[];
  readonly problems: FolderProblem[];
}

interface Subfolder {
  readonly path: string;
  readonly realPath: string;
}

interface Listing {
  readonly files: string[];
  readonly folders: Subfolder[];
}

/** So many files of a folder are looked at together: enough to hide the latency of a network drive. */
const together = 8;

/** Finds the runs below one folder, deepest first. Nothing but the heads of files that may be ours is read. */
export async function* discoverRuns(folder: WatchedFolder, options: DiscoveryOptions = {}): AsyncGenerator<Discovered> {
  const scan = new Scan(folder, options);
  yield* scan.run();
}

/** Finds the runs below several folders. */
export async function findRuns(folders: readonly WatchedFolder[], options: DiscoveryOptions = {}): Promise<FoundRuns> {
  const runs: RunOnDisk[] = [];
  const problems: FileProblem[] = [];
  let complete = true;
  for (const folder of folders) {
    for await (const found of discoverRuns(folder, options)) {
      switch (found.kind) {
        case 'run':
          runs.push(found.run);
          break;
        case 'problem':
          problems.push(found.problem);
          break;
        case 'end':
          complete &&= found.complete;
      }
    }
  }
  return { runs, problems, complete };
}

class Scan {
  private readonly root: string;
  private links = new LinkRules('');
  private readonly visited = new Set<string>();
  private readonly limits: ScanLimits;
  private readonly cache: DiscoveryCache;
  private readonly registry: FormatRegistry;
  private readonly maximumDepth: number;
  private readonly filter: FolderFilter;

  constructor(
    private readonly folder: WatchedFolder,
    private readonly options: DiscoveryOptions,
  ) {
    this.root = resolve(folder.path);
    this.limits = new ScanLimits({ entries: options.entries ?? mostEntries, milliseconds: options.longest ?? longestScan }, options.now ?? Date.now);
    this.cache = options.cache ?? new DiscoveryCache();
    this.registry = options.registry ?? createFormatRegistry();
    this.maximumDepth = options.maximumDepth ?? defaultMaximumDepth;
    this.filter = new FolderFilter(options.include ?? [], options.exclude ?? []);
  }

  async *run(): AsyncGenerator<Discovered> {
    this.cache.beginScan();
    let realRoot: string;
    try {
      realRoot = await realpath(this.root);
    } catch (error) {
      yield problemAt(this.root, explainSystemError(error));
      yield { kind: 'end', complete: false, entries: 0 };
      return;
    }
    this.links = new LinkRules(realRoot);
    const rest = yield* this.visit(this.root, realRoot, 0, false);
    for (const { path, reason } of rest.problems) {
      yield problemAt(path, reason);
    }
    for (const problem of this.limits.problems()) {
      yield { kind: 'problem', problem };
    }
    const { complete, entries } = this.limits;
    if (complete) {
      this.cache.endScan(this.root + sep);
    }
    yield { kind: 'end', complete, entries };
  }

  /** Yields the runs in and below a folder, and returns what belongs to the folder above: nothing, unless it is a part of that one's run. */
  private async *visit(path: string, realPath: string, depth: number, isInJob: boolean): AsyncGenerator<Discovered, Contribution> {
    const files: FoundFile[] = [];
    const problems: FolderProblem[] = [];
    this.options.signal?.throwIfAborted();
    if (this.visited.has(realPath) || this.limits.isExhausted(path)) {
      return { files, problems };
    }
    this.visited.add(realPath);
    const listing = await this.list(path, realPath, problems);
    const isJob = listing.folders.some((child) => basename(child.path) === folderOfJob);
    const inside = slashes(relative(this.root, path));
    if (this.filter.includes(inside)) files.push(...(await this.classifyAll(listing.files, problems)));
    for (const child of listing.folders) {
      if (depth >= this.maximumDepth) {
        this.limits.hit('depth', child.path, this.maximumDepth);
        continue;
      }
      const part = yield* this.visit(child.path, child.realPath, depth + 1, isInJob || isJob);
      files.push(...part.files);
      problems.push(...part.problems);
    }
    if (depth > 0 && !isJob && (isInJob || isPartOfRun(path))) {
      return { files, problems };
    }
    if (!files.some(({ classification }) => classification.makesRun)) {
      return { files: [], problems };
    }
    yield { kind: 'run', run: this.runOf(path, files, problems) };
    return { files: [], problems: [] };
  }

  /** Files that may be ours and folders to search, in natural order. */
  private async list(path: string, realPath: string, problems: FolderProblem[]): Promise<Listing> {
    const files: string[] = [];
    const folders: Subfolder[] = [];
    const limit = this.options.entriesOfAFolder ?? mostEntriesOfAFolder;
    let count = 0;
    try {
      for await (const entry of await opendir(path, { bufferSize: 512 })) {
        if (++count > limit) {
          this.limits.hit('folderEntries', path, limit);
          break;
        }
        this.limits.countEntry();
        const child = join(path, entry.name);
        const isFileName = isCandidate(entry.name, path, this.registry);
        if (entry.isFile() ? !isFileName || this.excludes(child) : isSkippedFolder(entry.name) || this.excludes(child) || !this.filter.mayHoldIncluded(slashes(relative(this.root, child)))) {
          continue;
        }
        if (entry.isFile()) {
          files.push(child);
        } else if (entry.isDirectory()) {
          folders.push({ path: child, realPath: join(realPath, entry.name) });
        } else if (entry.isSymbolicLink() && isFileName && (await this.links.isFileToRead(child))) {
          files.push(child);
        } else if (entry.isSymbolicLink()) {
          const target = await this.links.folderToFollow(child, realPath);
          if (target !== null) folders.push({ path: child, realPath: target });
        }
      }
    } catch (error) {
      problems.push({ path, reason: explainFolder(error) });
    }
    return { files: files.sort(compareNaturally), folders: folders.sort((a, b) => compareNaturally(a.path, b.path)) };
  }

  private excludes(path: string): boolean {
    return this.filter.excludes(slashes(relative(this.root, path)));
  }

  private async classifyAll(paths: readonly string[], problems: FolderProblem[]): Promise<FoundFile[]> {
    const found: FoundFile[] = [];
    const fruitless = new Map<string, number>();
    const fruitful = new Set<string>();
    const likelyFirst = [...paths.filter((path) => isLogName(basename(path))), ...paths.filter((path) => !isLogName(basename(path)))];
    for (let start = 0; start < likelyFirst.length; start += together) {
      this.options.signal?.throwIfAborted();
      const batch = likelyFirst.slice(start, start + together).filter((path) => {
        const ending = extname(path).toLowerCase();
        const isLimited = !fruitful.has(ending) && (fruitless.get(ending) ?? 0) >= mostFruitlessFiles;
        return !isLimited;
      });
      if (batch.length === 0) {
        continue;
      }
      const results = await Promise.all(batch.map((path) => this.classifyOne(path, problems)));
      results.forEach((result, i) => {
        const ending = extname(batch[i]!).toLowerCase();
        if (result !== null) {
          fruitful.add(ending);
          found.push(result);
        } else {
          fruitless.set(ending, (fruitless.get(ending) ?? 0) + 1);
        }
      });
    }
    for (const [ending, count] of fruitless) {
      if (!fruitful.has(ending) && count >= mostFruitlessFiles) {
        this.limits.hit('fruitless', join(paths[0]!, '..'), mostFruitlessFiles);
      }
    }
    return found;
  }

  private async classifyOne(path: string, problems: FolderProblem[]): Promise<FoundFile | null> {
    try {
      const stats = await stat(path);
      if (!stats.isFile()) {
        return null;
      }
      let classification = this.cache.get(path, stats);
      if (classification === undefined) {
        classification = await classify(path, stats.size, this.registry);
        this.cache.set(path, stats, classification);
      }
      return classification === null ? null : { path, size: stats.size, modified: stats.mtimeMs, classification };
    } catch (error) {
      if (!isVanished(error)) {
        problems.push({ path, reason: explainSystemError(error) });
      }
      return null;
    }
  }

  private runOf(folder: string, found: readonly FoundFile[], problems: readonly FolderProblem[]): RunOnDisk {
    const name = slashes(relative(this.root, folder));
    const files = found.map(({ path, size, modified, classification }): FileOnDisk => {
      const inRun = slashes(relative(folder, path));
      const { kind, formatId, format, problem, hint } = classification;
      const place = kind === 'log' ? { epoch: null, step: null } : guessEpochStep(inRun);
      const fileProblem = problem === null ? null : { file: inRun, ...problem };
      const fileHint = hint === undefined ? {} : { hint: { file: inRun, place: '', reason: hint, severity: 'warning' as const } };
      return { kind, path: inRun, absolutePath: path, formatId, format, bytes: size, modified, ...place, problem: fileProblem, ...fileHint };
    });
    return {
      id: runIdOf(folder),
      name: name === '' ? this.folder.name || basename(folder) : name,
      folder,
      files: files.sort((a, b) => compareNaturally(a.path, b.path)),
      problems: problems.map(({ path, reason }) => ({ file: slashes(relative(folder, path)) || '.', place: '', reason, severity: 'warning' })),
    };
  }
}

function problemAt(path: string, reason: string): Discovered {
  return { kind: 'problem', problem: { file: path, place: '', reason, severity: 'warning' } };
}

/** Why a folder cannot be listed, in words. */
export function explainFolder(error: unknown): string {
  const isForbidden = error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
  return isForbidden ? 'no permission to look into this folder' : explainSystemError(error);
}

function isVanished(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function slashes(path: string): string {
  return sep === '/' ? path : path.replaceAll(sep, '/');
}
