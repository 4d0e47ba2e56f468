// Cancels the measurement of a layer at moments spread over its course, through the product's compute pool. Prints a line a cancellation.
import { setTimeout as sleep } from 'node:timers/promises';
import { defaultMeasureOptions, featureCatalog } from '../../src/metrics';
import type { FeatureTask } from '../../src/monitor';
import { createComputePool } from '../../src/worker/computePool';

const never = new AbortController().signal;

interface Request {
  readonly file: string;
  readonly layer: string;
  readonly threads: number;
  /** Path of the compute thread. */
  readonly thread: string;
  readonly rounds: number;
}

async function main({ file, layer, threads, thread, rounds }: Request): Promise<void> {
  const pool = createComputePool({ threadPath: thread, threads });
  const metrics = featureCatalog.map(({ id }) => id);
  const previous = { file, fileVersion: '', fingerprint: 'itself' };
  const task: FeatureTask = { kind: 'features', file, layer, metrics, options: defaultMeasureOptions, previous };
  // Nothing to compute, but each thread has to come to it.
  const nothing: FeatureTask = { ...task, metrics: [] };
  const begin = performance.now();
  await pool.measure(task, never);
  const whole = performance.now() - begin;
  for (let round = 0; round < rounds; round += 1) {
    const controller = new AbortController();
    const cancelled = pool.measure(task, controller.signal).catch(() => performance.now());
    await sleep((whole * (round + 0.5)) / rounds);
    const start = performance.now();
    controller.abort();
    const answered = Number(await cancelled) - start;
    await Promise.all(Array.from({ length: threads }, () => pool.measure(nothing, never)));
    console.log(JSON.stringify({ answered: Math.max(0, answered), free: performance.now() - start, whole, resident: process.resourceUsage().maxRSS / 1024 }));
  }
  await pool.close();
}

void main(JSON.parse(process.argv[2] ?? '{}') as Request);
