import { parentPort, workerData } from 'node:worker_threads';
import { FormatError } from '../formats';
import { createEngine, EngineUnavailable } from '../linalg';
import type { Engine } from '../linalg';
import { driftMetrics, measureLayer, measureWeights } from '../metrics';
import type { LayerMeasurement, WeightReference } from '../metrics';
import type { CheckpointReference, FeatureTask, LayerTask, WeightTask } from '../monitor';
import type { EngineStatus } from '../protocol';
import { openCheckpoint, openProbe } from '../runs';
import type { ComputeFailure, ComputeThreadData, FromComputeThread, ToComputeThread } from './computeMessages';

// The entry of a compute thread: reads one layer of one probe or checkpoint and measures it, one task after the other.

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
  const context = { engine: await loadedEngine(), checkpoint };
  return task.kind === 'features' ? measureFeatures(task, context) : measureWeightsOf(task, context);
}

interface Context {
  readonly engine: Engine;
  readonly checkpoint: () => void;
}

async function measureFeatures(task: FeatureTask, context: Context): Promise<LayerMeasurement[]> {
  const probe = await openProbe(task.file);
  try {
    context.checkpoint();
    const layer = await probe.readLayer(task.layer);
    context.checkpoint();
    return await measureLayer(layer, task.metrics, task.options, context);
  } finally {
    await probe.close();
  }
}

/** Holds the tensor, and for a moment each it is compared with: never more than a few of one layer. */
async function measureWeightsOf({ file, layer, metrics, references }: WeightTask, context: Context): Promise<LayerMeasurement[]> {
  const opened = await openCheckpoint(file);
  try {
    const { checkpoint } = context;
    checkpoint();
    const about = { layer, layerIndex: opened.layers.find(({ name }) => name === layer)?.index ?? 0, weights: await opened.readWeights(layer) };
    const measured: LayerMeasurement[] = [];
    const isAsked = (id: string): boolean => metrics.includes(id);
    const [drift, driftFromFirst] = driftMetrics;
    checkpoint();
    if (isAsked(drift)) measured.push(...(await measureWeights({ ...about, previous: await readReference(references.previous, layer) }, [drift], context)));
    checkpoint();
    if (isAsked(driftFromFirst)) {
      const isFirst = references.first?.file === file;
      const first = isFirst ? { since: references.first?.fingerprint ?? '', weights: about.weights, reason: '' } : await readReference(references.first, layer);
      measured.push(...(await measureWeights({ ...about, first }, [driftFromFirst], context)));
    }
    checkpoint();
    if (isAsked('teacher_distance')) measured.push(...(await measureWeights({ ...about, teacher: await opened.readTeacher(layer) }, ['teacher_distance'], context)));
    const rest = metrics.filter((id) => id !== drift && id !== driftFromFirst && id !== 'teacher_distance');
    return [...(await measureWeights(about, rest, context)), ...measured];
  } finally {
    await opened.close();
  }
}

async function readReference(reference: CheckpointReference | null, layer: string): Promise<WeightReference | null> {
  if (reference === null) return null;
  const other = await openCheckpoint(reference.file);
  try {
    return { since: reference.fingerprint, weights: await other.readWeights(layer), reason: '' };
  } finally {
    await other.close();
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
