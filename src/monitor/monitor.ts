import path from 'node:path';
import { createFormatRegistry } from '../formats';
import { defaultMeasureOptions } from '../metrics';
import type { MeasureOptions } from '../metrics';
import type { LabelAdvice, MeasureProgress, OpenedRun, ProbeData, RunPage, RunSummary, SuspectLayer, WatchedFolder, WorkerEvents, WorkerSettings } from '../protocol';
import { StabilityGate } from '../runs';
import type { RunOnDisk } from '../runs';
import { checkProbeData } from '../store';
import type { LandscapeFolders, RecordStoreOptions } from '../store';
import { Batches } from './batches';
import { systemClock } from './clock';
import type { Clock } from './clock';
import { Diagnoses } from './diagnoses';
import { chooseMetrics, methodOf, metricsOf } from './fileRecords';
import type { FeatureExtractor } from './featureExtractor';
import { FolderNews } from './folderNews';
import { Folders } from './folders';
import type { Scan } from './folders';
import { JobQueue } from './jobs';
import { toLabelAdvice } from './labelAdvice';
import type { LayerMeasurer } from './layerMeasurer';
import { type Lots, ownLots } from './lots';
import { Poller } from './poller';
import { RunWatch } from './runWatch';
import { Slots } from './slots';
import { Snapshots } from './snapshots';
import { Suspects } from './suspects';
import type { Surroundings } from './surroundings';
import { Turns } from './turns';

/** Shortest time between two messages to the host about runs, and about progress: a person is to see within 200 ms that a cancellation took effect. */
const batchMilliseconds = 200;
const progressMilliseconds = 100;
/** Which layer and measure is in work, alone, is told less often: the host passes each message on to the window, which costs it more than anything else meanwhile. */
const placeMilliseconds = 1000;
/** The same request within this time (after a restart, for example) is answered without another look at the folders. */
const repeatedMilliseconds = 2_000;
/** Whole files read at once to learn what they are. */
const inspections = 2;

/** What the monitor tells; landscapes are not its business. */
export type MonitorEvents = Omit<WorkerEvents, 'landscapeChanged'>;

export interface MonitorOptions {
  /** Where layers are measured under these settings; called again when they change. */
  readonly measurerFor: (settings: WorkerSettings) => LayerMeasurer;
  /** Where models are run under these settings. Default: they are not. */
  readonly extractorFor?: (settings: WorkerSettings) => FeatureExtractor;
  /** Layers measured at once. */
  readonly concurrencyFor: (settings: WorkerSettings) => number;
  readonly events: MonitorEvents;
  /** Default: the real one. */
  readonly clock?: Clock;
  /** In what order runs are measured that another process measures, too. Default: one that no other process has. */
  readonly lots?: Lots;
}

/**
 * Watches folders: finds runs, follows what grows in them, measures what is new and tells what changed.
 * The one place that knows the order of things.
 */
