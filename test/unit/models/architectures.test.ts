import { describe, expect, it } from 'vitest';
import type { DescribeOptions, LossRequest, ModelRole, WeightMode } from '../../../src/models';
import { expectedOf, imageCount, images, noise, openFixture, relativeError, runFixture } from './fixtures';
import { describeModel } from '../../../src/models';

/** Relative to the largest value of a layer; the libraries sum in different orders. */
const tolerance = 1e-4;
const modes: readonly WeightMode[] = ['inputs', 'initialisers'];

interface Fixture {
  readonly file: string;
  readonly describe?: DescribeOptions;
  readonly side: number;
  readonly layers: readonly string[];
}

const stages = (counts: readonly number[]) => counts.flatMap((count, stage) => Array.from({ length: count }, (_, block) => `layer${stage + 1}.${block}`));

const fixtures: readonly Fixture[] = [
  { file: 'vit-timm.pt', describe: { heads: 2 }, side: 16, layers: ['blocks.0', 'blocks.1', 'norm', 'head'] },
  { file: 'vit-timm-variant.safetensors', describe: { imageSize: [8, 16] }, side: 16, layers: ['blocks.0', 'blocks.1', 'fc_norm', 'head'] },
  { file: 'mae.pth', describe: { heads: 2, decoderHeads: 4 }, side: 16, layers: ['blocks.0', 'blocks.1', 'norm'] },
  { file: 'resnet18.pt', side: 64, layers: [...stages([2, 2, 2, 2]), 'avgpool', 'fc'] },
  { file: 'resnet34.pth', side: 16, layers: [...stages([3, 4, 6, 3]), 'avgpool', 'fc'] },
  { file: 'resnet50-moco.pth', side: 16, layers: [...stages([3, 4, 6, 3]), 'avgpool', 'fc.0', 'fc.2'] },
  // A first kernel of 7 x 7 means the usual stem.
  { file: 'resnet101.safetensors', side: 64, layers: [...stages([3, 4, 23, 3]), 'avgpool', 'fc'] },
];

describe('A model built from names and shapes', () => {
  for (const { file, describe: options = {}, side, layers } of fixtures) {
    for (const weights of modes) {
      it(`gives the features of ${file} that PyTorch gives, with weights as ${weights}`, async () => {
        const expected = await expectedOf(file.replace(/\.\w+$/, ''));
        const batch = (model: { imageSize: readonly [number, number] | null; channels: number }) => images(model.channels, ...(model.imageSize ?? [side, side] as const));
        const outputs = await runFixture(file, { describe: options, features: layers, weights, batch });
        expect([...outputs.keys()]).toEqual(layers);
        for (const layer of layers) {
          expect(outputs.get(layer)!.shape[0]).toBe(imageCount);
          expect(relativeError(outputs.get(layer)!.data, expected.get(layer)!), layer).toBeLessThan(tolerance);
        }
      });
    }
  }

  const pairs: readonly { file: string; role: ModelRole; layers: readonly string[]; prefix: string; describe: DescribeOptions }[] = [
    { file: 'dino.pth', role: 'student', layers: ['blocks.0', 'norm'], prefix: 'student/', describe: { epsilon: 1e-5 } },
    { file: 'dino.pth', role: 'teacher', layers: ['blocks.0', 'norm'], prefix: 'teacher/', describe: { epsilon: 1e-5 } },
    { file: 'rc-mae.pth', role: 'student', layers: ['blocks.0', 'norm'], prefix: '', describe: { heads: 2, decoderHeads: 4 } },
    { file: 'rc-mae.pth', role: 'teacher', layers: ['blocks.0', 'norm'], prefix: 'teacher/', describe: { heads: 2, decoderHeads: 4 } },
    { file: 'fashion-rc-mae.pt', role: 'model', layers: ['norm'], prefix: '', describe: { heads: 3, decoderHeads: 4 } },
    { file: 'fashion-rc-mae.pt', role: 'teacher', layers: ['norm'], prefix: 'teacher/', describe: { heads: 3, decoderHeads: 4 } },
  ];
  for (const { file, role, layers, prefix, describe: options } of pairs) {
    it(`gives the features of the ${role} in ${file} that PyTorch gives`, async () => {
      const expected = await expectedOf(file.replace(/\.\w+$/, ''));
      const outputs = await runFixture(file, { describe: { ...options, role }, features: layers });
      for (const layer of layers) {
        expect(relativeError(outputs.get(layer)!.data, expected.get(prefix + layer)!), layer).toBeLessThan(tolerance);
      }
    });
  }

  it('gives the class token where it is asked for', async () => {
    const expected = await expectedOf('vit-timm');
    const outputs = await runFixture('vit-timm.pt', { describe: { heads: 2 }, features: ['blocks.1'], pooling: 'cls' });
    expect(relativeError(outputs.get('blocks.1')!.data, expected.get('blocks.1/cls')!)).toBeLessThan(tolerance);
  });

  it('gives the same features of a ResNet kept as a sequence of its children', async () => {
    const expected = await expectedOf('resnet18');
    const batch = () => images(3, 64);
    const outputs = await runFixture('resnet18-lightly.safetensors', { features: ['layer1.1', 'avgpool'], batch });
    expect(relativeError(outputs.get('layer1.1')!.data, expected.get('layer1.1')!)).toBeLessThan(tolerance);
    expect(relativeError(outputs.get('avgpool')!.data, expected.get('avgpool')!)).toBeLessThan(tolerance);
  });
});

