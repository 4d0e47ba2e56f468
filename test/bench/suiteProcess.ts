// The two parts of a layer on two threads, family by family, as the product's compute threads measure them. Started as a child process: lines in, lines out.
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { createEngine } from '../../src/linalg';
import type { Engine } from '../../src/linalg';
import { DenseEngine } from '../../src/linalg/denseEngine';
import { combineParts, defaultMeasureOptions, measurePart, metricFamilies } from '../../src/metrics';
import type { LayerFeatures, MeasuredPart, Part } from '../../src/metrics';
import { clustersFamilies } from '../../src/metrics/clusters';
import { comparisonFamilies } from '../../src/metrics/comparison';
import type { MetricFamily } from '../../src/metrics/contract';
import { labelsFamilies } from '../../src/metrics/labels';
import { neighboursFamilies } from '../../src/metrics/neighbours';
import { partRows, parts } from '../../src/metrics/partRows';
import { spectrumFamilies } from '../../src/metrics/spectrum';
import { openProbe } from '../../src/runs/probe';

interface LayerRequest {
  readonly file: string;
  /** A probe that stands for the checkpoint before. */
  readonly previous: string;
  readonly layer: string;
}

interface SuiteRequest extends LayerRequest {
  /** Those to measure. */
  readonly families: readonly string[];
}

type ThreadRequest = ({ readonly kind: 'read'; readonly part: Part } & LayerRequest) | { readonly kind: 'measure'; readonly metrics: readonly string[] };

interface ThreadAnswer {
  readonly busy: number;
  readonly inEngine: number;
  readonly measured: MeasuredPart | null;
}

interface Group {
  readonly name: string;
  readonly families: readonly { readonly id: string; readonly metrics: readonly string[] }[];
}

/** What only rows of length 1 and their Gram matrix are needed for. */
const ofUnitRows = ['alignment', 'coding_rate', 'feature_std', 'self_cluster'];

/** Families that share work, in the order in which both sides measure them: each pays for what it is the first to need. */
function groups(): Group[] {
  const rooms: readonly (readonly [string, readonly MetricFamily[]])[] = [
    ['rows of length 1', metricFamilies.filter(({ id }) => ofUnitRows.includes(id))],
    ['spectrum', spectrumFamilies.filter(({ id }) => !ofUnitRows.includes(id))],
    ['neighbours', neighboursFamilies],
    ['clusters', clustersFamilies],
    ['comparison', comparisonFamilies],
    ['random labels', metricFamilies.filter(({ id }) => id === 'random_label')],
    ['labels', labelsFamilies],
  ];
  const known = new Set(rooms.flatMap(([, families]) => families));
  const others = metricFamilies.filter((family) => !known.has(family));
  return [...rooms, ['others', others] as const]
    .filter(([, families]) => families.length > 0)
    .map(([name, families]) => ({ name, families: families.map(({ id, shapes }) => ({ id, metrics: shapes.map(({ metric }) => metric) })) }));
}

async function readLayer(file: string, layer: string): Promise<LayerFeatures> {
  const probe = await openProbe(file);
  try {
    return await probe.readLayer(layer);
  } finally {
    await probe.close();
  }
}

async function readWithOthers({ file, previous, layer }: LayerRequest, part: Part): Promise<LayerFeatures> {
  const probe = await openProbe(file);
  const deepest = probe.layers.at(-1)?.name ?? layer;
  await probe.close();
  const read = {
    ...(await readLayer(file, layer)),
    deepest: deepest === layer ? null : await readLayer(file, deepest),
    previous: { since: 'previous', layer: await readLayer(previous, layer), reason: '' },
  };
  for (const one of [read, read.deepest, read.previous.layer]) if (one) partRows(one, part);
  return read;
}

class PartThread {
  private layer: LayerFeatures | null = null;
  private part: Part = 'train';

  constructor(private readonly engine: Engine) {}

