import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ProbeData, probeDataDefaults } from '../../../src/protocol';
import { openProbe } from '../../../src/runs';
import { checkProbeData, featurePath, findFeatureFile, readProbeData, removeFeatures, removeOlderFeatures, writeFeatureFile, writeProbeData } from '../../../src/store';
import { temporaryFolder } from '../cli/files';

const data: ProbeData = { ...probeDataDefaults, train: 'images', heldOut: '/data/test', samples: 10, mean: [0.5], deviation: [0.25], role: 'teacher' };
let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const inFolder = (...parts: string[]) => path.join(folder, ...parts);

describe('Probe data of a run', () => {
  it('are read as they were written; of several places what was written last', async () => {
    expect(await readProbeData([inFolder('a'), inFolder('b')])).toBeNull();
    const file = await writeProbeData([inFolder('a')], data);
    await utimes(file, 1_000, 1_000);
    expect(await readProbeData([inFolder('a'), inFolder('b')])).toEqual(data);
    await writeProbeData([inFolder('b')], null);
    expect(await readProbeData([inFolder('a'), inFolder('b')])).toBeNull();
    expect(await readdir(inFolder('a'))).toEqual(['probe-data.json']);
  });

  it('go to the first place that can be written, and say why none can', async () => {
    await writeFile(inFolder('file'), '');
    expect(await writeProbeData([inFolder('file'), inFolder('b')], data)).toBe(inFolder('b', 'probe-data.json'));
    await expect(writeProbeData([inFolder('file')], data)).rejects.toThrow(/probe-data\.json: cannot be written: .*file/);
  });

  it('are the defaults where the file says nothing, and refused by file, field and value where it says something wrong', async () => {
    await mkdir(inFolder('a'));
    const read = async (text: string) => {
      await writeFile(inFolder('a', 'probe-data.json'), text);
      return readProbeData([inFolder('a')]);
    };
    expect(await read('{"train": "images"}')).toEqual({ ...probeDataDefaults, train: 'images' });
    await expect(read('{')).rejects.toThrow(/probe-data\.json: is not JSON/);
    await expect(read(`{"train": "${'x'.repeat(1_000_000)}"}`)).rejects.toThrow(/probe-data\.json: has 10\d+ bytes/);
    await expect(read('[]')).rejects.toThrow('is no object');
    await expect(read('{}')).rejects.toThrow('probe-data.json, "train": is missing, expected a path');
    const wrong: readonly (readonly [keyof ProbeData | 'batch', unknown])[] = [
      ['heldOut', ''], ['samples', 0], ['samples', 1.5], ['views', '8'], ['seed', -1], ['mean', []], ['mean', [null]], ['deviation', [0]], ['graph', 3], ['heads', 0],
      ['decoderHeads', 0.5], ['imageSize', 1e9], ['role', 'pupil'], ['batch', 3],
    ];
    for (const [field, value] of wrong) await expect(read(JSON.stringify({ ...data, [field]: value })), field).rejects.toThrow(`probe-data.json, "${field}": is`);
  });

  it('are the same however they are ordered', () => {
    const turned = Object.fromEntries(Object.entries(data).reverse());
    expect(JSON.stringify(checkProbeData(turned, 'here'))).toBe(JSON.stringify(checkProbeData(data, 'here')));
  });
});

describe('A file of extracted features', () => {
  it('has another name for another checkpoint and for other data', () => {
    const name = featurePath('checkpoints/a.pt', 'sha1:1', data);
    expect(name).toMatch(/^features\/checkpoints\/a\.pt\.[0-9a-f]{16}\.safetensors$/);
    const others = [featurePath('checkpoints/a.pt', 'sha1:2', data), ...Object.keys(data).map((field) => featurePath('checkpoints/a.pt', 'sha1:1', { ...data, [field]: 7 }))];
    expect(new Set([name, ...others]).size).toBe(others.length + 1);
  });

  it('is a probe in half precision, exact to its last digit; a layer that this would harm is in float32', async () => {
    const values = Float32Array.of(1, -2, 65_504, 0, 2 ** -14, 2 ** -24, -(2 ** -25), 3 * 2 ** -25, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 65_519, NaN);
    const layer = (name: string, data: Float32Array) => ({ name, features: { rows: 4, columns: data.length / 4, data } });
    const file = inFolder('deep', 'features.safetensors');
    await writeFeatureFile(file, {
      layers: [layer('b', values), layer('a', Float32Array.of(65_520, 1, 1, 1)), layer('small', new Float32Array(4).fill(1e-5))],
      sample: Int32Array.of(0, 0, 1, 1), sampleIds: [7n, 2n ** 60n], split: Uint8Array.of(0, 1), label: Int32Array.of(3, -1),
    }, { epoch: '2', step: '30' });
    const probe = await openProbe(file);
    expect(probe).toMatchObject({ epoch: 2, step: 30, rows: 4, samples: 2, problems: [] });
    expect(probe.layers.map(({ name, dtype }) => [name, dtype])).toEqual([['b', 'F16'], ['a', 'F32'], ['small', 'F32']]);
    const { features, sampleIds, split, label } = await probe.readLayer('b');
    expect([...features.data]).toEqual([1, -2, 65_504, 0, 2 ** -14, 2 ** -24, -0, 2 ** -23, 1, 1 + 2 ** -9, 65_504, NaN]);
    expect([sampleIds, [...split], [...label]]).toEqual([[7n, 2n ** 60n], [0, 1], [3, -1]]);
    await probe.close();
  });

  it('is found in the first place that has it, and gone when another takes its place', async () => {
    const [old, now, other] = ['a.pt.0123456789abcdef', 'a.pt.fedcba9876543210', 'b.pt.0123456789abcdef'].map((name) => `features/${name}.safetensors`) as [string, string, string];
    for (const name of [old, now, other, 'features/mine.safetensors']) {
      await mkdir(inFolder('features'), { recursive: true });
      await writeFile(inFolder(name), name);
    }
    expect(await findFeatureFile([inFolder('nowhere'), folder], now)).toMatchObject({ file: inFolder(now), bytes: now.length });
    expect(await findFeatureFile([inFolder('nowhere')], now)).toBeNull();
    await removeOlderFeatures(inFolder(now));
    expect((await readdir(inFolder('features'))).sort()).toEqual([path.basename(now), path.basename(other), 'mine.safetensors']);
    await removeFeatures(folder);
    expect(await readdir(inFolder('features'))).toEqual(['mine.safetensors']);
    expect(await readFile(inFolder('features/mine.safetensors'), 'utf8')).toBe('features/mine.safetensors');
  });
});
