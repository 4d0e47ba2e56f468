import { parentPort, workerData } from 'node:worker_threads';
import { FormatError } from '../formats';
import { createEngine, EngineUnavailable } from '../linalg';
import type { Engine } from '../linalg';
import { measureLayer } from '../metrics';
import type { LayerMeasurement } from '../metrics';
import type { LayerTask } from '../monitor';
import type { EngineStatus } from '../protocol';
import { openProbe } from '../runs';
import type { ComputeFailure, ComputeThreadData, FromComputeThread, ToComputeThread } from './computeMessages';

// The entry of a compute thread: reads one layer of one probe and measures it, one task after the other.

class Cancelled extends Error {}

const { engine: choice } = workerData as ComputeThreadData;
let engine: Promise<Engine> | null = null;

/** Loaded with the first task that needs it; a failure is not tried again, the library would not change. */
function loadedEngine(): Promise<Engine> {
  engine ??= createEngine(choice, { threads: 1 });
  return engine;
}

async function measure(task: LayerTask, cancel: Int32Array): Promise<LayerMeasurement[]> {
  const checkpoint = (): void => {
    if (Atomics.load(cancel, 0) !== 0) throw new Cancelled();
  };
  checkpoint();
  const engine = await loadedEngine();
  const probe = await openProbe(task.file);
  try {
    checkpoint();
    const layer = await probe.readLayer(task.layer);
    checkpoint();
    return await measureLayer(layer, task.metrics, task.options, { engine, checkpoint });
  } finally {
    await probe.close();
  }
}

async function engineStatus(): Promise<EngineStatus> {
  try {
    const { name, version } = await loadedEngine();
    return { name, version, reason: '' };
  } catch (error) {
    return { name: 'unavailable', version: '', reason: error instanceof Error ? error.message : String(error) };
  }
}

async function answer(message: Exclude<ToComputeThread, { kind: 'close' }>): Promise<FromComputeThread> {
  const { id } = message;
  if (message.kind === 'engineStatus') return { kind: 'engineStatus', id, status: await engineStatus() };
  try {
    return { kind: 'measured', id, measurements: await measure(message.task, new Int32Array(message.cancel)) };
  } catch (error) {
    return { kind: 'failed', id, failure: describe(error) };
  }
}

function describe(error: unknown): ComputeFailure {
  const message = error instanceof Error ? error.message : String(error);
  const nowhere = { message, file: '', place: '', reason: message };
  if (error instanceof Cancelled) return { kind: 'cancelled', ...nowhere };
  if (error instanceof FormatError) return { kind: 'format', message, file: error.file, place: error.place, reason: error.reason };
  if (error instanceof EngineUnavailable) return { kind: 'engine', message, file: error.engine, place: '', reason: error.reason };
  return { kind: 'other', ...nowhere };
}

parentPort?.on('message', (message: ToComputeThread) => {
  if (message.kind === 'close') {
    parentPort?.close();
    return;
  }
  void answer(message).then((reply) => parentPort?.postMessage(reply));
});
