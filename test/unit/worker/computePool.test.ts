import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FormatError } from '../../../src/formats';
import { EngineUnavailable } from '../../../src/linalg';
import { defaultMeasureOptions, featureCatalog, methodOfMetric } from '../../../src/metrics';
import type { FeatureTask, LayerStep, LayerMeasurer } from '../../../src/monitor';
import { isCurrent } from '../../../src/monitor/plan';
import { createComputePool } from '../../../src/worker';
import type { ComputePoolOptions } from '../../../src/worker';
import { bundleWorker } from './bundleWorker';
import { writeProbe } from './writeProbe';
import { processorTime } from '../processorTime';

let bundle: Awaited<ReturnType<typeof bundleWorker>>;
let folder: string;
let pool: LayerMeasurer;

beforeAll(async () => {
  bundle = await bundleWorker();
});
afterAll(() => bundle.remove());
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'layerscope-pool-'));
});
afterEach(async () => {
  await pool.close();
  await rm(folder, { recursive: true, force: true });
});

const create = (options: Partial<ComputePoolOptions> = {}): void => {
  pool = createComputePool({ threadPath: bundle.threadPath, threads: 1, ...options });
};
const never = new AbortController().signal;

async function task(change: Partial<FeatureTask> = {}, samples = 16): Promise<FeatureTask> {
  const file = path.join(folder, `probe${samples}.safetensors`);
  await writeProbe(file, { epoch: 1, samples, width: 48 });
  return { kind: 'features', file, layer: 'block0', metrics: ['rankme', 'alignment'], options: defaultMeasureOptions, previous: null, ...change };
}

/**
 * A compute thread that behaves as the test wants instead of measuring; without more it answers that the probe has no rows of that part.
 * Each start and each request leaves a line in `journal`.
 */
async function scripted(onPart = ''): Promise<string> {
  const file = path.join(folder, 'thread.cjs');
  await writeFile(file, `
    const { parentPort } = require('node:worker_threads');
    const journal = (line) => require('node:fs').appendFileSync(${JSON.stringify(path.join(folder, 'journal'))}, line + '\\n');
    journal('start');
    parentPort.on('message', (message) => {
      if (message.kind === 'close') return parentPort.close();
      const { request } = message;
      const answer = (rest) => parentPort.postMessage({ kind: 'answer', id: message.id, answer: rest });
      journal([request.kind, request.task?.layer, request.part, request.metrics?.join()].filter((word) => word !== undefined).join(' '));
      if (request.kind === 'combine') return answer({ kind: 'measured', measurements: [] });
      ${onPart}
      answer({ kind: 'part', measured: null });
    });
  `);
  return file;
}
const journal = async (): Promise<string[]> => (await readFile(path.join(folder, 'journal'), 'utf8')).trim().split('\n');
/** Without the metrics. */
const requests = async (): Promise<string[]> => (await journal()).map((line) => line.split(' ').slice(0, 3).join(' '));

