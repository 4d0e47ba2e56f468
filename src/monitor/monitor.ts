import path from 'node:path';
import { diagnose } from '../diagnosis';
import { createFormatRegistry } from '../formats';
import type { MeasureOptions } from '../metrics';
import type { MeasureProgress, RunDetail, RunSummary, WatchedFolder, WorkerEvents, WorkerSettings } from '../protocol';
import { StabilityGate } from '../runs';
import type { RunOnDisk } from '../runs';
import type { RecordStoreOptions } from '../store';
import { Batches } from './batches';
import { systemClock } from './clock';
import type { Clock } from './clock';
import { methodOf } from './fileRecords';
import { Folders } from './folders';
import type { Scan } from './folders';
import { JobQueue } from './jobs';
import type { LayerMeasurer } from './layerMeasurer';
import { Poller } from './poller';
import { RunWatch } from './runWatch';
import { Slots } from './slots';
import type { Surroundings } from './surroundings';

/** Shortest time between two messages to the host about runs, and about progress. */
const batchMilliseconds = 200;
/** The same request within this time (after a restart, for example) is answered without another look at the folders. */
const repeatedMilliseconds = 2_000;
/** Whole files read at once to learn what they are. */
const inspections = 2;

export interface MonitorOptions {
  /** Where layers are measured under these settings; called again when they change. */
  readonly measurerFor: (settings: WorkerSettings) => LayerMeasurer;
  /** Layers measured at once. */
  readonly concurrencyFor: (settings: WorkerSettings) => number;
  readonly events: WorkerEvents;
  /** Default: the real one. */
  readonly clock?: Clock;
}

/**
 * Watches folders: finds runs, follows what grows in them, measures what is new and tells what changed.
 * The one place that knows the order of things.
 */
export class Monitor {
  private readonly runs = new Map<string, RunWatch>();
  private readonly opened = new Set<string>();
  private readonly changed = new Set<RunWatch>();
  private readonly told = new Map<string, string>();
  private readonly toldProblems = new Set<string>();
  private readonly clock: Clock;
  private readonly poller: Poller;
  private readonly folders: Folders;
  private readonly queue: JobQueue;
  private readonly news: Batches;
  private readonly progressNews: Batches;
  private readonly surroundings: Surroundings;
  private watched: { readonly folders: readonly WatchedFolder[]; readonly settings: WorkerSettings } | null = null;
  private measurer: LayerMeasurer | null = null;
  private scanned = false;
  private toldScanned = false;
  private lastScan = -Infinity;
  private lastProgress: MeasureProgress | null = null;

