import { setTimeout as sleep } from 'node:timers/promises';
import type {
  EngineStatus, LabelAdvice, LandscapeEnd, LandscapeOrder, ModelFacts, ModelInspection, ModelProviderChoice, ModelProviderStatus, ProbeData, RunDelta, RunDetail,
  RunsDelta, RunSummary, WatchedFolder, WorkerApi, WorkerEvents, WorkerSettings, WorkerStatus,
} from '../protocol';
import { DeathRegister } from './deathRegister';
import { isKnown } from './engineNews';
import { OpenedRuns } from './openedRuns';
import { maximumRestarts, RestartBudget } from './restartBudget';
import type { Disposable, WorkerClientListener, WorkerClientOptions, WorkerConnection } from './workerConnection';
import { WorkerLost, WorkerProcess } from './workerProcess';

/** Time between two questions for the engine while it is being loaded. */
const engineMilliseconds = 250;

interface Watch {
  readonly folders: readonly WatchedFolder[];
  readonly settings: WorkerSettings;
}

/**
 * The host's end of the worker process. Knows nothing of VS Code.
 *
 * The process starts with the first `use` or call and stops some seconds after the last user has gone. It is supervised by a heartbeat
 * and started anew when it dies, at most 3 times a minute; after that the state is `failed` until `restart`.
 * What was watched, opened and asked for is replayed on the new process, so listeners only ever see `runsChanged` and `runReset`;
 * calls that were under way are repeated.
 */
export class WorkerClient implements WorkerConnection {
  private readonly listeners = new Set<WorkerClientListener>();
  private readonly budget = new RestartBudget();
  private readonly deaths = new DeathRegister();
  private readonly events: WorkerEvents;
  private current: WorkerStatus = { state: 'stopped', engine: null, message: '', restarts: 0 };
  private live: WorkerProcess | null = null;
  /** Resolves with the process once everything is replayed on it. */
  private ready: Promise<WorkerProcess> | null = null;
  private stopping: Promise<void> | null = null;
  private abandonRestart: (() => void) | null = null;
  private idleTimer: NodeJS.Timeout | null = null;
  private users = 0;
  private calls = 0;
  private disposed = false;
  private watched: Watch | null = null;
  private attended: boolean | null = null;
  private readonly opened = new Set<string>();
  private readonly snapshots = new OpenedRuns((delta) => this.tellRun(delta));
  private readonly asked = new Set<string>();
  private readonly knownRuns = new Set<string>();

  constructor(private readonly options: WorkerClientOptions) {
    this.events = {
      runsChanged: (delta) => this.runsChanged(delta),
      runChanged: (delta) => {
        if (!this.snapshots.holds(delta)) this.tellRun(delta);
      },
      foldersChanged: (problems) => this.tell((listener) => listener.foldersChanged?.(problems)),
      progressChanged: (progress) => {
        if (progress === null) this.asked.clear();
        this.tell((listener) => listener.progressChanged?.(progress));
      },
      workChanged: (keys) => this.deaths.work(keys),
      landscapeChanged: (news) => this.tell((listener) => listener.landscapeChanged?.(news)),
      log: (level, message) => this.tell((listener) => listener.log?.(level, message)),
    };
  }

  get status(): WorkerStatus {
    return this.current;
  }

  listen(listener: WorkerClientListener): Disposable {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  }

  /** Keeps the process alive, and starts it, until disposed. */
  use(): Disposable {
    this.users += 1;
    this.cancelIdleStop();
    if (this.current.state !== 'failed') void this.connected().catch(() => undefined);
    let used = true;
    return {
      dispose: () => {
        if (!used) return;
        used = false;
        this.users -= 1;
        this.stopWhenIdle();
      },
    };
  }

  /** Replaces the watched folders and settings and answers when the first scan is done. */
  async watch(folders: readonly WatchedFolder[], settings: WorkerSettings): Promise<readonly RunSummary[]> {
    this.watched = { folders, settings };
    const runs = await this.call((worker) => worker.watch(folders, settings));
    this.replaceRuns(runs);
    return runs;
  }

  setAttention(visible: boolean): Promise<void> {
    this.attended = visible;
    // Nobody starts a process in order to look away.
    return this.live === null ? Promise.resolve() : this.call((worker) => worker.setAttention(visible));
  }

  /** One full snapshot; `runChanged` follows until `closeRun`, and `runReset` after a restart. */
  async openRun(runId: string): Promise<RunDetail> {
    this.opened.add(runId);
    try {
      return await this.call((worker) => this.snapshots.open(runId, worker));
    } catch (error) {
      this.opened.delete(runId);
      throw error;
    }
  }

  closeRun(runId: string): Promise<void> {
    this.opened.delete(runId);
    return this.live === null ? Promise.resolve() : this.call((worker) => worker.closeRun(runId));
  }

