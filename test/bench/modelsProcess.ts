import path from 'node:path';
import { createInterface } from 'node:readline';
import { createFormatRegistry, openTensors } from '../../src/formats';
import { buildGraph, describeModel, ModelSession, readWeights, type Batch, type GraphRequest, type Weights } from '../../src/models';

/** The other side of twin_models.py: the same requests, answered by src/models. */
const threads = Number(process.env['BENCH_THREADS']);

function images(count: number, side: number): Float32Array {
  return Float32Array.from({ length: count * 3 * side * side }, (_, place) => Math.sin(0.37 * place));
}

function noise(count: number, patches: number): Float32Array {
  return Float32Array.from({ length: count * patches }, (_, place) => ((place + 1) * 0.6180339887498949) % 1);
}

interface Prepared {
  readonly session: ModelSession;
  readonly weights: Weights;
  readonly seconds: number;
}

async function prepare(file: string, side: number, request: (layers: readonly string[]) => GraphRequest): Promise<Prepared> {
  const started = performance.now();
  const opened = await openTensors(file, createFormatRegistry());
  const model = describeModel(opened.file.tensors, file.includes('resnet') ? { imageSize: [side, side] } : { heads: 3, decoderHeads: 4 });
  const graph = buildGraph(model, request(model.layers.map(({ name }) => name)));
  const weights = await readWeights(opened.file, model.parameters, graph.weights);
  const session = await ModelSession.create(graph, graph.weightMode === 'initialisers' ? weights : null, { threads });
  await opened.close();
  return { session, weights, seconds: (performance.now() - started) / 1000 };
}

const prepared = new Map<string, Promise<Prepared>>();

async function answer(request: { features?: [number, number]; loss?: [number, number]; mode: 'inputs' | 'initialisers'; folder: string; batch?: number }): Promise<object> {
  const [count, side] = request.features ?? request.loss!;
  const isFeatures = request.features !== undefined;
  const key = `${isFeatures} ${request.mode}`;
  const made = prepared.get(key) ?? prepare(path.join(request.folder, isFeatures ? 'resnet50.pth' : 'mae-tiny.pth'), side, (layers) =>
    isFeatures
      ? { features: layers.filter((name) => name.startsWith('layer')), weights: request.mode }
      : { loss: { kind: 'reconstruction', normalisePixels: true }, weights: request.mode });
  prepared.set(key, made);
  const { session, weights, seconds: preparing } = await made;
  const pictures = images(count, side);
  const length = 3 * side * side;
  const size = isFeatures ? (request.batch ?? Math.min(64, Math.max(1, Math.floor(5e9 / session.graph.operations!)))) : count;
  const sums: Record<string, number> = {};
  let loss = 0;
  const batches: Batch[] = [];
  for (let start = 0; start < count; start += size) {
    const rows = Math.min(size, count - start);
    const patches = session.graph.noise;
    batches.push({ count: rows, height: side, width: side, images: pictures.subarray(start * length, (start + rows) * length), ...(patches > 0 ? { noise: noise(rows, patches) } : {}) });
  }
  const [started, used] = [performance.now(), process.cpuUsage()];
  for (const batch of batches) {
    for (const [name, { data }] of await session.run(batch, weights)) {
      if (name === 'loss') loss = data.reduce((sum, value) => sum + value, 0) / data.length;
      else sums[name] = data.reduce((sum, value) => sum + Math.abs(value), sums[name] ?? 0);
    }
  }
  const { user, system } = process.cpuUsage(used);
  return { seconds: (performance.now() - started) / 1000, processor: (user + system) / 1e6, sums, loss, preparing, batch: size };
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  void answer(JSON.parse(line) as Parameters<typeof answer>[0]).then((reply) => console.log(JSON.stringify(reply)));
});
