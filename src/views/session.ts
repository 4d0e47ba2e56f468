import * as vscode from 'vscode';
import type {
  FolderProblem, LabelAdvice, LandscapeEnd, LandscapeNews, LandscapeOrder, MeasureProgress, ModelFacts, ModelInspection, ModelProviderChoice, ModelProviderStatus, PanelChoice, ProbeData, RunDelta, RunDetail, RunsDelta, RunSummary, WorkerStatus,
} from '../protocol';
import type { WorkerClient } from '../worker/workerClient';
import { applyRunDelta, applyRunsDelta, ownDetail } from './hostModel';
import { writeLog } from './log';
import { defaultChoice, parseChoice, sameChoice } from './panelChoice';
import { describeWorker, type HostFolder, runToShowFirst, withProblems } from './runFacts';
import type { LayerscopeSettings } from './settingValues';

/** What happened; every surface draws from these and from the session's properties. */
export type SessionEvent =
  | { readonly kind: 'runs'; readonly delta: RunsDelta }
  | { readonly kind: 'run'; readonly delta: RunDelta }
  /** The choice moved, or the opened run was replaced as a whole (`detailChanged`). */
  | { readonly kind: 'choice'; readonly detailChanged: boolean }
  | { readonly kind: 'progress' }
  | { readonly kind: 'worker' }
  | { readonly kind: 'folders' };

export interface SessionOptions {
  readonly connect: (settings: LayerscopeSettings) => WorkerClient;
  readonly readSettings: () => LayerscopeSettings;
  /** What is to be searched; asked anew whenever `foldersChanged` is called. */
  readonly readFolders: () => Promise<readonly HostFolder[]>;
  readonly memory: vscode.Memento;
  readonly log: vscode.LogOutputChannel;
}

const choiceKey = 'layerscope.choice';
/** A run written to within this time counts as training, and is followed for notifications after the views were hidden. */
const stillTraining = 15 * 60_000;
/** How long a command that nobody watches keeps the worker, and how often it is asked whether it is still needed. */
const lingering = 30_000;
const stopped: WorkerStatus = { state: 'stopped', engine: null, message: '', restarts: 0 };

/**
 * The one owner of the worker and of what the host knows: runs, the opened run, progress, the person's choice.
 * The worker starts when the first surface looks or the first command needs it, and is let go when nobody looks and nothing is going on.
 */