export class Monitor {
  private readonly runs = new Map<string, RunWatch>();
  private readonly opened = new Set<string>();
  private readonly changed = new Set<RunWatch>();
  private readonly snapshots = new Snapshots();
  private readonly diagnoses: Diagnoses;
  private readonly told = new Map<string, string>();
  private readonly toldProblems = new Set<string>();
  private readonly clock: Clock;
  private readonly poller: Poller;
  private readonly folders: Folders;
  private readonly folderNews: FolderNews;
  private readonly queue: JobQueue;
  private readonly news: Batches;
  private readonly progressNews: Batches;
  private readonly placeNews: Batches;
  private readonly suspects: Suspects;
  private readonly surroundings: Surroundings;
  /** Of the settings; null: all. */
  private chosenMetrics: ReadonlySet<string> | null = null;
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
    this.folderNews = new FolderNews(events);
    this.news = new Batches(this.clock, batchMilliseconds, () => this.tellRuns());
    this.progressNews = new Batches(this.clock, progressMilliseconds, () => this.tellProgress());
    this.placeNews = new Batches(this.clock, placeMilliseconds, () => this.tellProgress());
    this.diagnoses = new Diagnoses(this.clock, (level, message) => events.log(level, message), (state) => {
      const run = this.runs.get(state.id);
      if (run?.state !== state) return;
      this.changed.add(run);
      this.news.add();
    });
    this.queue = new JobQueue(1, () => this.queueChanged());
    this.suspects = new Suspects((keys) => events.workChanged(keys));
    const slots = new Slots(inspections);
    const turns = new Turns();
    this.surroundings = {
      clock: this.clock,
      registry,
      gate: new StabilityGate(registry, { now: () => this.clock.now() }),
      poller: this.poller,
      queue: this.queue,
      methodOf,
      suspects: this.suspects,
      lots: options.lots ?? ownLots,
      metricsOf: (kind) => metricsOf(kind).filter((id) => this.chosenMetrics?.has(id) ?? true),
      options: () => this.measureOptions(),
      measureAutomatically: () => this.watched?.settings.measureAutomatically ?? false,
      measureWeights: () => this.watched?.settings.measureWeights ?? true,
      measurer: () => this.currentMeasurer(),
      extractor: () => (this.current().runModels === false ? null : (this.options.extractorFor?.(this.current()) ?? null)),
      inspect: (action) => slots.run(action),
      turn: () => turns.take(),
      rescan: () => this.folders.soon(),
      engineUnavailable: (reason) => this.engineUnavailable(reason),
      log: (level, message) => events.log(level, message),
    };
  }

  /** Replaces the watched folders and settings, scans, and answers when the first scan is done. */
  async watch(folders: readonly WatchedFolder[], settings: WorkerSettings): Promise<readonly RunSummary[]> {
    const before = this.watched;
    this.watched = { folders, settings };
    if (JSON.stringify(before?.settings.metrics) !== JSON.stringify(settings.metrics)) this.takeChosenMetrics(settings.metrics ?? []);
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

  /** A snapshot of the run as it is now, the rest of which `nextPage` brings; changes follow until `closeRun`. @throws {RangeError} when there is no such run. */
  openRun(runId: string): OpenedRun {
    const run = this.runOf(runId);
    this.opened.add(runId);
    run.attend();
    this.diagnoses.look(run.state);
    const { detail, pages } = run.state.snapshot();
    return { detail, ticket: this.snapshots.add(pages) };
  }

  /** The next page of a snapshot, null after the last one. @throws {RangeError} when there is no such snapshot (any more). */
  nextPage(ticket: number): RunPage | null {
    return this.snapshots.next(ticket);
  }

  closeRun(runId: string): void {
    this.opened.delete(runId);
  }

  /** Queues everything of the run that is not measured yet, ahead of automatic work. @throws {RangeError} when there is no such run. */
  async measure(runId: string, { again }: { readonly again: boolean }): Promise<void> {
    await this.runOf(runId).measure(again);
  }

  /** Which samples to label next, as the deepest layer of a probe sees them. @throws {RangeError} when there is no such run or probe. */
  async suggestLabels(runId: string, { probe, count }: { readonly probe: string; readonly count: number }): Promise<LabelAdvice> {
    const { file, layer } = this.runOf(runId).deepestLayerOf(probe);
    const { seed } = this.measureOptions();
    return toLabelAdvice(layer, await this.currentMeasurer().suggest({ file, layer, count, part: 'train', seed }, new AbortController().signal));
  }

  /** What the model of a run is shown. @throws {RangeError} when there is no such run; {FormatError} when what is stored cannot be read. */
  async probeData(runId: string): Promise<ProbeData | null> {
    return this.runOf(runId).probeData();
  }

  /** Chooses that. @throws {RangeError} when there is no such run; {FormatError} naming what cannot be used, and why: nothing is remembered then. */
  async setProbeData(runId: string, data: ProbeData | null): Promise<void> {
    await this.runOf(runId).setProbeData(data === null ? null : checkProbeData(data, 'The chosen probe data'));
  }

  /** Cancels queued and running measurements; of all runs when `runId` is null. */
  cancel(runId: string | null): void {
    for (const [id, run] of this.runs) if (runId === null || id === runId) run.cancel();
  }

  /** What is known of layers that may have ended earlier processes. */
  setSuspects(suspects: readonly SuspectLayer[]): void {
    this.suspects.set(suspects);
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
    this.placeNews.flush();
    this.progressNews.flush();
  }

  private takeChosenMetrics(chosen: readonly string[]): void {
    const metrics = chooseMetrics(chosen);
    this.chosenMetrics = metrics.length === 0 ? null : new Set(metrics);
  }

  private measureOptions(): MeasureOptions {
    const { eps2, seed, partition, clusters } = this.current();
    return { ...defaultMeasureOptions, eps2, seed, ...(partition && { partition }), ...(clusters && { clusters }) };
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
    if (differs('threads', 'engine', 'modelProvider')) {
      this.queue.cancel(null);
      this.measurer = null;
    }
    if (differs('threads', 'engine', 'modelProvider', 'runModels', 'eps2', 'seed', 'partition', 'clusters', 'metrics', 'measureAutomatically', 'measureWeights')) for (const run of this.runs.values()) run.replan();
  }

  private takeScan({ runs, problems, folderProblems, incomplete }: Scan): void {
    this.scanned = true;
    this.lastScan = this.clock.now();
    const found = new Set(runs.map(({ id }) => id));
    this.folderNews.take(folderProblems, this.watched?.folders ?? []);
    // A run that an incomplete look did not meet may still be there; its own files tell when it is not.
    const mayExist = ({ state: { folder } }: RunWatch): boolean => incomplete.some((root) => isBelow(folder, root));
    this.removeRuns([...this.runs].filter(([id, run]) => !found.has(id) && !mayExist(run)).map(([id]) => id));
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
      void known.refreshResults();
      return;
    }
    const run: RunWatch = new RunWatch(found, this.surroundings, this.recordFolders(found), () => {
      this.changed.add(run);
      this.news.add();
    });
    this.runs.set(found.id, run);
    run.update(found);
  }

  /** Where the points of a landscape of a checkpoint (absolute path) are kept: with the records of its run; null outside of every run. */
  landscapeFolders(checkpoint: string): LandscapeFolders | null {
    const file = path.resolve(checkpoint);
    const around = [...this.runs.values()].map(({ state }) => state).filter(({ folder }) => file !== folder && isBelow(file, folder));
    const run = around.sort((a, b) => b.folder.length - a.folder.length)[0];
    return run === undefined ? null : this.recordFolders(run);
  }

  private recordFolders(run: Pick<RunOnDisk, 'id' | 'folder'>): RecordStoreOptions {
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
      if (run === undefined) continue;
      this.changed.delete(run);
      this.diagnoses.forget(run.state);
    }
    if (ids.length > 0) this.options.events.runsChanged({ changed: [], removed: ids, scanned: this.scanned });
  }

  private engineUnavailable(reason: string): void {
    this.queue.cancel(null);
    for (const run of this.runs.values()) run.engineUnavailable(reason);
  }

  private summaries(): RunSummary[] {
    return [...this.runs.values()].map((run) => {
      this.diagnoses.look(run.state);
      return run.state.summary();
    });
  }

  private tellRuns(): void {
    const changed: RunSummary[] = [];
    for (const run of [...this.changed]) {
      this.diagnoses.look(run.state);
      this.changed.delete(run);
      const { id } = run.state;
      const summary = run.state.summary();
      const text = JSON.stringify(summary);
      const isNew = this.told.get(id) !== text;
      if (isNew) changed.push(summary);
      this.told.set(id, text);
      if (!this.opened.has(id)) {
        run.state.forgetChanges();
        continue;
      }
      if (isNew || run.state.hasNews()) this.options.events.runChanged(run.state.takeDelta(summary));
      if (!run.state.hasNews()) continue;
      // The rest goes with the next message.
      this.changed.add(run);
      this.news.add();
    }
    if (changed.length > 0 || !this.toldScanned) this.options.events.runsChanged({ changed, removed: [], scanned: this.scanned });
    this.toldScanned = this.scanned;
  }

  private queueChanged(): void {
    const [now, told] = [this.queue.progress(), this.lastProgress];
    const onlyPlace = now?.runId === told?.runId && now?.done === told?.done && now?.total === told?.total;
    (onlyPlace ? this.placeNews : this.progressNews).add();
  }

  private tellProgress(): void {
    const progress = this.queue.progress();
    if (JSON.stringify(progress) === JSON.stringify(this.lastProgress)) return;
    this.lastProgress = progress;
    this.options.events.progressChanged(progress);
  }
}

/** Whether a path is a folder or lies in it; both absolute. */
function isBelow(file: string, folder: string): boolean {
  return file === folder || file.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep);
}

function newest(run: RunOnDisk): number {
  return Math.max(0, ...run.files.map(({ modified }) => modified));
}
