import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFormatRegistry, openFile } from '../../src/formats';
import { type ProbeData, probeDataDefaults } from '../../src/protocol';
import { fingerprint, openProbe } from '../../src/runs';
import { createComputePool } from '../../src/worker';
import { inspectTensors } from '../../src/monitor/tensorWatch';
import { temporaryFolder } from '../unit/cli/files';
import { expectedOf, imageCount, openFixture, pathOf, relativeError } from '../unit/models/fixtures';
import { bundleWorker } from '../unit/worker/bundleWorker';
import { writeImages } from '../unit/worker/imageArray';

/** Half precision: 11 digits. */
const halfStep = 2 ** -11;

interface Case {
  readonly file: string;
  readonly side: number;
  readonly channels?: number;
  readonly data?: Partial<ProbeData>;
  /** Layers that PyTorch's values are there of, by what they are called there. */
  readonly layers: Readonly<Record<string, string>>;
  /** All layers that are in the probe. */
  readonly all: readonly string[];
}

const named = (names: readonly string[], prefix = '') => Object.fromEntries(names.map((name) => [name, prefix + name]));
const vit = ['blocks.0', 'blocks.1', 'norm'];
const resnet = ['layer1.0', 'layer1.1', 'layer2.0', 'layer2.1', 'layer3.0', 'layer3.1', 'layer4.0', 'layer4.1', 'fc'];
const cases: readonly Case[] = [
  { file: 'vit-timm.pt', side: 16, data: { heads: 2 }, layers: named([...vit, 'head']), all: [...vit, 'head'] },
  { file: 'mae.pth', side: 16, data: { heads: 2, decoderHeads: 4 }, layers: named(vit), all: vit },
  { file: 'rc-mae.pth', side: 16, data: { heads: 2, decoderHeads: 4, role: 'teacher' }, layers: named(['blocks.0', 'norm'], 'teacher/'), all: ['blocks.0', 'norm'] },
  { file: 'fashion-rc-mae.pt', side: 28, channels: 1, data: { heads: 3, decoderHeads: 4 }, layers: named(['norm']), all: ['blocks.0', 'norm'] },
  { file: 'resnet18.pt', side: 64, layers: named(resnet), all: resnet },
  { file: 'vit-export.pt', side: 16, data: { graph: pathOf('vit-export.onnx') }, layers: named(['blocks.0', 'head']), all: ['blocks.0', 'head'] },
  { file: 'resnet-export.pt', side: 16, data: { graph: pathOf('resnet-export.onnx') }, layers: named(['layer1.0', 'layer4.0', 'fc']), all: ['layer1.0', 'layer2.0', 'layer3.0', 'layer4.0', 'fc'] },
];

describe('Features that a model gives in a compute thread, beside PyTorch\'s of the same checkpoint', { timeout: 60_000 }, () => {
  let bundle: Awaited<ReturnType<typeof bundleWorker>>;
  let pool: ReturnType<typeof createComputePool>;
  let folder: string;

  beforeAll(async () => {
    bundle = await bundleWorker();
    pool = createComputePool({ threadPath: bundle.threadPath, threads: 1 });
    folder = await temporaryFolder();
  });
  afterAll(async () => {
    await pool.close();
    await bundle.remove();
    await rm(folder, { recursive: true, force: true });
  });

  for (const { file, side, channels = 3, data: change = {}, layers, all } of cases) {
    it(`are the same to the last digit of half precision: ${file}${change.graph ? ' by an export' : ''}`, async () => {
      const images = path.join(folder, `images-${side}-${channels}.npy`);
      await writeImages(images, { count: imageCount, channels, side });
      const data: ProbeData = { ...probeDataDefaults, train: images, samples: imageCount, views: 1, mean: [0], deviation: [1], ...change };
      const { fingerprint: own, epoch } = await inspectTensors({ absolutePath: pathOf(file), path: file, kind: 'checkpoint' }, createFormatRegistry());
      const told: number[][] = [];
      const task = { kind: 'extract', file: pathOf(file), path: file, folder, data, fingerprint: own, targets: [path.join(folder, `${file}.safetensors`)] } as const;
      const written = await pool.extract(task, new AbortController().signal, (...progress) => told.push(progress));
      expect(told.at(-1)).toEqual([imageCount, imageCount]);
      const probe = await openProbe(written);
      expect(probe.problems).toEqual([]);
      expect(probe.layers.map(({ name }) => name)).toEqual(all);
      expect(probe.epoch).toBe(epoch);
      const expected = await expectedOf(path.basename(file, path.extname(file)));
      for (const [layer, there] of Object.entries(layers)) {
        const { features } = await probe.readLayer(layer);
        expect(relativeError(features.data, expected.get(there)!), layer).toBeLessThan(halfStep + 1e-4);
      }
      await probe.close();
    });
  }

  it('are the same bytes each time they are taken', async () => {
    const images = path.join(folder, 'images-16-3.npy');
    await writeImages(images, { count: imageCount, channels: 3, side: 16 });
    const data: ProbeData = { ...probeDataDefaults, train: images, samples: 3, views: 4, heads: 2 };
    const { fingerprint: own } = await inspectTensors({ absolutePath: pathOf('vit-timm.pt'), path: 'vit-timm.pt', kind: 'checkpoint' }, createFormatRegistry());
    const fingerprints: string[] = [];
    for (const name of ['first', 'second']) {
      const target = path.join(folder, `${name}.safetensors`);
      await pool.extract({ kind: 'extract', file: pathOf('vit-timm.pt'), path: 'vit-timm.pt', folder, data, fingerprint: own, targets: [target] }, new AbortController().signal);
      const source = await openFile(target);
      fingerprints.push(await fingerprint(source));
      await source.close();
    }
    expect(fingerprints[0]).toBe(fingerprints[1]);
  });

  it('are not taken of a checkpoint that is another than was meant', async () => {
    expect((await openFixture('vit-timm.pt')).tensors.length).toBeGreaterThan(0);
    const images = path.join(folder, 'images-16-3.npy');
    await writeImages(images, { count: imageCount, channels: 3, side: 16 });
    const data: ProbeData = { ...probeDataDefaults, train: images, samples: 2, views: 1, heads: 2 };
    const task = { kind: 'extract', file: pathOf('vit-timm.pt'), path: 'vit-timm.pt', folder, data, fingerprint: 'sha1:another', targets: [path.join(folder, 'no.safetensors')] } as const;
    await expect(pool.extract(task, new AbortController().signal)).rejects.toThrow('vit-timm.pt: changed before its model was run');
  });
});