describe('the compute pool', () => {
  it('measures a layer of a file in a thread, the same each time', async () => {
    create();
    const one = await pool.measure(await task(), never);
    expect(one.map(({ metric, split }) => `${metric} ${String(split)}`).sort()).toEqual([
      'alignment gap', 'alignment held_out', 'alignment train', 'rankme held_out', 'rankme train',
    ]);
    const steps: LayerStep[] = [];
    expect(await pool.measure(await task(), never, (step) => steps.push(step))).toEqual(one);
    expect(steps.map(({ metrics: [metric], step, steps: all }) => `${metric} ${step}/${all}`)).toEqual(['rankme 1/4', 'alignment 2/4', 'rankme 3/4', 'alignment 4/4']);
    expect(await pool.engineStatus()).toMatchObject({ name: 'onnxruntime', reason: '' });
  });

  it('measures everything of a lone layer on several threads as on one, in the order of the catalog', async () => {
    const before = path.join(folder, 'before.safetensors');
    await writeProbe(before, { epoch: 0, samples: 64, width: 24 });
    const previous = { file: before, fileVersion: '', fingerprint: 'sha1:before' };
    const whole = await task({ metrics: featureCatalog.map(({ id }) => id), previous }, 64);
    create({ threads: 3 });
    const spread = await pool.measure(whole, never);
    await pool.close();
    create();
    expect(spread).toEqual(await pool.measure(whole, never));
    const order = [...new Set(spread.map(({ metric }) => metric))];
    expect(order).toEqual(whole.metrics);
    const compared = spread.filter(({ metric, split }) => metric === 'cka_prev' && split === 'train');
    expect(compared).toMatchObject([{ value: expect.any(Number), options: { since: 'sha1:before' } }]);
    expect(spread.find(({ metric }) => metric === 'cka_last')?.value).toEqual(expect.any(Number));
  });

  it('gives records that are current under the options they were asked with', async () => {
    create({ threads: 2 });
    const metrics = featureCatalog.map(({ id }) => id);
    const previous = { file: (await task({}, 32)).file, fileVersion: '', fingerprint: 'sha1:itself' };
    for (const options of [defaultMeasureOptions, { eps2: 0.1, seed: 3, partition: 'clusters', clusters: 4 }, { ...defaultMeasureOptions, partition: 'labels', clusters: 'best' }] as const) {
      const measured = await pool.measure(await task({ metrics, options, previous }, 32), never);
      const stale = measured.filter((record) => !isCurrent({ ...record, run: '', source: '', sourceVersion: '', epoch: 0, step: 0 }, options, previous, methodOfMetric));
      expect(stale.map(({ metric, split }) => `${metric} ${String(split)}`)).toEqual([]);
      expect(new Set(measured.map(({ metric }) => metric))).toEqual(new Set(metrics));
    }
  });

  it('suggests samples to label before what waits to be measured', async () => {
    create();
    const [{ file, layer }, other] = [await task(), await task({ layer: 'block1' }, 400)];
    const measured: string[] = [];
    const waiting = ['block1', 'block2'].map((name) => pool.measure({ ...other, layer: name }, never).then(() => measured.push(name)));
    const { suggestions, samples } = await pool.suggest({ file, layer, count: 3, part: 'train', seed: 0 }, never);
    expect(measured.length).toBeLessThan(2);
    expect(samples).toBe(8);
    expect(new Set(suggestions.map(({ sampleId }) => sampleId)).size).toBe(3);
    await expect(pool.suggest({ file, layer, count: 0, part: 'train', seed: 0 }, never)).rejects.toThrow(/whole number of at least 1, not 0/);
    await Promise.all(waiting);
  });

  it('says which file and place is wrong, and works on', async () => {
    create();
    const good = await task();
    const bad = path.join(folder, 'bad.safetensors');
    await writeFile(bad, (await readFile(good.file)).subarray(0, 3000));
    await expect(pool.measure({ ...good, file: bad }, never)).rejects.toThrow(FormatError);
    await expect(pool.measure({ ...good, file: bad }, never)).rejects.toMatchObject({ file: bad, reason: expect.stringMatching(/./) });
    await expect(pool.measure({ ...good, layer: 'block9' }, never)).rejects.toMatchObject({ place: 'tensor block9' });
    await expect(pool.measure({ ...good, metrics: ['nonsense'] }, never)).rejects.toThrow(/no metric "nonsense"/);
    expect(await pool.measure(good, never)).not.toEqual([]);
  });

  it('stops a running measurement at once for the caller and soon in the thread', async () => {
    create();
    const large = await task({ metrics: ['random_label_transfer', 'coding_rate'] }, 2000);
    await pool.measure(await task(), never);
    const controller = new AbortController();
    const cancelled = pool.measure(large, controller.signal);
    setTimeout(() => controller.abort(), 100);
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
    const aborted = processorTime();
    expect(await pool.measure(await task(), never)).not.toEqual([]);
    expect(processorTime() - aborted).toBeLessThan(10_000);
  });

  it('refuses a task that was cancelled before it began', async () => {
    create({ threadPath: await scripted() });
    const controller = new AbortController();
    controller.abort();
    await expect(pool.measure(await task(), controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
    await pool.measure(await task({ layer: 'other' }), never);
    expect(new Set(await requests())).toEqual(new Set(['start', 'part other train', 'part other held_out', 'combine rankme,alignment']));
  });

  it('gives the task of a thread that died to a new one', async () => {
    const flag = path.join(folder, 'died');
    create({
      threadPath: await scripted(`
        const fs = require('node:fs');
        if (request.task.layer === 'block0' && !fs.existsSync(${JSON.stringify(flag)})) {
          fs.writeFileSync(${JSON.stringify(flag)}, '');
          throw new Error('a fault');
        }
      `),
    });
    const metrics = ['rankme'];
    const both = await Promise.all([pool.measure(await task({ metrics }), never), pool.measure(await task({ layer: 'block1', metrics }), never)]);
    expect(both).toEqual([[], []]);
    expect(await requests()).toEqual([
      'start', 'part block0 train', 'start', 'part block0 train', 'part block0 held_out', 'combine rankme', 'part block1 train', 'part block1 held_out', 'combine rankme',
    ]);
  });

  it('gives up a task that cost two threads, says why, and does the others', async () => {
    create({
      threadPath: await scripted(`
        if (request.task.layer === 'block0') process.exit(7);
      `),
    });
    const poison = await task();
    const other = pool.measure(poison, never);
    const good = pool.measure(await task({ layer: 'block1' }), never);
    await expect(other).rejects.toMatchObject({ file: poison.file, place: 'block0', reason: expect.stringMatching(/lost 2 times/) });
    expect(await good).toEqual([]);
  });

  it('says when a thread ran out of memory', async () => {
    create({ threadPath: await scripted('const all = []; for (;;) all.push(new Array(1e5).fill(Math.random()));'), heapMegabytes: 32 });
    await expect(pool.measure(await task(), never)).rejects.toThrow(/ran out of memory/);
  });

  it('tells why no engine can be loaded', async () => {
    // Away from the repository the engine's package is not found.
    const threadPath = path.join(folder, 'computeThread.js');
    await copyFile(bundle.threadPath, threadPath);
    create({ threadPath });
    expect(await pool.engineStatus()).toMatchObject({ name: 'unavailable', reason: expect.stringMatching(/onnxruntime/) });
    await expect(pool.measure(await task(), never)).rejects.toThrow(EngineUnavailable);
  });

  it('closes while a measurement runs without ending the process', async () => {
    create({ threads: 2 });
    const large = await task({ metrics: ['random_label_transfer', 'coding_rate'] }, 2000);
    const running = [pool.measure(large, never), pool.measure({ ...large, layer: 'block1' }, never)];
    const rejected = Promise.all(running.map((measurement) => expect(measurement).rejects.toMatchObject({ name: 'AbortError' })));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await pool.close();
    await rejected;
    await expect(pool.measure(large, never)).rejects.toMatchObject({ name: 'AbortError' });
  });
});
