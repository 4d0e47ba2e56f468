import { constants, setPriority } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBirpc } from 'birpc';
import { Monitor } from '../monitor';
import type { LayerMeasurer } from '../monitor';
import type { EngineStatus, WorkerApi, WorkerEvents, WorkerSettings } from '../protocol';
import { computeThreadCount, createComputePool } from './computePool';

// The entry of the worker process. It is a child of the extension host and talks to it over the channel it was forked with.

const engineMilliseconds = 5_000;
const leaveMilliseconds = 4_000;
const threadPath = path.join(__dirname, 'computeThread.js');

try {
  // The editor and the training itself come first.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
} catch {
  // Not allowed everywhere; then it runs like any other process.
}

let pool: { readonly measurer: LayerMeasurer; readonly settings: string } | null = null;

/** The compute threads for these settings; they are kept as long as the settings that concern them stay the same. */
function measurerFor({ threads, engine }: Pick<WorkerSettings, 'threads' | 'engine'>): LayerMeasurer {
  const settings = JSON.stringify({ threads, engine });
  if (pool?.settings === settings) return pool.measurer;
  void pool?.measurer.close();
  pool = { measurer: createComputePool({ threadPath, threads, engine }), settings };
  return pool.measurer;
}

const monitor = new Monitor({
  measurerFor,
  concurrencyFor: (settings) => computeThreadCount(settings.threads),
  events: {
    runsChanged: (delta) => void host.runsChanged(delta),
    runChanged: (delta) => void host.runChanged(delta),
    progressChanged: (progress) => void host.progressChanged(progress),
    log: (level, message) => void host.log(level, message),
  },
});

const api: WorkerApi = {
  watch: (folders, settings) => monitor.watch(folders, settings),
  setAttention: async (visible) => monitor.setAttention(visible),
  openRun: async (runId) => monitor.openRun(runId),
  closeRun: async (runId) => monitor.closeRun(runId),
  measure: (runId, options) => monitor.measure(runId, options),
  cancel: async (runId) => monitor.cancel(runId),
  refresh: () => monitor.refresh(),
  hint: async (paths) => monitor.hint(paths),
  ping: async () => ({ pid: process.pid, memory: process.memoryUsage.rss(), engine: await engineStatus() }),
  shutdown: leave,
};

/** The heartbeat must not stop while the engine's library comes over a slow drive. */
async function engineStatus(): Promise<EngineStatus> {
  const measurer = pool?.measurer ?? measurerFor({ threads: 0, engine: 'auto' });
  const waiting = new AbortController();
  const late = sleep(engineMilliseconds, undefined, { ref: false, signal: waiting.signal }).then(
    (): EngineStatus => ({ name: 'unavailable', version: '', reason: 'it is still being loaded' }),
  );
  late.catch(() => undefined);
  try {
    return await Promise.race([measurer.engineStatus(), late]);
  } finally {
    waiting.abort();
  }
}

/** Records are on disk as soon as a layer is finished; what is left is to let the compute threads come out of native code. */
async function leave(): Promise<void> {
  setTimeout(() => process.exit(0), leaveMilliseconds).unref();
  await monitor.close();
  await pool?.measurer.close();
  process.exit(0);
}

const host = createBirpc<WorkerEvents, WorkerApi>(api, {
  post: (message: unknown) => {
    // After the host has gone nobody can be told.
    if (process.connected) process.send?.(message);
  },
  on: (handle) => process.on('message', handle),
  eventNames: ['runsChanged', 'runChanged', 'progressChanged', 'log'],
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