  async answer(request: ThreadRequest): Promise<ThreadAnswer> {
    const spent = () => (this.engine instanceof DenseEngine ? this.engine.productMilliseconds : 0);
    const [begin, before] = [performance.now(), spent()];
    const measured = await this.work(request);
    return { busy: performance.now() - begin, inEngine: spent() - before, measured };
  }

  private async work(request: ThreadRequest): Promise<MeasuredPart | null> {
    if (request.kind === 'read') {
      this.layer = null;
      this.part = request.part;
      this.layer = await readWithOthers(request, request.part);
      return null;
    }
    if (!this.layer) throw new Error('There is no layer to measure.');
    return measurePart(this.layer, this.part, request.metrics, defaultMeasureOptions, { engine: this.engine, checkpoint: () => undefined });
  }
}

interface Timing {
  /** Both threads, from the first that begins to the last that ends. */
  readonly seconds: number;
  /** Of the process. */
  readonly cpu: number;
  /** Seconds of both threads together, and what of it is spent in the engine's library. */
  readonly busy: number;
  readonly engine: number;
}

async function timed<Result>(work: () => Promise<Result>, answersOf: (result: Result) => readonly ThreadAnswer[]): Promise<{ timing: Timing; result: Result }> {
  const [begin, before] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const used = process.cpuUsage(before);
  const seconds = (performance.now() - begin) / 1000;
  const total = (what: 'busy' | 'inEngine') => answersOf(result).reduce((sum, answer) => sum + answer[what], 0) / 1000;
  return { timing: { seconds, cpu: (used.user + used.system) / 1e6, busy: total('busy'), engine: total('inEngine') }, result };
}

async function serve(): Promise<void> {
  const threads = parts.map(() => new Worker(fileURLToPath(import.meta.url)));
  const ask = (worker: Worker, request: ThreadRequest): Promise<ThreadAnswer> =>
    new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', (answer: ThreadAnswer) => {
        worker.off('error', reject);
        resolve(answer);
      });
      worker.postMessage(request);
    });
  const askBoth = (request: (part: Part) => ThreadRequest) =>
    timed(() => Promise.all(parts.map((part, at) => ask(threads[at] as Worker, request(part)))), (answers) => answers);

  const measureLayer = async ({ families: wanted, ...request }: SuiteRequest): Promise<unknown> => {
    const reading = (await askBoth((part) => ({ kind: 'read', part, ...request }))).timing;
    const known = groups().flatMap((group) => group.families);
    const asked = wanted.flatMap((id) => known.filter((family) => family.id === id));
    const families: Record<string, Timing> = {};
    const measured = parts.map(() => new Map<string, NonNullable<ReturnType<MeasuredPart['get']>>>());
    for (const { id, metrics } of asked) {
      const { timing, result } = await askBoth(() => ({ kind: 'measure', metrics }));
      families[id] = timing;
      for (const [at, answer] of result.entries()) for (const [metric, value] of answer.measured ?? []) measured[at]?.set(metric, value);
    }
    const metrics = asked.flatMap((family) => family.metrics);
    const combined = await timed(() => Promise.resolve(combineParts(measured, metrics, defaultMeasureOptions)), () => []);
    families['intervals'] = combined.timing;
    const values: Record<string, number | null> = {};
    for (const { metric, split, value } of combined.result) values[`${metric} ${split}`] = value;
    for (const [at, part] of parts.entries()) values[`inertia ${part}`] = measured[at]?.get('silhouette')?.details?.['inertia'] ?? null;
    return { reading, families, values, maxResidentBytes: process.resourceUsage().maxRSS * 1024 };
  };

  const { name, version } = await createEngine();
  console.log(JSON.stringify({ engine: `${name} ${version}`, groups: groups() }));
  for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await measureLayer(JSON.parse(line) as SuiteRequest)));
  for (const worker of threads) worker.postMessage(null);
}

if (isMainThread) {
  await serve();
} else {
  const thread = new PartThread(await createEngine());
  parentPort?.on('message', (request: ThreadRequest | null) => {
    if (request === null) parentPort?.close();
    else void thread.answer(request).then((answer) => parentPort?.postMessage(answer));
  });
}