  async measure(runId: string, options: { readonly again: boolean }): Promise<void> {
    this.asked.add(runId);
    if (this.deaths.forgive(runId)) await this.call((worker) => worker.setSuspects(this.deaths.suspects()));
    await this.call((worker) => worker.measure(runId, options));
  }

  suggestLabels(runId: string, request: { readonly probe: string; readonly count: number }): Promise<LabelAdvice> {
    return this.call((worker) => worker.suggestLabels(runId, request));
  }

  inspectModel(inspection: ModelInspection): Promise<ModelFacts> {
    return this.callOnce((worker) => worker.inspectModel(inspection));
  }

  /** What is known meanwhile comes as `landscapeChanged`. @throws {WorkerLost} when the process ends; what was computed is kept on disk. */
  computeLandscape(id: string, order: LandscapeOrder): Promise<LandscapeEnd> {
    return this.callOnce((worker) => worker.computeLandscape(id, order));
  }

  cancelLandscape(id: string): Promise<void> {
    return this.live === null ? Promise.resolve() : this.callOnce((worker) => worker.cancelLandscape(id));
  }

  modelProvider(choice: ModelProviderChoice): Promise<ModelProviderStatus> {
    return this.callOnce((worker) => worker.modelProvider(choice));
  }

  probeData(runId: string): Promise<ProbeData | null> {
    return this.call((worker) => worker.probeData(runId));
  }

  setProbeData(runId: string, data: ProbeData | null): Promise<void> {
    return this.call((worker) => worker.setProbeData(runId, data));
  }

  cancel(runId: string | null): Promise<void> {
    if (runId === null) this.asked.clear();
    else this.asked.delete(runId);
    return this.live === null ? Promise.resolve() : this.call((worker) => worker.cancel(runId));
  }

  refresh(): Promise<void> {
    return this.call((worker) => worker.refresh());
  }

  hint(paths: readonly string[]): Promise<void> {
    return this.live === null ? Promise.resolve() : this.call((worker) => worker.hint(paths));
  }

  /** Resident memory in bytes and process id of the worker. Starts it when it does not run. */
  ping(): ReturnType<WorkerApi['ping']> {
    return this.call((worker) => worker.ping());
  }

  /** Starts anew by hand, also from `failed`; forgets earlier restarts. */
  async restart(): Promise<void> {
    await this.stop();
    this.budget.reset();
    this.setStatus({ state: 'stopped', message: '', restarts: 0 });
    await this.connected();
  }

  /** Lets the worker finish writing and waits until it has gone. What was watched and opened is kept for the next start. */
  async stop(): Promise<void> {
    this.cancelIdleStop();
    this.abandonRestart?.();
    const process = this.live;
    if (process !== null) {
      this.stopping ??= process.stop().finally(() => (this.stopping = null));
      await this.stopping;
    } else if (this.current.state !== 'failed') {
      this.setStatus({ state: 'stopped', message: '' });
    }
  }

  dispose(): void {
    this.disposed = true;
    void this.stop();
    this.listeners.clear();
  }

  /** Repeats the call on the next process when this one ends. */
  private call<Answer>(action: (worker: WorkerProcess['rpc']) => Promise<Answer>): Promise<Answer> {
    return this.counted(async () => {
      for (;;) {
        let process: WorkerProcess | null = null;
        try {
          process = await this.connected();
          return await action(process.rpc);
        } catch (error) {
          if (!(error instanceof WorkerLost) && process?.over !== true) throw error;
        }
      }
    });
  }

  /** For what may be the reason that the process ends. */
  private callOnce<Answer>(action: (worker: WorkerProcess['rpc']) => Promise<Answer>): Promise<Answer> {
    return this.counted(async () => {
      const { rpc, gone } = await this.connected();
      return Promise.race([action(rpc), gone.then((reason) => Promise.reject(new WorkerLost(`The worker is gone: ${reason}.`)))]);
    });
  }

