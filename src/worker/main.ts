import { constants, setPriority } from 'node:os';
import path from 'node:path';
import { createBirpc } from 'birpc';
import { keepOnnxRuntimeQuiet } from '../linalg/loadOnnxRuntime';
import { Monitor } from '../monitor';
import type { FeatureExtractor, LayerMeasurer } from '../monitor';
import type { EngineStatus, WorkerApi, WorkerEvents, WorkerSettings } from '../protocol';
import { computeThreadCount, createComputePool } from './computePool';
import { notKnownYet } from './engineNews';
import { LandscapeThreads } from './landscape/landscapeThreads';

// The entry of the worker process. It is a child of the extension host and talks to it over the channel it was forked with.

keepOnnxRuntimeQuiet();

const leaveMilliseconds = 4_000;
const threadPath = path.join(__dirname, 'computeThread.js');
const landscapeThreadPath = path.join(__dirname, 'landscapeThread.js');

try {
  // The editor and the training itself come first.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
} catch {
  // Not allowed everywhere; then it runs like any other process.
}

interface Pool {
  readonly measurer: LayerMeasurer & FeatureExtractor;
  readonly settings: string;
}

let pool: Pool | null = null;
let threads = 0;
let engine: { readonly of: LayerMeasurer | null; readonly status: EngineStatus } = { of: null, status: notKnownYet };

/** The compute threads for these settings; they are kept as long as the settings that concern them stay the same. */
function usePool({ threads, engine, engineFolder, modelProvider = 'cpu' }: Pick<WorkerSettings, 'threads' | 'engine' | 'engineFolder' | 'modelProvider'>): Pool {
  const settings = JSON.stringify({ threads, engine, engineFolder, modelProvider });
  if (pool?.settings === settings) return pool;
  void pool?.measurer.close();
  const engineFolders = engineFolder === undefined ? [] : [path.join(engineFolder, 'tensorflow')];
  pool = { measurer: createComputePool({ threadPath, threads, engine, engineFolders, modelProvider }), settings };
  return pool;
}

const monitor = new Monitor({
  measurerFor: (settings) => usePool(settings).measurer,
  extractorFor: (settings) => usePool(settings).measurer,
  // One more than threads: the next layer is there when a thread is done with one, so that it does not help with another's.
  concurrencyFor: (settings) => computeThreadCount(settings.threads) + 1,
  events: {
    runsChanged: (delta) => void host.runsChanged(delta),
    runChanged: (delta) => void host.runChanged(delta),
    foldersChanged: (problems) => void host.foldersChanged(problems),
    progressChanged: (progress) => void host.progressChanged(progress),
    workChanged: (keys) => void host.workChanged(keys),
    log: (level, message) => void host.log(level, message),
  },
});

const landscapes = new LandscapeThreads({
  threadPath: landscapeThreadPath,
  threads: () => computeThreadCount(threads),
  foldersOf: (checkpoint) => monitor.landscapeFolders(checkpoint),
  onNews: (news) => void host.landscapeChanged(news),
});

const api: WorkerApi = {
  watch: (folders, settings) => {
    threads = settings.threads;
    usePool(settings);
    return monitor.watch(folders, settings);
  },
  setAttention: async (visible) => monitor.setAttention(visible),
  openRun: async (runId) => monitor.openRun(runId),
  nextPage: async (ticket) => monitor.nextPage(ticket),
  closeRun: async (runId) => monitor.closeRun(runId),
  measure: (runId, options) => monitor.measure(runId, options),
  suggestLabels: (runId, request) => monitor.suggestLabels(runId, request),
  inspectModel: (inspection) => landscapes.inspect(inspection),
  computeLandscape: (id, order) => landscapes.compute(id, order),
  cancelLandscape: async (id) => landscapes.cancel(id),
  modelProvider: (choice) => landscapes.provider(choice),
  probeData: (runId) => monitor.probeData(runId),
  setProbeData: (runId, data) => monitor.setProbeData(runId, data),
  cancel: async (runId) => monitor.cancel(runId),
  refresh: () => monitor.refresh(),
  setSuspects: async (suspects) => monitor.setSuspects(suspects),
  hint: async (paths) => monitor.hint(paths),
  ping: async () => ({ pid: process.pid, memory: process.memoryUsage.rss(), engine: knownEngine() }),
  shutdown: leave,
};

/** Loads the engine if need be but does not wait for it: the heartbeat must not stop while a library comes over a slow drive. */
function knownEngine(): EngineStatus {
  const { measurer } = pool ?? usePool({ threads: 0, engine: 'auto' });
  if (engine.of !== measurer) {
    engine = { of: measurer, status: notKnownYet };
    void measurer.engineStatus().then((status) => {
      if (engine.of === measurer) engine = { of: measurer, status };
    });
  }
  return engine.status;
}

/** Records are on disk as soon as a layer is finished; what is left is to let the compute threads come out of native code. */
async function leave(): Promise<void> {
  setTimeout(() => process.exit(0), leaveMilliseconds).unref();
  await Promise.all([monitor.close(), landscapes.close()]);
  await pool?.measurer.close();
  process.exit(0);
}

const host = createBirpc<WorkerEvents, WorkerApi>(api, {
  post: (message: unknown) => {
    // After the host has gone nobody can be told.
    if (process.connected) process.send?.(message);
  },
  on: (handle) => process.on('message', handle),
  eventNames: ['runsChanged', 'runChanged', 'foldersChanged', 'progressChanged', 'workChanged', 'landscapeChanged', 'log'],
  bind: 'functions',
  timeout: -1,
});

process.on('disconnect', () => void leave());

function die(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  // Standard error arrives even when the channel is what broke.
  process.stderr.write(`The worker stops because of an error nobody expected: ${text}\n`, () => process.exit(1));
}
process.on('uncaughtException', die);
process.on('unhandledRejection', die);
