import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { safetensorsOf, zipOf } from '../formats/build';
import { writeProbe } from '../worker/writeProbe';
import { until, Watching } from './watching';

let watching: Watching;
beforeEach(async () => {
  watching = await Watching.start();
});
afterEach(() => watching.end());

const put = async (name: string, bytes: Uint8Array): Promise<string> => {
  const file = watching.path(name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, bytes);
  return file;
};

describe('a file of a run that is not what it should be', () => {
  it('is a problem when it is a probe without a tensor, and the others are measured', async () => {
    await put('run/probes/epoch=1.npz', zipOf([]));
    await writeProbe(watching.path('run/probes/epoch=2.safetensors'), { epoch: 2 });
    const view = await watching.open();
    await until('the good probe is measured', () => view.state('probes/epoch=2.safetensors') === 'measured');
    expect(view.run.files.find(({ path: name }) => name === 'probes/epoch=1.npz')).toMatchObject({ kind: 'probe', state: 'problem' });
    expect(view.run.problems).toEqual([{ file: 'probes/epoch=1.npz', place: '', reason: 'is empty: it holds no tensor', severity: 'error' }]);
  });

  it('is named when it looks like features but is taken for a checkpoint, whether somebody looks at the run or not, and measured all the same', async () => {
    const values = (count: number): number[] => Array.from({ length: count }, (_, i) => Math.sin(i));
    const file = await put('run/epoch=1.safetensors', safetensorsOf({ block0: { shape: [64, 4], values: values(256) }, block1: { shape: [64, 3], values: values(192) } }));
    await utimes(file, 1000, 1000);
    const hint = { file: 'epoch=1.safetensors', place: '', reason: expect.stringContaining('looks like features') as string, severity: 'warning' };
    const [found] = await watching.watch();
    expect(found?.problems).toEqual([hint]);
    expect(found?.files.map(({ kind, state }) => [kind, state])).toEqual([['checkpoint', 'found']]);
    const view = await watching.open();
    await until('the file is measured', () => view.state('epoch=1.safetensors') === 'measured');
    expect(view.run.problems).toEqual([hint]);
  });
});
