import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFormatRegistry, FormatError, openTensors } from '../../../src/formats';
import { fixture, fixturePath } from './build';
import { call, dict, global, pickle, tensor, text, torchZipOf } from './pickleBuild';
import { processorTime } from '../processorTime';

interface Expected {
  readonly must: 'list' | 'refuse' | 'either';
  readonly tensors?: readonly string[];
  readonly bad?: readonly string[];
}

const registry = createFormatRegistry();
const expectations = JSON.parse(fixture('hostile/expected.json').toString()) as Record<string, Expected>;
const pickles = Object.entries(expectations).filter(([path]) => path.startsWith('pickle/'));
const python = ['python3', 'python'].find((command) => spawnSync(command, ['-c', '']).status === 0);
let folder: string;
const before = process.cwd();

/** What the pickles would leave behind if anything in them ran, here or in the working directory. */
const traces = () => [folder, before].flatMap((where) => readdirSync(where).filter((name) => /EXECUTED/.test(name)));

function explained(error: unknown): null {
  expect(error).toBeInstanceOf(FormatError);
  expect((error as FormatError).reason).not.toBe('');
  return null;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'layerscope-hostile-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a pickle that wants to harm', () => {
  it.each(pickles)('%s is listed or refused, and nothing in it runs', async (path, { must, tensors = [], bad = [] }) => {
    const started = processorTime();
    const opened = await openTensors(fixturePath(`hostile/${path}`), registry).catch(explained);
    if (must !== 'either') expect(opened === null ? 'refuse' : 'list').toBe(must);
    if (opened !== null) {
      const names = opened.file.tensors.map(({ name }) => name);
      if (must === 'list') expect(names).toEqual(expect.arrayContaining([...tensors]));
      for (const name of names.slice(0, 200)) {
        expect(bad).not.toContain(name);
        const read = await opened.file.read(name).catch(explained);
        if (read !== null) expect(read.data).toHaveLength(read.shape.reduce((product, size) => product * size, 1));
        else expect(must === 'list' && tensors.includes(name)).toBe(false);
      }
      expect(opened.file.skipped!.map(({ name }) => name)).toEqual(expect.arrayContaining([...bad]));
      await opened.close();
    }
    expect(processorTime() - started).toBeLessThan(5000);
    expect(traces()).toEqual([]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('is listed beside its tensors, though Python would run it', async () => {
    const trace = join(folder, 'PYTHON_EXECUTED');
    const harm = call(global('os', 'system'), text(`echo > "${trace}"`));
    const weight = tensor({ elements: 2, shape: [2], strides: [1] });
    const path = join(folder, 'harm.pt');
    writeFileSync(path, torchZipOf(dict({ harm, state_dict: dict({ weight }) }), { 0: new Uint8Array(Float32Array.of(1, 2).buffer) }));
    const { file, close } = await openTensors(path, registry);
    expect((await file.read('state_dict.weight')).data).toEqual(Float32Array.of(1, 2));
    await close();
    expect(existsSync(trace)).toBe(false);
    if (python !== undefined) {
      // The same call does run in Python, so the test proves something.
      spawnSync(python, ['-c', 'import pickle, sys; pickle.loads(sys.stdin.buffer.read())'], { input: pickle(harm) });
      expect(existsSync(trace)).toBe(true);
      rmSync(trace);
    }
  });
});
