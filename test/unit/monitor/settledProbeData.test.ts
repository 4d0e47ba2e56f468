import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FormatError } from '../../../src/formats';
import { settledProbeData } from '../../../src/monitor';
import { type ProbeData, probeDataDefaults } from '../../../src/protocol';

const chosen: ProbeData = { ...probeDataDefaults, train: 'images.npy' };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'layerscope-settled-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const write = (config: unknown) => writeFile(path.join(folder, 'config.json'), JSON.stringify(config));

it('takes what was left open from the configuration, and is tried out once', async () => {
  await write({ img_size: 28, num_heads: 4, mean: [0.3], std: [0.4] });
  const check = vi.fn(() => Promise.resolve());
  const settled = await settledProbeData(folder, { ...chosen, heads: 2 }, check);
  expect(settled).toEqual({ ...chosen, heads: 2, imageSize: 28, mean: [0.3], deviation: [0.4] });
  expect(check.mock.calls).toEqual([[settled]]);
});

it('stays as it was chosen where the model does not take it from the configuration', async () => {
  await write({ num_heads: 5 });
  const check = vi.fn((data: ProbeData) => (data.heads === 5 ? Promise.reject(new FormatError('a.pt', '', '5 heads do not divide 192')) : Promise.resolve()));
  expect(await settledProbeData(folder, chosen, check)).toBe(chosen);
  expect(check).toHaveBeenCalledTimes(2);
});

it('fails for the reason of the choice, and passes on what is no matter of files', async () => {
  await write({ num_heads: 5 });
  const refuse = (data: ProbeData) => Promise.reject(new FormatError('a.pt', '', `no images for ${String(data.heads)} heads`));
  await expect(settledProbeData(folder, chosen, refuse)).rejects.toThrow('no images for null heads');
  await expect(settledProbeData(folder, chosen, () => Promise.reject(new Error('cancelled')))).rejects.toThrow('cancelled');
});
