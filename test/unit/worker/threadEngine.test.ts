import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultMeasureOptions } from '../../../src/metrics';
import type { FeatureTask } from '../../../src/monitor';
import { type ComputePoolOptions, createComputePool } from '../../../src/worker';
import { bundleWorker } from './bundleWorker';
import { writeProbe } from './writeProbe';

// Real compute threads with each engine.

let bundle: Awaited<ReturnType<typeof bundleWorker>>;
let folder: string;
beforeAll(async () => {
  [bundle, folder] = await Promise.all([bundleWorker(), mkdtemp(path.join(tmpdir(), 'layerscope-engine-'))]);
});
afterAll(async () => {
  await bundle.remove();
  await rm(folder, { recursive: true, force: true });
});

async function withPool<Value>(options: Partial<ComputePoolOptions>, use: (pool: ReturnType<typeof createComputePool>) => Promise<Value>): Promise<Value> {
  const pool = createComputePool({ threadPath: bundle.threadPath, threads: 1, ...options });
  try {
    return await use(pool);
  } finally {
    await pool.close();
  }
}

describe('the engine of a compute thread', () => {
  it('tells what was asked for, which one it is, and where the others are', async () => {
    expect(await withPool({}, (pool) => pool.engineStatus())).toEqual({
      name: 'onnxruntime', version: expect.stringMatching(/^\d/), reason: '', choice: 'auto',
      others: [
        { name: 'tensorflow', failed: false, reason: expect.stringMatching(/installed/) },
        { name: 'wasm', failed: false, reason: 'comes with Layerscope' },
      ],
    });
  });

  it('is the one that was asked for, in several threads at once, with the same values', async () => {
    const file = path.join(folder, 'probe.safetensors');
    await writeProbe(file, { epoch: 1, samples: 16, width: 48 });
    const task: FeatureTask = { kind: 'features', file, layer: 'block0', metrics: ['rankme', 'alignment'], options: defaultMeasureOptions, previous: null };
    const never = new AbortController().signal;
    const wanted = await withPool({}, (pool) => pool.measure(task, never));
    expect(wanted.length).toBeGreaterThan(0);
    await withPool({ engine: 'wasm', threads: 2 }, async (pool) => {
      const both = await Promise.all([pool.measure(task, never), pool.measure(task, never)]);
      for (const measured of both) {
        expect(measured.length).toBe(wanted.length);
        for (const [i, { value }] of measured.entries()) expect(value).toBeCloseTo(wanted[i]?.value as number, 9);
      }
      expect(await pool.engineStatus()).toMatchObject({ name: 'wasm', choice: 'wasm' });
    });
  });

  it('names the file of an installed engine that does not load, and does not take another one instead', async () => {
    const target = path.join(folder, 'node_modules/@tensorflow/tfjs-node');
    await mkdir(target, { recursive: true });
    await writeFile(path.join(target, 'package.json'), JSON.stringify({ name: '@tensorflow/tfjs-node', version: '4.22.0', main: 'index.js' }));
    await writeFile(path.join(target, 'index.js'), 'process.dlopen({ exports: {} }, require("path").join(__dirname, "tfjs_binding.node"));');
    const status = await withPool({ engine: 'tensorflow', engineFolders: [folder] }, (pool) => pool.engineStatus());
    expect(status).toMatchObject({ name: 'unavailable', choice: 'tensorflow', reason: expect.stringContaining(`@tensorflow/tfjs-node in ${folder} does not load`) });
    expect(status.reason).toContain('tfjs_binding.node');
    expect(status.others?.map(({ name, failed }) => [name, failed])).toEqual([['onnxruntime', false], ['tensorflow', true], ['wasm', false]]);
  });

  it('gives a native library its environment: what the thread sets is set for the process', async () => {
    const target = path.join(folder, 'threads/node_modules/@tensorflow/tfjs-node');
    await mkdir(target, { recursive: true });
    await writeFile(path.join(target, 'package.json'), JSON.stringify({ name: '@tensorflow/tfjs-node', version: '4.22.0', main: 'index.js' }));
    await writeFile(path.join(target, 'index.js'), 'throw new Error(`one thread: ${process.env.TF_NUM_INTRAOP_THREADS}`);');
    const before = process.env['TF_NUM_INTRAOP_THREADS'];
    delete process.env['TF_NUM_INTRAOP_THREADS'];
    try {
      const status = await withPool({ engine: 'tensorflow', engineFolders: [path.join(folder, 'threads')] }, (pool) => pool.engineStatus());
      expect(status.reason).toContain('one thread: 1');
      expect(process.env['TF_NUM_INTRAOP_THREADS']).toBe('1');
    } finally {
      if (before === undefined) delete process.env['TF_NUM_INTRAOP_THREADS'];
      else process.env['TF_NUM_INTRAOP_THREADS'] = before;
    }
  });
});
