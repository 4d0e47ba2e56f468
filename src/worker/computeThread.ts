import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { FormatError } from '../formats';
import { EngineUnavailable } from '../linalg';
import { combineParts, measurePart, releasePart, suggestLabels } from '../metrics';
import type { MeasureContext } from '../metrics';
import type { PartMeasurement } from '../metrics/measurement';
import type { ComputeAnswer, ComputeFailure, ComputeRequest, ComputeThreadData, FromComputeThread, ToComputeThread } from './computeMessages';
import { LayerReader } from './layerReader';
import { inFamilies } from './layerUnits';
import { ThreadEngine } from './threadEngine';
import { measureWeightTask } from './weightTask';

// The entry of a compute thread: reads layers of probes and checkpoints and measures them, one request after the other.

class Cancelled extends Error {}

// The bundle lies in dist/ or out/ of the extension or checkout.
const engine = new ThreadEngine(workerData as ComputeThreadData, path.dirname(__dirname));
const reader = new LayerReader();

async function work(request: ComputeRequest, checkpoint: () => void, onStep: (metrics: readonly string[]) => void, onImages: (done: number, images: number) => void): Promise<ComputeAnswer> {
  if (request.kind === 'engineStatus') return { kind: 'engineStatus', status: await engine.status() };
  checkpoint();
  if (request.kind === 'combine') return { kind: 'measured', measurements: combineParts(request.measured, request.metrics, request.options) };
  if (request.kind === 'extract' || request.kind === 'check') return runModel(request, checkpoint, onImages);
  const context = { engine: (await engine.load()).engine, checkpoint };
  switch (request.kind) {
    case 'weights':
      return { kind: 'measured', measurements: await measureWeightTask(request.task, context) };
    case 'part':
      return measureUnit(request, context, onStep);
    case 'suggest': {
      const { task } = request;
      const layer = await reader.read({ ...task, previous: null }, task.part, [], checkpoint);
      return { kind: 'suggested', suggestions: await suggestLabels(layer, task.count, { seed: task.seed, part: task.part }, context) };
    }
  }
}

/** What models need is loaded with the first that is run. */
async function runModel(request: ComputeRequest & { kind: 'extract' | 'check' }, checkpoint: () => void, onProgress: (done: number, images: number) => void): Promise<ComputeAnswer> {
  const { checkProbeImages, extractCheckpoint } = await import('./features');
  if (request.kind === 'extract') {
    const { task, provider, threads } = request;
    return { kind: 'extracted', file: await extractCheckpoint(task, { session: { provider, threads }, checkpoint, onProgress }) };
  }
  await checkProbeImages(request.task, checkpoint);
  return { kind: 'checked' };
}

/** Family by family, so that it can be told which is measured. */
async function measureUnit({ task, part, metrics }: ComputeRequest & { kind: 'part' }, context: MeasureContext, onStep: (metrics: readonly string[]) => void): Promise<ComputeAnswer> {
  const layer = await reader.read(task, part, metrics, context.checkpoint);
  const all = new Map<string, PartMeasurement>();
  for (const own of inFamilies(metrics)) {
    onStep(own);
    const measured = await measurePart(layer, part, own, task.options, context);
    if (measured === null) return { kind: 'part', measured };
    for (const [metric, value] of measured) all.set(metric, value);
  }
  // What units share is kept; distances are one unit's alone.
  releasePart(layer, part);
  return { kind: 'part', measured: all };
}

async function answer({ id, request, cancel }: ToComputeThread & { kind: 'work' }): Promise<ComputeAnswer> {
  const flag = new Int32Array(cancel);
  try {
    const checkpoint = (): void => {
      if (Atomics.load(flag, 0) !== 0) throw new Cancelled();
    };
    return await work(request, checkpoint, (metrics) => tell({ kind: 'step', id, metrics }), (done, images) => tell({ kind: 'progress', id, done, images }));
  } catch (error) {
    return { kind: 'failed', failure: describe(error) };
  } finally {
    reader.rest();
  }
}

function describe(error: unknown): ComputeFailure {
  const message = error instanceof Error ? error.message : String(error);
  const nowhere = { message, file: '', place: '', reason: message };
  if (error instanceof Cancelled) return { kind: 'cancelled', ...nowhere };
  if (error instanceof FormatError) return { kind: 'format', message, file: error.file, place: error.place, reason: error.reason };
  if (error instanceof EngineUnavailable) return { kind: 'engine', message, file: error.engine, place: '', reason: error.reason };
  if (error instanceof RangeError) return { kind: 'range', ...nowhere };
  return { kind: 'other', ...nowhere };
}

function tell(message: FromComputeThread): void {
  parentPort?.postMessage(message);
}

parentPort?.on('message', (message: ToComputeThread) => {
  if (message.kind === 'close') {
    parentPort?.close();
    return;
  }
  void answer(message).then((answered) => tell({ kind: 'answer', id: message.id, answer: answered }));
});
