import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import util from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../../src/linalg';
import { findTensorFlow, inTurn, loadTensorFlow, restoreRemovedUtil } from '../../../src/worker/tensorFlowPackage';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'layerscope-tensorflow-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A package of this name whose main file is `code`. */
async function install(name: string, code: string): Promise<string> {
  const home = path.join(folder, name);
  const target = path.join(home, 'node_modules/@tensorflow/tfjs-node');
  await mkdir(target, { recursive: true });
  await writeFile(path.join(target, 'package.json'), JSON.stringify({ name: '@tensorflow/tfjs-node', version: '4.22.0', main: 'index.js' }));
  await writeFile(path.join(target, 'index.js'), code);
  return home;
}

describe('the package @tensorflow/tfjs-node', () => {
  it('is taken from the first folder that holds it', async () => {
    const first = await install('first', 'exports.name = "first";');
    const second = await install('second', 'exports.name = "second";');
    expect(findTensorFlow([path.join(folder, 'none'), second, first])).toBe(second);
    expect(loadTensorFlow([path.join(folder, 'none'), second, first])).toMatchObject({ name: 'second' });
  });

  it('is looked for nowhere else: the folders are named when none holds it', async () => {
    const folders = [path.join(folder, 'none'), path.join(folder, 'nothing')];
    expect(findTensorFlow(folders)).toBeNull();
    expect(() => loadTensorFlow(folders)).toThrow(`@tensorflow/tfjs-node is not installed (looked in ${folders.join(', ')})`);
  });

  it('names the file and the reason when its native library is missing', async () => {
    const home = await install('broken', 'process.dlopen({ exports: {} }, require("path").join(__dirname, "lib/napi-v8/tfjs_binding.node"));');
    const failure = await createEngine('tensorflow', { tensorFlow: { loadPackage: () => loadTensorFlow([home]) } }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'EngineUnavailable', engine: 'tensorflow',
      reason: expect.stringMatching(/broken does not load: .*tfjs_binding\.node.*(No such file|not be found|no such file|image not found)/i),
    });
  });

  it('finds the functions of util that newer versions of Node have removed', async () => {
    const functions = util as unknown as Record<string, unknown>;
    const kept = { isNullOrUndefined: functions['isNullOrUndefined'], isArray: functions['isArray'] };
    delete functions['isNullOrUndefined'];
    delete functions['isArray'];
    try {
      // As its compiled files use them: looked up on the module when they are called.
      const home = await install('util', 'const util_1 = require("util"); exports.answers = () => [undefined, null, 0, []].map((x) => [(0, util_1.isNullOrUndefined)(x), (0, util_1.isArray)(x)]);');
      const loaded = loadTensorFlow([home]) as unknown as { answers(): unknown };
      expect(loaded.answers()).toEqual([[true, false], [true, false], [false, false], [false, true]]);
    } finally {
      Object.assign(functions, kept);
    }
  });

  it('leaves functions of util alone that are there', () => {
    const own = () => true;
    const functions: Record<string, unknown> = { isArray: own };
    restoreRemovedUtil(functions);
    expect(functions['isArray']).toBe(own);
    expect(functions['isNullOrUndefined']).toBeTypeOf('function');
  });
});

describe('taking turns', () => {
  it('keeps the threads that share a turn apart', async () => {
    const turn = new SharedArrayBuffer(4);
    const trace = new SharedArrayBuffer(8);
    const code = `
      const { workerData } = require('node:worker_threads');
      const inTurn = ${inTurn.toString()};
      const patienceMilliseconds = 60000;
      const [inside, overlaps] = [0, 1];
      const trace = new Int32Array(workerData.trace);
      for (let i = 0; i < 200; i++) {
        inTurn(new Int32Array(workerData.turn), () => {
          if (Atomics.add(trace, inside, 1) !== 0) Atomics.add(trace, overlaps, 1);
          const end = performance.now() + 0.2;
          while (performance.now() < end);
          Atomics.sub(trace, inside, 1);
        });
      }`;
    const run = () =>
      new Promise<void>((resolve, reject) => {
        const worker = new Worker(code, { eval: true, workerData: { turn, trace } });
        worker.on('error', reject);
        worker.on('exit', () => resolve());
      });
    await Promise.all([run(), run(), run()]);
    expect([...new Int32Array(trace)]).toEqual([0, 0]);
    expect(new Int32Array(turn)[0]).toBe(0);
  });

  it('goes on to the next when an action fails', () => {
    const turn = new Int32Array(new SharedArrayBuffer(4));
    expect(() => inTurn(turn, () => { throw new Error('broken'); })).toThrow('broken');
    expect(inTurn(turn, () => 7)).toBe(7);
  });
});