export class Session implements vscode.Disposable {
  readonly #emitter = new vscode.EventEmitter<SessionEvent>();
  readonly onDidChange = this.#emitter.event;
  readonly #options: SessionOptions;
  #connection: WorkerClient | null = null;
  #connectedWith: LayerscopeSettings | null = null;
  #lease: { dispose(): void } | null = null;
  /** Whether somebody needs to know what happens in the folders; without any folder that takes no worker. */
  #active = false;
  #watching: Promise<void> = Promise.resolve();
  #lookers = 0;
  #restTimer: NodeJS.Timeout | undefined;
  #opening: { readonly runId: string } | null = null;
  #folders: readonly HostFolder[] = [];
  #folderProblems: readonly FolderProblem[] = [];
  #runs: readonly RunSummary[] = [];
  #scanned = false;
  #detail: RunDetail | null = null;
  #progress: MeasureProgress | null = null;
  #choice: PanelChoice;
  /** Of somebody's choice that went away, as with a folder that cannot be read for a while: taken up again when it comes back and nobody has chosen since. */
  #away: Pick<PanelChoice, 'runId' | 'layers'> | null = null;
  #disposed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#choice = parseChoice(options.memory.get(choiceKey, defaultChoice));
  }

  get runs(): readonly RunSummary[] {
    return this.#runs;
  }
  /** False until the first scan of all folders is complete. */
  get scanned(): boolean {
    return this.#scanned;
  }
  get folders(): readonly HostFolder[] {
    return withProblems(this.#folders, this.#folderProblems);
  }
  /** The chosen run in full; null while none is chosen or it is being opened. */
  get detail(): RunDetail | null {
    return this.#detail;
  }
  get progress(): MeasureProgress | null {
    return this.#progress;
  }
  get choice(): PanelChoice {
    return this.#choice;
  }
  get worker(): WorkerStatus {
    return this.#connection?.status ?? stopped;
  }
  get chosenRun(): RunSummary | null {
    return this.findRun(this.#choice.runId);
  }

  findRun(runId: string | null): RunSummary | null {
    return this.#runs.find((run) => run.id === runId) ?? null;
  }

  /** Says that a surface is visible: the worker runs and looks closely until the answer is disposed. */
  look(): vscode.Disposable {
    this.#lookers += 1;
    this.#start();
    if (this.#lookers === 1) this.#setAttention(true);
    return new vscode.Disposable(() => {
      this.#lookers -= 1;
      if (this.#lookers === 0) this.#setAttention(false);
      this.#restLater();
    });
  }

  /** Starts the worker if need be and resolves once the first scan is complete. Rejects when the worker cannot be started. */
  async ready(): Promise<void> {
    this.#start();
    this.#restLater();
    for (let watching: Promise<void> | null = null; watching !== this.#watching; ) {
      watching = this.#watching;
      await watching;
    }
  }

  /** Moves every surface to another run, metric or way of drawing. */
  choose(change: Partial<PanelChoice>): void {
    const next = { ...this.#choice, ...change };
    if (sameChoice(next, this.#choice)) return;
    this.#away = null;
    const runChanged = next.runId !== this.#choice.runId;
    const previous = this.#choice.runId;
    this.#choice = next;
    void this.#options.memory.update(choiceKey, next);
    if (runChanged) {
      this.#detail = null;
      if (previous !== null) this.#quietly('closing a run', this.#connection?.closeRun(previous));
    }
    this.#emitter.fire({ kind: 'choice', detailChanged: runChanged });
    if (runChanged) this.#openChosen();
  }

  /** A run in full, also one that is not shown. */
  async detailOf(runId: string): Promise<RunDetail> {
    if (this.#detail?.run.id === runId) return this.#detail;
    const connection = await this.#running();
    const detail = await connection.openRun(runId);
    if (this.#choice.runId !== runId) await connection.closeRun(runId);
    return detail;
  }

  /** Measures what is missing of a run, or everything anew; progress follows as events. */
  async measure(runId: string, again: boolean): Promise<void> {
    await this.ready();
    await this.#connection?.measure(runId, { again });
  }

  /** Which samples of a probe to label next. */
  async suggestLabels(runId: string, request: { readonly probe: string; readonly count: number }): Promise<LabelAdvice> {
    return (await this.#running()).suggestLabels(runId, request);
  }

  /** Which images the model of a run is shown; null where none were chosen. */
  async probeData(runId: string): Promise<ProbeData | null> {
    return (await this.#running()).probeData(runId);
  }

  /** Remembers them, or that there are none. Rejects, naming what cannot be used; nothing changes then. */
  async setProbeData(runId: string, data: ProbeData | null): Promise<void> {
    await (await this.#running()).setProbeData(runId, data);
  }

  /** What the model of a checkpoint is. */
  async inspectModel(inspection: ModelInspection): Promise<ModelFacts> {
    return (await this.#running()).inspectModel(inspection);
  }

  /** Computes a landscape and tells what is known of it meanwhile. Rejects when the worker ends; what was computed is kept. */
  async computeLandscape(id: string, order: LandscapeOrder, onNews: (news: LandscapeNews) => void): Promise<LandscapeEnd> {
    const connection = await this.#running();
    const listening = connection.listen({
      landscapeChanged: (news) => {
        if (news.id === id) onNews(news);
      },
    });
    try {
      return await connection.computeLandscape(id, order);
    } finally {
      listening.dispose();
    }
  }

  async cancelLandscape(id: string): Promise<void> {
    await this.#connection?.cancelLandscape(id);
  }

  /** On what models run, and why. */
  async modelProvider(choice: ModelProviderChoice): Promise<ModelProviderStatus> {
    return (await this.#running()).modelProvider(choice);
  }

  /** Cancels queued and running measurements of all runs. */
  async cancel(): Promise<void> {
    await this.#connection?.cancel(null);
  }

  async refresh(): Promise<void> {
    await this.ready();
    await this.#connection?.refresh();
  }

  /** Changed files, as hints to look sooner; nothing happens while the worker is not running. */
  hint(paths: readonly string[]): void {
    if (this.#lease !== null) this.#quietly('passing on a file event', this.#connection?.hint(paths));
  }

  async restart(): Promise<void> {
    if (this.#options.readSettings().memoryLimit !== this.#connectedWith?.memoryLimit) await this.#disconnect();
    await this.#connection?.restart();
    if (this.#active) this.#watch();
    await this.ready();
  }

  /** Workspace folders or the sample runs came or went. */
  foldersChanged(): void {
    if (this.#active) this.#watch();
  }

  settingsChanged(): void {
    if (this.#lease === null) return;
    const settings = this.#options.readSettings();
    if (JSON.stringify(settings.worker) !== JSON.stringify(this.#connectedWith?.worker)) this.#watch();
  }

  /** Lets the worker finish writing and waits until it has gone. */
  async stop(): Promise<void> {
    clearTimeout(this.#restTimer);
    await this.#connection?.stop();
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#restTimer);
    this.#release();
    this.#connection?.dispose();
    this.#emitter.dispose();
  }

  async #running(): Promise<WorkerClient> {
    await this.ready();
    if (this.#connection === null) throw new Error('the worker is not running, as no folder is watched');
    return this.#connection;
  }

  #start(): void {
    if (this.#disposed) throw new Error('the extension was deactivated');
    if (this.#active) return;
    this.#active = true;
    this.#watch();
  }

  #connect(settings: LayerscopeSettings): WorkerClient {
    const connection = this.#options.connect(settings);
    this.#connectedWith = settings;
    this.#connection = connection;
    connection.listen({
      statusChanged: (status) => {
        this.#options.log.info(describeWorker(status));
        this.#emitter.fire({ kind: 'worker' });
      },
      runsChanged: (delta) => this.#applyRuns(delta),
      runChanged: (delta) => this.#applyRun(delta),
      runReset: (detail) => this.#replaceDetail(detail),
      foldersChanged: (problems) => {
        if (this.#folderProblems.length === 0 && problems.length === 0) return;
        this.#folderProblems = problems;
        this.#emitter.fire({ kind: 'folders' });
      },
      progressChanged: (progress) => {
        this.#progress = progress;
        this.#emitter.fire({ kind: 'progress' });
        if (progress === null) this.#restLater();
      },
      log: (level, message) => writeLog(this.#options.log, level, message),
    });
    return connection;
  }

  #release(): void {
    this.#lease?.dispose();
    this.#lease = null;
  }

  async #disconnect(): Promise<void> {
    this.#release();
    const connection = this.#connection;
    this.#connection = null;
    await connection?.stop();
    connection?.dispose();
  }

  /** Tells the worker what to watch; what it finds comes as events. */
  #watch(): void {
    const watching = this.#watchFolders();
    this.#watching = watching;
    this.#quietly('looking for runs', watching);
  }

  async #watchFolders(): Promise<void> {
    const folders = await this.#options.readFolders();
    if (!this.#active) return;
    this.#folders = folders;
    this.#emitter.fire({ kind: 'folders' });
    if (folders.length === 0) {
      this.#release();
      return this.#applyRuns({ changed: [], removed: this.#runs.map((run) => run.id), scanned: true });
    }
    const settings = this.#options.readSettings();
    const connection = this.#connection ?? this.#connect(settings);
    this.#connectedWith = { ...settings, memoryLimit: this.#connectedWith?.memoryLimit ?? settings.memoryLimit };
    this.#lease ??= connection.use();
    if (this.#lookers > 0) this.#setAttention(true);
    await connection.watch(folders.map(({ name, path }) => ({ name, path })), settings.worker);
  }

  #applyRuns(delta: RunsDelta): void {
    this.#runs = applyRunsDelta(this.#runs, delta);
    this.#scanned = delta.scanned;
    this.#emitter.fire({ kind: 'runs', delta });
    const chosen = this.chosenRun;
    const away = this.#away;
    if (away !== null && this.findRun(away.runId) !== null) {
      this.choose(away);
    } else if (chosen === null && this.#scanned) {
      const { runId, layers } = this.#choice;
      this.choose({ runId: runToShowFirst(this.#runs)?.id ?? null, layers: null });
      this.#away = away ?? (runId === null ? null : { runId, layers });
    } else if (chosen !== null && this.#detail === null) {
      this.#openChosen();
    }
  }

  #applyRun(delta: RunDelta): void {
    if (this.#detail?.run.id !== delta.runId) return;
    this.#detail = applyRunDelta(this.#detail, delta);
    this.#emitter.fire({ kind: 'run', delta });
  }

  #replaceDetail(detail: RunDetail): void {
    if (detail.run.id !== this.#choice.runId) return;
    this.#detail = ownDetail(detail);
    this.#emitter.fire({ kind: 'choice', detailChanged: true });
  }

  #openChosen(): void {
    const runId = this.chosenRun?.id;
    if (runId !== undefined && this.#opening?.runId !== runId) this.#quietly('opening a run', this.#open(runId));
  }

  /** Opens a run. The worker's messages keep their order: what comes before the snapshot is in it, what comes after is not. */
  async #open(runId: string): Promise<void> {
    const opening = { runId };
    this.#opening = opening;
    try {
      const detail = await this.#connection?.openRun(runId);
      if (this.#opening === opening && detail !== undefined) this.#replaceDetail(detail);
    } finally {
      if (this.#opening === opening) this.#opening = null;
    }
  }

  #setAttention(visible: boolean): void {
    this.#quietly('telling the worker who looks', this.#lease === null ? undefined : this.#connection?.setAttention(visible));
  }

  /** Lets the worker go once nobody looks, nothing is measured and no run that a notification could be about is training. */
  #restLater(): void {
    clearTimeout(this.#restTimer);
    if (this.#lookers > 0 || !this.#active || this.#disposed) return;
    this.#restTimer = setTimeout(() => {
      if (this.#lookers > 0) return;
      const training = this.#runs.some((run) => Date.now() - run.modified < stillTraining);
      if (this.#progress !== null || (training && this.#options.readSettings().notifyFindings)) return this.#restLater();
      this.#active = false;
      this.#release();
    }, lingering);
  }

  #quietly(what: string, work: Promise<unknown> | undefined): void {
    work?.catch((error: unknown) => {
      if (!this.#disposed) this.#options.log.error(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
}