describe('The loss of a model built from names and shapes', () => {
  const losses: readonly { file: string; describe: DescribeOptions; expected: string; loss: LossRequest }[] = [
    { file: 'vit-timm.pt', describe: { heads: 2 }, expected: 'cross-entropy', loss: { kind: 'cross-entropy' } },
    { file: 'vit-timm.pt', describe: { heads: 2 }, expected: 'contrastive', loss: { kind: 'contrastive' } },
    { file: 'mae.pth', describe: { heads: 2, decoderHeads: 4 }, expected: 'reconstruction/plain', loss: { kind: 'reconstruction' } },
    { file: 'mae.pth', describe: { heads: 2, decoderHeads: 4 }, expected: 'reconstruction/normalised', loss: { kind: 'reconstruction', normalisePixels: true } },
    { file: 'rc-mae.pth', describe: { heads: 2, decoderHeads: 4 }, expected: 'consistency/plain', loss: { kind: 'reconstruction-consistency' } },
    { file: 'rc-mae.pth', describe: { heads: 2, decoderHeads: 4 }, expected: 'consistency/normalised', loss: { kind: 'reconstruction-consistency', normalisePixels: true } },
    { file: 'fashion-rc-mae.pt', describe: { heads: 3, decoderHeads: 4 }, expected: 'reconstruction/normalised', loss: { kind: 'reconstruction', normalisePixels: true } },
    { file: 'fashion-rc-mae.pt', describe: { heads: 3, decoderHeads: 4 }, expected: 'consistency/normalised', loss: { kind: 'reconstruction-consistency', normalisePixels: true } },
  ];
  for (const { file, describe: options, expected: name, loss } of losses) {
    for (const weights of modes) {
      it(`is that of PyTorch, image by image: ${name} of ${file}, with weights as ${weights}`, async () => {
        const expected = await expectedOf(file.replace(/\.\w+$/, ''));
        const outputs = await runFixture(file, {
          describe: options, loss, weights,
          batch: (model) => ({
            ...images(model.channels, ...model.imageSize!),
            noise: noise(16),
            labels: Int32Array.from({ length: imageCount }, (_, image) => image % 5),
          }),
        });
        expect(relativeError(outputs.get('loss')!.data, expected.get(name)!)).toBeLessThan(tolerance);
      });
    }
  }
});

describe('A description', () => {
  it('says in words what it is, and what had to be assumed', async () => {
    const model = describeModel((await openFixture('dino.pth')).tensors);
    expect(model.label).toBe('ViT, 1 blocks of width 64 with 1 heads, patches of 4 x 4, images of 16 x 16 (student)');
    expect(model.warnings).toEqual([
      'A checkpoint does not say how many attention heads its model has; 1 were assumed for blocks (width 64 / 64). The option heads sets another number.',
    ]);
    expect(model.unused.every((name) => name.includes('head.'))).toBe(true);
  });
});