  private async counted<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    this.calls += 1;
    this.cancelIdleStop();
    try {
      return await work();
    } finally {
      this.calls -= 1;
      this.stopWhenIdle();
    }
  }

  /** The running process with everything replayed on it; starts one when there is none. @throws {WorkerLost} when it dies meanwhile. */
  private async connected(): Promise<WorkerProcess> {
    await this.stopping;
    if (this.disposed) throw new Error('The worker client is disposed.');
    if (this.current.state === 'failed') throw new Error(`The worker failed: ${this.current.message}`);
    this.ready ??= this.start();
    return this.ready;
  }

  private async start(): Promise<WorkerProcess> {
    if (this.current.state !== 'restarting') this.setStatus({ state: 'starting', message: '' });
    const { workerPath, heapMegabytes = 1024, heartbeatInterval = 5_000, heartbeatTimeout = 15_000 } = this.options;
    const process = new WorkerProcess({ workerPath, heapMegabytes, heartbeatInterval, heartbeatTimeout }, this.events, ({ engine }) => this.setEngine(engine));
    this.live = process;
    void process.gone.then((reason) => this.lost(reason));
    const replayed = this.replay(process);
    void this.awaitEngine(process);
    await replayed;
    return process;
  }

  /** The first answer means that it runs; the engine is loaded while the folders are being looked at. */
  private async awaitEngine(process: WorkerProcess): Promise<void> {
    try {
      while (!process.over) {
        const { engine } = await process.rpc.ping();
        if (this.current.state !== 'running') this.setStatus({ state: 'running', engine: isKnown(engine) ? engine : null });
        this.setEngine(engine);
        if (isKnown(engine)) return;
        await sleep(engineMilliseconds, undefined, { ref: false });
      }
    } catch (error) {
      // A process that has ended is dealt with by `lost`.
      if (!(error instanceof WorkerLost) && !process.over) throw error;
    }
  }

  private setEngine(engine: EngineStatus): void {
    if (isKnown(engine) && JSON.stringify(engine) !== JSON.stringify(this.current.engine)) this.setStatus({ engine });
  }

  /** Brings a new process to where the last one was. */
  private async replay(process: WorkerProcess): Promise<void> {
    const { rpc } = process;
    if (this.attended !== null) await rpc.setAttention(this.attended);
    if (this.watched === null) return;
    await rpc.setSuspects(this.deaths.suspects());
    this.replaceRuns(await rpc.watch(this.watched.folders, this.watched.settings));
    for (const runId of this.opened) {
      try {
        const detail = await this.snapshots.open(runId, rpc);
        this.tell((listener) => listener.runReset?.(detail));
      } catch (error) {
        if (error instanceof WorkerLost || process.over) throw new WorkerLost('The worker is gone.', { cause: error });
        this.events.log('warn', `The run ${runId} could not be opened again: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    for (const runId of this.asked) await rpc.measure(runId, { again: false });
  }

  private lost(reason: string): void {
    const deliberate = this.stopping !== null || this.disposed;
    this.live = null;
    this.ready = null;
    this.tell((listener) => listener.progressChanged?.(null));
    if (deliberate) {
      this.deaths.stopped();
      this.setStatus({ state: 'stopped', message: '' });
      return;
    }
    // The next one leaves out what this one died of: it is not a restart for nothing.
    if (this.deaths.died()) this.budget.reset();
    const wait = this.budget.take();
    if (wait === null) {
      this.setStatus({ state: 'failed', message: `it ended ${maximumRestarts + 1} times within a minute; the last time ${reason}` });
      return;
    }
    this.setStatus({ state: 'restarting', message: reason, restarts: this.current.restarts + 1 });
    this.ready = this.waitBeforeRestart(wait).then(() => this.start());
    this.ready.catch(() => undefined);
  }

  private waitBeforeRestart(milliseconds: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.abandonRestart = null;
        resolve();
      }, milliseconds);
      this.abandonRestart = () => {
        clearTimeout(timer);
        this.abandonRestart = null;
        this.ready = null;
        reject(new WorkerLost('The restart was abandoned.'));
      };
    });
  }

  private stopWhenIdle(): void {
    if (this.users > 0 || this.calls > 0 || this.disposed) return;
    this.cancelIdleStop();
    this.idleTimer = setTimeout(() => void this.stop(), this.options.idleStop ?? 5_000);
  }

  private cancelIdleStop(): void {
    if (this.idleTimer !== null) clearTimeout(this.idleTimer);
    this.idleTimer = null;
  }

  private runsChanged(delta: RunsDelta): void {
    for (const run of delta.changed) this.knownRuns.add(run.id);
    for (const id of delta.removed) this.knownRuns.delete(id);
    this.tell((listener) => listener.runsChanged?.(delta));
  }

  private replaceRuns(runs: readonly RunSummary[]): void {
    const removed = [...this.knownRuns].filter((id) => !runs.some((run) => run.id === id));
    this.runsChanged({ changed: runs, removed, scanned: true });
  }

  private setStatus(change: Partial<WorkerStatus>): void {
    this.current = { ...this.current, ...change };
    this.tell((listener) => listener.statusChanged?.(this.current));
  }

  private tellRun(delta: RunDelta): void {
    this.tell((listener) => listener.runChanged?.(delta));
  }

  private tell(send: (listener: WorkerClientListener) => void): void {
    for (const listener of [...this.listeners]) {
      try {
        send(listener);
      } catch (error) {
        // The error of one surface must neither keep the news from the others nor get lost.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
