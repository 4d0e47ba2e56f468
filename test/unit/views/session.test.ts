import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunDetail, RunSummary, WorkerStatus } from '../../../src/protocol';
import type { WorkerClientListener, WorkerConnection } from '../../../src/worker/workerConnection';
import { makeOrder } from '../../../src/views/landscapeOrder';
import { Session, type SessionEvent, type SessionOptions } from '../../../src/views/session';
import { checkSettings } from '../../../src/views/settingValues';
import { aDelta, aDetail, aFile, aRecord, aRun } from './samples';

vi.mock('vscode', () => ({
  EventEmitter: class {
    readonly #listeners = new Set<(event: unknown) => void>();
    readonly event = (listener: (event: unknown) => void) => this.#listeners.add(listener);
    fire(event: unknown): void {
      for (const listener of this.#listeners) listener(event);
    }
    dispose(): void {
      this.#listeners.clear();
    }
  },
  Disposable: class {
    constructor(readonly dispose: () => void) {}
  },
}));

/** Answers like a worker without being a process. */
class FakeWorker {
  listener: WorkerClientListener = {};
  users = 0;
  readonly calls: string[] = [];
  readonly details = new Map<string, RunDetail>();
  status: WorkerStatus = { state: 'running', engine: null, message: '', restarts: 0 };
  /** Called before a snapshot is answered. */
  beforeOpened: () => void = () => undefined;

  constructor(readonly runs: readonly RunSummary[]) {}

  listen(listener: WorkerClientListener) {
    this.listener = { ...this.listener, ...listener };
    return { dispose: () => undefined };
  }
  use() {
    this.users += 1;
    return { dispose: () => void (this.users -= 1) };
  }
  async watch() {
    this.calls.push('watch');
    this.listener.runsChanged?.({ changed: this.runs, removed: [], scanned: true });
    return this.runs;
  }
  async openRun(runId: string) {
    this.calls.push(`open ${runId}`);
    const detail = this.details.get(runId) ?? aDetail(this.runs.find((run) => run.id === runId) ?? aRun(runId));
    await Promise.resolve();
    this.beforeOpened();
    return detail;
  }
  async closeRun(runId: string) {
    this.calls.push(`close ${runId}`);
  }
  async setAttention(visible: boolean) {
    this.calls.push(`attention ${visible}`);
  }
  async measure() {}
  async computeLandscape(id: string) {
    for (const told of [id, 'another']) this.listener.landscapeChanged?.({ id: told, surfaces: [], done: 1, total: 9, doing: told, model: null });
    return { state: 'finished', news: { id, surfaces: [], done: 9, total: 9, doing: '', model: null }, failure: null, problems: [], computed: 9 };
  }
  async cancel() {}
  async refresh() {}
  async hint() {}
  async restart() {}
  async stop() {}
  dispose() {}
}

const probes = [aFile('probes/epoch=0001.safetensors')];
const settings: Record<string, unknown> = {};

function openSession(runs: readonly RunSummary[], folders = [{ name: 'runs', path: '/runs', sample: false }]) {
  const worker = new FakeWorker(runs);
  const connect = vi.fn(() => worker as unknown as WorkerConnection);
  const stored = new Map<string, unknown>();
  const memory = {
    get: (key: string, fallback: unknown) => stored.get(key) ?? fallback,
    update: async (key: string, value: unknown) => void stored.set(key, value),
  };
  const session = new Session({
    connect, memory,
    readSettings: () => checkSettings((name) => settings[name], '/storage').settings,
    readFolders: async () => folders,
    log: { info: () => undefined, error: (message: string) => worker.calls.push(`error ${message}`) },
  } as unknown as SessionOptions);
  const events: SessionEvent[] = [];
  session.onDidChange((event) => events.push(event));
  return { worker, connect, stored, session, events };
}

const settled = () => vi.advanceTimersByTimeAsync(0);

describe('the session', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 100_000_000 });
    for (const name of Object.keys(settings)) delete settings[name];
  });
  afterEach(() => vi.useRealTimers());

  it('starts the worker only when somebody looks, then shows the run that was written to last', async () => {
    const { session, connect } = openSession([aRun('old', { files: probes }), aRun('new', { files: probes, modified: 2000 })]);
    expect(connect).not.toHaveBeenCalled();
    session.look();
    await settled();
    expect(session.choice.runId).toBe('new');
    expect(session.detail?.run.id).toBe('new');
    expect(session.scanned).toBe(true);
  });

  it('opens the run that was chosen before a reload', async () => {
    const { session, stored } = openSession([aRun('a'), aRun('b', { modified: 2000 })]);
    session.choose({ runId: 'a' });
    session.look();
    await settled();
    expect(session.detail?.run.id).toBe('a');
    expect(stored.get('layerscope.choice')).toMatchObject({ runId: 'a' });
  });

  it('leaves the metric to the panel until a person chooses one, and keeps that', async () => {
    const { session, stored } = openSession([aRun('a'), aRun('b')]);
    session.look();
    await settled();
    expect(stored.get('layerscope.choice')).toMatchObject({ metric: null });
    session.choose({ metric: 'alignment' });
    session.choose({ runId: session.choice.runId === 'a' ? 'b' : 'a' });
    expect(stored.get('layerscope.choice')).toMatchObject({ metric: 'alignment' });
  });

  it('closes the run it leaves and never applies its deltas to the next one', async () => {
    const { session, worker, events } = openSession([aRun('a'), aRun('b')]);
    session.look();
    await settled();
    const first = session.choice.runId ?? '';
    const second = first === 'a' ? 'b' : 'a';
    session.choose({ runId: second });
    expect(session.detail).toBeNull();
    await settled();
    expect(worker.calls).toContain(`close ${first}`);
    events.length = 0;
    worker.listener.runChanged?.(aDelta(aRun(first), { records: [aRecord()] }));
    expect(session.detail?.records).toEqual([]);
    expect(events).toEqual([]);
  });

  it('takes a delta that comes before the snapshot as part of it, and appends one that comes after', async () => {
    const { session, worker } = openSession([aRun('a')]);
    worker.details.set('a', aDetail(aRun('a'), { records: [aRecord()] }));
    worker.beforeOpened = () => worker.listener.runChanged?.(aDelta(aRun('a'), { records: [aRecord()] }));
    session.look();
    await settled();
    expect(session.detail?.records).toHaveLength(1);
    worker.listener.runChanged?.(aDelta(aRun('a'), { records: [aRecord({ layer: 'block1' })] }));
    expect(session.detail?.records.map((record) => record.layer)).toEqual(['block0', 'block1']);
  });

  it('replaces the shown run after a restart and moves on when it was removed', async () => {
    const { session, worker } = openSession([aRun('a', { modified: 5000 }), aRun('b')]);
    session.look();
    await settled();
    worker.listener.runReset?.(aDetail(aRun('a'), { layers: ['anew'] }));
    expect(session.detail?.layers).toEqual(['anew']);
    worker.listener.runsChanged?.({ changed: [], removed: ['a'], scanned: true });
    await settled();
    expect(session.detail?.run.id).toBe('b');
  });

  it('takes a run that was shown up again, with its layers, when it comes back', async () => {
    const { session, worker } = openSession([aRun('a', { modified: 5000 }), aRun('b')]);
    session.look();
    await settled();
    session.choose({ runId: 'a', layers: ['block1'] });
    const change = (changed: RunSummary[], removed: string[]) => worker.listener.runsChanged?.({ changed, removed, scanned: true });
    change([], ['a', 'b']);
    expect(session.choice.runId).toBeNull();
    change([aRun('b')], []);
    await settled();
    expect(session.detail?.run.id).toBe('b');
    change([aRun('a')], []);
    await settled();
    expect(session.detail?.run.id).toBe('a');
    expect(session.choice).toMatchObject({ runId: 'a', layers: ['block1'] });
  });

  it('stays with what somebody chose after a run went away', async () => {
    const { session, worker } = openSession([aRun('a', { modified: 5000 }), aRun('b'), aRun('c')]);
    session.look();
    await settled();
    worker.listener.runsChanged?.({ changed: [], removed: ['a'], scanned: true });
    session.choose({ runId: 'c', layers: null });
    worker.listener.runsChanged?.({ changed: [aRun('a')], removed: [], scanned: true });
    await settled();
    expect(session.choice.runId).toBe('c');
  });

  it('lets the worker go after nobody looked for a while, but not while it measures', async () => {
    const { session, worker } = openSession([aRun('a')]);
    const look = session.look();
    await settled();
    worker.listener.progressChanged?.({ runId: 'a', done: 0, total: 2, current: 'block0' });
    look.dispose();
    expect(worker.calls.at(-1)).toBe('attention false');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(worker.users).toBe(1);
    worker.listener.progressChanged?.(null);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(worker.users).toBe(0);
    session.look();
    await settled();
    expect(worker.users).toBe(1);
  });

  it('goes on following a run that trains while findings are to be told, and only then', async () => {
    for (const told of [true, false]) {
      settings['notifications.findings'] = told;
      const { session, worker } = openSession([aRun('a', { modified: Date.now() })]);
      const look = session.look();
      await settled();
      look.dispose();
      await vi.advanceTimersByTimeAsync(120_000);
      expect(worker.users).toBe(told ? 1 : 0);
      await vi.advanceTimersByTimeAsync(20 * 60_000);
      expect(worker.users).toBe(0);
    }
  });

  it('knows which folders cannot be searched until they can, and tells of changes alone', async () => {
    const { session, worker, events } = openSession([aRun('a')], [{ name: 'runs', path: '/runs', sample: false }, { name: 'gone', path: '/gone', sample: false }]);
    session.look();
    await settled();
    events.length = 0;
    worker.listener.foldersChanged?.([]);
    expect(events).toEqual([]);
    worker.listener.foldersChanged?.([{ folder: '/gone', reason: 'does not exist (any more)' }, { folder: '/not/open', reason: 'is not a folder' }]);
    expect(events).toEqual([{ kind: 'folders' }]);
    expect(session.folders).toEqual([{ name: 'runs', path: '/runs', sample: false }, { name: 'gone', path: '/gone', sample: false, problem: 'does not exist (any more)' }]);
    worker.listener.foldersChanged?.([]);
    expect(events).toHaveLength(2);
    expect(session.folders.some((folder) => folder.problem !== undefined)).toBe(false);
  });

  it('needs no worker where no folder is open, and starts it when one is', async () => {
    const folders: { name: string; path: string; sample: boolean }[] = [];
    const { session, connect, worker } = openSession([aRun('a')], folders);
    session.look();
    await session.ready();
    expect(connect).not.toHaveBeenCalled();
    expect(session.scanned).toBe(true);
    folders.push({ name: 'runs', path: '/runs', sample: false });
    session.foldersChanged();
    await session.ready();
    expect(session.runs.map((run) => run.id)).toEqual(['a']);
    folders.pop();
    session.foldersChanged();
    await session.ready();
    expect(session.runs).toEqual([]);
    expect(session.detail).toBeNull();
    expect(worker.users).toBe(0);
  });

  it('has a landscape computed without anybody looking, and passes on what is told of it alone', async () => {
    const { session } = openSession([aRun('a')]);
    const told: string[] = [];
    const computing = session.computeLandscape('mine', makeOrder({ checkpoints: ['/runs/a/1.pt'], directions: 'random', provider: 'cpu' }, '/images'), ({ id }) => told.push(id));
    await settled();
    expect(await computing).toMatchObject({ state: 'finished', computed: 9 });
    expect(told).toEqual(['mine']);
  });

  it('says that nothing can be computed where no folder is watched', async () => {
    const { session } = openSession([], []);
    await expect(session.modelProvider('cpu')).rejects.toThrow('no folder is watched');
  });

  it('watches anew when a setting of the worker changed, and not for any other', async () => {
    const { session, worker } = openSession([aRun('a')]);
    session.look();
    await settled();
    settings['notifications.findings'] = false;
    session.settingsChanged();
    settings['measure.eps2'] = 0.1;
    session.settingsChanged();
    await settled();
    expect(worker.calls.filter((call) => call === 'watch')).toHaveLength(2);
  });
});