  constructor(private readonly options: MonitorOptions) {
    const { events } = options;
    this.clock = options.clock ?? systemClock;
    const registry = createFormatRegistry();
    const fail = (what: string, error: unknown): void => events.log('error', `${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    this.poller = new Poller(this.clock, fail);
    this.folders = new Folders(this.clock, this.poller, registry, (scan) => this.takeScan(scan), (error) => fail('looking for runs', error));
    this.news = new Batches(this.clock, batchMilliseconds, () => this.tellRuns());
    this.progressNews = new Batches(this.clock, batchMilliseconds, () => this.tellProgress());
    this.queue = new JobQueue(1, () => this.progressNews.add());
    const slots = new Slots(inspections);
    this.surroundings = {
      clock: this.clock,
      registry,
      gate: new StabilityGate(registry, { now: () => this.clock.now() }),
      poller: this.poller,
      queue: this.queue,
      methodOf,
      options: () => this.measureOptions(),
      measureAutomatically: () => this.watched?.settings.measureAutomatically ?? false,
      measureWeights: () => this.watched?.settings.measureWeights ?? true,
      measurer: () => this.currentMeasurer(),
      inspect: (action) => slots.run(action),
      rescan: () => this.folders.soon(),
      engineUnavailable: (reason) => this.engineUnavailable(reason),
      log: (level, message) => events.log(level, message),
    };
  }

  /** Replaces the watched folders and settings, scans, and answers when the first scan is done. */
  async watch(folders: readonly WatchedFolder[], settings: WorkerSettings): Promise<readonly RunSummary[]> {
    const before = this.watched;
    this.watched = { folders, settings };
    this.poller.setInterval(settings.pollInterval);
    this.folders.setOptions({ folders, exclude: settings.exclude, include: settings.include ?? [], maximumDepth: settings.maximumDepth });
    if (before !== null) this.applySettings(before.settings, settings);
    this.queue.setConcurrency(this.options.concurrencyFor(settings));
    const isRepeated = JSON.stringify(before) === JSON.stringify(this.watched) && this.clock.now() - this.lastScan < repeatedMilliseconds;
    if (!isRepeated) await this.folders.scan();
    return this.summaries();
  }

  /** Polling slows down when nobody is looking. */
  setAttention(visible: boolean): void {
    this.poller.setAttention(visible);
    this.folders.setAttention(visible);
  }

  /** One full snapshot; changes follow until `closeRun`. @throws {RangeError} when there is no such run. */
  openRun(runId: string): RunDetail {
    const run = this.runOf(runId);
    this.opened.add(runId);
    run.attend();
    this.diagnose(run);
    return run.state.detail();
  }

  closeRun(runId: string): void {
    this.opened.delete(runId);
  }

  /** Queues everything of the run that is not measured yet, ahead of automatic work. @throws {RangeError} when there is no such run. */
  async measure(runId: string, { again }: { readonly again: boolean }): Promise<void> {
    await this.runOf(runId).measure(again);
  }

  /** Cancels queued and running measurements; of all runs when `runId` is null. */
  cancel(runId: string | null): void {
    for (const [id, run] of this.runs) if (runId === null || id === runId) run.measuring.cancel();
  }

  /** Looks at all folders, files and records now. */
  async refresh(): Promise<void> {
    await this.folders.scan();
    await Promise.all([...this.runs.values()].map((run) => run.refresh()));
  }

  /** Events of the file system, as hints to look sooner. Absolute paths. */
  hint(paths: readonly string[]): void {
    for (const hinted of paths.map((each) => path.resolve(each))) {
      if (this.poller.has(hinted)) this.poller.hint(hinted);
      else this.folders.soon();
    }
  }

  /** Stops everything; records of layers that are being written are finished. */
  async close(): Promise<void> {
    this.poller.stop();
    this.folders.stop();
    this.queue.cancel(null);
    await this.queue.idle();
    this.news.flush();
    this.progressNews.flush();
  }

  private measureOptions(): MeasureOptions {
    const { eps2, seed } = this.current();
    return { eps2, seed };
  }

  private current(): WorkerSettings {
    if (this.watched === null) throw new Error('Nothing is watched yet.');
    return this.watched.settings;
  }

  private currentMeasurer(): LayerMeasurer {
    this.measurer ??= this.options.measurerFor(this.current());
    return this.measurer;
  }

  private runOf(runId: string): RunWatch {
    const run = this.runs.get(runId);
    if (run === undefined) throw new RangeError(`There is no run "${runId}".`);
    return run;
  }

  private applySettings(before: WorkerSettings, now: WorkerSettings): void {
    const differs = (...names: readonly (keyof WorkerSettings)[]): boolean => names.some((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]));
    if (differs('resultsLocation', 'storageFolder')) {
      this.removeRuns([...this.runs.keys()]);
      this.measurer = null;
      return;
    }
    if (differs('threads', 'engine')) {
      this.queue.cancel(null);
      this.measurer = null;
    }
    if (differs('threads', 'engine', 'eps2', 'seed', 'measureAutomatically', 'measureWeights')) for (const run of this.runs.values()) run.measuring.replan();
  }

  private takeScan({ runs, problems, complete }: Scan): void {
    this.scanned = true;
    this.lastScan = this.clock.now();
    const found = new Set(runs.map(({ id }) => id));
    // A run that an incomplete look did not meet may still be there; its own files tell when it is not.
    if (complete) this.removeRuns([...this.runs.keys()].filter((id) => !found.has(id)));
    for (const run of [...runs].sort((a, b) => newest(b) - newest(a))) this.takeRun(run);
    for (const { file, place, reason } of problems) {
      const text = [file, place, reason].filter((part) => part !== '').join(': ');
      if (!this.toldProblems.has(text)) this.options.events.log('warn', text);
      this.toldProblems.add(text);
    }
    this.news.add();
  }

  private takeRun(found: RunOnDisk): void {
    const known = this.runs.get(found.id);
    if (known !== undefined) {
      known.update(found);
      void known.measuring.refresh();
      return;
    }
    const run: RunWatch = new RunWatch(found, this.surroundings, this.recordFolders(found), () => {
      this.changed.add(run);
      this.news.add();
    });
    this.runs.set(found.id, run);
    run.update(found);
  }

  private recordFolders(run: RunOnDisk): RecordStoreOptions {
    const { resultsLocation, storageFolder } = this.current();
    const beside = path.join(run.folder, '.layerscope');
    const stored = storageFolder === '' ? [] : [path.join(storageFolder, run.id)];
    return { read: [beside, ...stored], write: resultsLocation === 'run' ? [beside, ...stored] : stored };
  }

  private removeRuns(ids: readonly string[]): void {
    for (const id of ids) {
      const run = this.runs.get(id);
      this.runs.delete(id);
      this.opened.delete(id);
      this.told.delete(id);
      run?.stop();
      if (run !== undefined) this.changed.delete(run);
    }
    if (ids.length > 0) this.options.events.runsChanged({ changed: [], removed: ids, scanned: this.scanned });
  }

  private engineUnavailable(reason: string): void {
    this.queue.cancel(null);
    for (const run of this.runs.values()) run.engineUnavailable(reason);
  }

  private diagnose(run: RunWatch): void {
    if (!run.state.takeRecordsChanged()) return;
    try {
      run.state.setFindings(diagnose(run.state.allRecords()));
    } catch (error) {
      this.options.events.log('error', `${run.state.runName} could not be diagnosed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private summaries(): RunSummary[] {
    return [...this.runs.values()].map((run) => {
      this.diagnose(run);
      return run.state.summary();
    });
  }

  private tellRuns(): void {
    const changed: RunSummary[] = [];
    for (const run of [...this.changed]) {
      this.diagnose(run);
      this.changed.delete(run);
      const { id } = run.state;
      const summary = run.state.summary();
      const text = JSON.stringify(summary);
      const isNew = this.told.get(id) !== text;
      if (isNew) changed.push(summary);
      this.told.set(id, text);
      if (this.opened.has(id) && (isNew || run.state.hasNews())) this.options.events.runChanged(run.state.takeDelta(summary));
      else run.state.forgetChanges();
    }
    if (changed.length > 0 || !this.toldScanned) this.options.events.runsChanged({ changed, removed: [], scanned: this.scanned });
    this.toldScanned = this.scanned;
  }

  private tellProgress(): void {
    const progress = this.queue.progress();
    if (JSON.stringify(progress) === JSON.stringify(this.lastProgress)) return;
    this.lastProgress = progress;
    this.options.events.progressChanged(progress);
  }
}

function newest(run: RunOnDisk): number {
  return Math.max(0, ...run.files.map(({ modified }) => modified));
}
