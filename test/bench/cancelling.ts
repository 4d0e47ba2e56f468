// Cancels the measurement of a layer, group of metrics by group, at random moments of its course, through the product's compute pool. Prints a line a cancellation.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import { defaultMeasureOptions, featureCatalog, metricCatalog } from '../../src/metrics';
import type { LayerTask } from '../../src/monitor';
import type { MetricGroup } from '../../src/protocol';
import { createComputePool } from '../../src/worker/computePool';

interface Request {
  readonly file: string;
  /** A probe that stands for the checkpoint before. */
  readonly previous: string;
  readonly layer: string;
  /** Of the weight matrix, which has four times as many rows. */
  readonly width: number;
  readonly threads: number;
  /** Path of the compute thread (`watchedThread.ts`). */
  readonly thread: string;
  /** Cancellations of each group. */
  readonly rounds: number;
  /** Seconds of a group's course at most; the moments lie in these. */
  readonly seconds: number;
  /** Default all. */
  readonly groups?: readonly MetricGroup[];
}

/** A checkpoint with one matrix. The values mean nothing. @returns its path. */
async function writeMatrix(folder: string, width: number, random: () => number): Promise<string> {
  const file = path.join(folder, `matrix-${width}.safetensors`);
  const shape = [4 * width, width];
  const values = Float32Array.from({ length: 4 * width * width }, () => random() - 0.5);
  const header = JSON.stringify({ 'mlp.weight': { dtype: 'F32', shape, data_offsets: [0, values.byteLength] } });
  const text = header.padEnd(Math.ceil(header.length / 8) * 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await mkdir(folder, { recursive: true });
  await writeFile(file, Buffer.concat([length, Buffer.from(text), Buffer.from(values.buffer)]));
  return file;
}

function pseudoRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

async function main(request: Request): Promise<void> {
  const { file, previous, layer, width, threads, thread, rounds, seconds } = request;
  const random = pseudoRandom(1);
  const pool = createComputePool({ threadPath: thread, threads });
  let busy = 0;
  let last = { end: 0, work: 0 };
  const channel = new BroadcastChannel('layerscope-bench');
  channel.onmessage = (event) => {
    const { kind, at } = (event as { data: { kind: string; at: number } }).data;
    busy += kind === 'begin' ? 1 : -1;
    if (kind === 'end') last = { end: Math.max(last.end, at), work: processorTime() };
  };
  const matrix = await writeMatrix(path.dirname(file), width, random);
  const taskOf = (group: MetricGroup): LayerTask => {
    const metrics = metricCatalog.filter((metric) => metric.group === group).map(({ id }) => id);
    if (group === 'Weights') return { kind: 'weights', file: matrix, layer: 'mlp', metrics, references: { previous: null, first: { file: matrix, fileVersion: '', fingerprint: 'itself' } } };
    return { kind: 'features', file, layer, metrics, options: defaultMeasureOptions, previous: { file: previous, fileVersion: '', fingerprint: 'earlier' } };
  };
  /** @returns null when the measurement was finished before. */
  const cancelAfter = async (task: LayerTask, milliseconds: number): Promise<{ answered: number; free: number; work: number } | null> => {
    const controller = new AbortController();
    const measured = pool.measure(task, controller.signal).then(() => null, (error: unknown) => {
      if (!controller.signal.aborted) throw error;
      return now();
    });
    await Promise.race([measured, sleep(milliseconds)]);
    const [start, begun] = [now(), processorTime()];
    controller.abort();
    const answered = await measured;
    // The messages of threads that are still at work are on their way.
    for (let quiet = 0; quiet < 3; quiet = busy > 0 ? 0 : quiet + 1) await sleep(10);
    return answered === null ? null : { answered: answered - start, free: Math.max(0, last.end - start), work: Math.max(0, last.work - begun) };
  };
  const groups = request.groups ?? [...new Set(metricCatalog.map(({ group }) => group))];
  // The engine is loaded, and the code warm.
  const warm = featureCatalog.filter(({ group }) => group === 'Spectrum').map(({ id }) => id);
  await pool.measure({ ...(taskOf('Spectrum') as LayerTask & { kind: 'features' }), metrics: warm }, new AbortController().signal);
  for (const group of groups) {
    const task = taskOf(group);
    const begin = now();
    await cancelAfter(task, 1000 * seconds);
    const whole = Math.min(1000 * seconds, now() - begin);
    for (let round = 0; round < rounds; round += 1) {
      const told = await cancelAfter(task, whole * random());
      if (told !== null) console.log(JSON.stringify({ group, whole, ...told, resident: process.resourceUsage().maxRSS / 1024 }));
    }
  }
  channel.close();
  await pool.close();
}

void main(JSON.parse(process.argv[2] ?? '{}') as Request);
