import { describe, expect, it } from 'vitest';
import type { TensorInfo } from '../../../src/formats';
import { buildGraph, describeModel, findParameters, ModelMismatch, type DescribeOptions } from '../../../src/models';
import { openFixture } from './fixtures';

async function tensorsOf(name: string): Promise<readonly TensorInfo[]> {
  return (await openFixture(name)).tensors;
}

function catching(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return null;
}

describe('A checkpoint', () => {
  const labels: readonly [string, DescribeOptions, string][] = [
    ['vit-timm.pt', { heads: 2 }, 'ViT, 2 blocks of width 32 with 2 heads, patches of 4 x 4, images of 16 x 16'],
    ['vit-timm-variant.safetensors', { imageSize: [8, 16] }, 'ViT, 2 blocks of width 24 with 3 heads, patches of 4 x 2, images of 8 x 16, registers'],
    ['mae.pth', { heads: 2, decoderHeads: 4 }, 'Masked autoencoder, 2 blocks of width 24 with 2 heads, patches of 4 x 4, images of 16 x 16, decoder of 1 blocks of width 16 with 4 heads'],
    ['rc-mae.pth', { heads: 2, decoderHeads: 4, role: 'teacher' }, 'Masked autoencoder, 1 blocks of width 24 with 2 heads, patches of 4 x 4, images of 16 x 16, decoder of 1 blocks of width 16 with 4 heads (teacher)'],
    ['resnet18.pt', {}, 'ResNet-18'],
    ['resnet34.pth', {}, 'ResNet-34 with the stem for small images'],
    ['resnet50-moco.pth', {}, 'ResNet-50 with the stem for small images (student)'],
    ['resnet101.safetensors', {}, 'ResNet-101'],
    ['resnet18-lightly.safetensors', {}, 'ResNet-18'],
  ];
  for (const [file, options, label] of labels) {
    it(`is recognised by names and shapes alone: ${file}`, async () => {
      expect(describeModel(await tensorsOf(file), options).label).toBe(label);
    });
  }

  it('tells its losses by its heads and its teacher', async () => {
    const losses = async (file: string, options: DescribeOptions) => describeModel(await tensorsOf(file), options).losses;
    expect(await losses('vit-timm.pt', { heads: 2 })).toEqual(['cross-entropy', 'contrastive']);
    expect(await losses('mae.pth', { heads: 2, decoderHeads: 4 })).toEqual(['reconstruction', 'contrastive']);
    expect(await losses('rc-mae.pth', { heads: 2, decoderHeads: 4 })).toEqual(['reconstruction', 'reconstruction-consistency', 'contrastive']);
    expect(await losses('rc-mae.pth', { heads: 2, decoderHeads: 4, role: 'teacher' })).toEqual(['reconstruction', 'contrastive']);
    expect(await losses('resnet50-moco.pth', {})).toEqual(['contrastive']);
  });

  it('leaves open how many heads there are: where the usual width of a head does not divide, the option has to say it', async () => {
    const tensors = await tensorsOf('mae.pth');
    expect(() => describeModel(tensors)).toThrow('64 numbers a head, the usual, do not divide the width 24: set the option heads.');
    expect(() => describeModel(tensors, { heads: 5 })).toThrow('5 heads do not divide the width 24: set the option heads.');
    expect(() => describeModel(tensors, { heads: 2 })).toThrow('32 numbers a head, the usual, do not divide the width 16: set the option decoderHeads.');
  });

  it('takes heads from normalised queries where these tell the width of a head', async () => {
    const model = describeModel(await tensorsOf('vit-timm-variant.safetensors'), { imageSize: [8, 16] });
    expect(model).toMatchObject({ encoder: { heads: 3 }, prefixTokens: ['cls_token', 'reg_token'], placedTokens: 0, warnings: [] });
  });

  it('is refused when positions do not fit the size of images', async () => {
    const tensors = await tensorsOf('vit-timm-variant.safetensors');
    expect(() => describeModel(tensors, { imageSize: [8, 20] })).toThrow('An image of 8 x 20 has 20 patches of 4 x 2, but the model holds 16 positions.');
    expect(() => describeModel(tensors, { imageSize: [9, 20] })).toThrow('An image of 9 x 20 is not a whole number of patches of 4 x 2.');
    const without = tensors.filter(({ name }) => name !== 'pos_embed');
    expect(() => describeModel(without)).toThrow('the option imageSize has to say how large images are');
    expect(describeModel(without, { imageSize: [8, 16] }).warnings[0]).toMatch(/sine-cosine positions of MAE are taken/);
  });

  it('lists what is missing, of another shape or not understood inside the model, in one error', async () => {
    const tensors = (await tensorsOf('vit-timm.pt')).flatMap((tensor): TensorInfo[] => {
      if (tensor.name.endsWith('blocks.1.mlp.fc2.weight')) return [];
      if (tensor.name.endsWith('norm.weight')) return [{ ...tensor, shape: [31] }];
      return tensor.name.endsWith('blocks.0.attn.qkv.bias') ? [tensor, { ...tensor, name: 'model.blocks.0.attn.relative_position_bias_table' }] : [tensor];
    });
    const error = catching(() => describeModel(tensors, { heads: 2 }));
    expect(error).toBeInstanceOf(ModelMismatch);
    expect(error).toMatchObject({
      missing: ['blocks.1.mlp.fc2.weight'],
      wrongShape: ['norm.weight: [31] where [32] is needed'],
      extra: ['blocks.0.attn.relative_position_bias_table'],
    });
  });

  it('of an unknown model is refused with what is known', () => {
    const tensors: TensorInfo[] = [{ name: 'encoder.0.weight', shape: [4, 4], dtype: 'F32', bytes: 64 }];
    expect(() => describeModel(tensors)).toThrow(/No known model: .* not part of the model \(encoder\.0\.weight\).*any other model needs an ONNX export/);
  });

  it('has no other network than it has', async () => {
    const tensors = await tensorsOf('resnet50-moco.pth');
    expect(() => describeModel(tensors, { role: 'teacher' })).toThrow('The checkpoint holds no teacher, only: student.');
  });

  it('of the same run gives its tensors to the graph of another; of another run it does not', async () => {
    const model = describeModel(await tensorsOf('mae.pth'), { heads: 2, decoderHeads: 4 });
    expect(findParameters(model, await openFixture('mae.pth'))).toEqual(model.parameters);
    const error = catching(() => findParameters(model, { tensors: [] }));
    expect(error).toBeInstanceOf(ModelMismatch);
    expect((error as ModelMismatch).missing).toHaveLength(model.parameters.length);
  });

  it('names its layers as torch does, with the widths of their features', async () => {
    const { layers } = describeModel(await tensorsOf('resnet18.pt'));
    expect(layers.map(({ name, width }) => `${name} ${width}`)).toEqual([
      'layer1.0 2', 'layer1.1 2', 'layer2.0 4', 'layer2.1 4', 'layer3.0 8', 'layer3.1 8', 'layer4.0 16', 'layer4.1 16', 'avgpool 16', 'fc 4',
    ]);
  });
});

describe('A graph', () => {
  it('needs only the weights that its outputs need', async () => {
    const model = describeModel(await tensorsOf('mae.pth'), { heads: 2, decoderHeads: 4 });
    const shallow = buildGraph(model, { features: ['blocks.0'] });
    expect([...shallow.weights.keys()].filter((name) => /^(?:blocks\.1|norm|decoder|mask_token)/.test(name))).toEqual([]);
    expect(shallow.inputs).toEqual(['images']);
    expect(buildGraph(model, { features: ['norm', 'blocks.0', 'norm'] }).outputs).toEqual(['blocks.0', 'norm']);
    const loss = buildGraph(model, { loss: { kind: 'reconstruction' } });
    expect(loss.inputs).toEqual(['images', 'noise']);
    expect(loss.weights.size).toBe(model.parameters.length);
  });

  it('is refused for layers, losses and options that the model does not have', async () => {
    const model = describeModel(await tensorsOf('mae.pth'), { heads: 2, decoderHeads: 4 });
    expect(() => buildGraph(model, { features: ['layer1.0'] })).toThrow(/has no layer layer1\.0; it has blocks\.0, blocks\.1, norm\./);
    expect(() => buildGraph(model, { loss: { kind: 'cross-entropy' } })).toThrow(/has no loss of the kind cross-entropy; it has reconstruction, contrastive/);
    expect(() => buildGraph(model, { loss: { kind: 'reconstruction', maskRatio: 1 } })).toThrow('A mask ratio of 1 keeps 0 of 16 patches');
    expect(() => buildGraph(model, { loss: { kind: 'contrastive', temperature: 0 } })).toThrow('A temperature is positive, not 0.');
    expect(() => buildGraph(model, {})).toThrow('A graph needs at least one output');
  });

  it('estimates the work of an image as PyTorch profilers count it', async () => {
    // conv1: 2 x 64 x 3 x 49 x 112 x 112 of the real network, here with 2 channels instead of 64 and 32 x 32 positions.
    const model = describeModel(await tensorsOf('resnet18.pt'), { imageSize: [64, 64] });
    const first = buildGraph(model, { features: ['layer1.0'] });
    expect(first.operations).toBe(2 * 2 * 3 * 49 * 32 * 32 + 2 * (2 * 2 * 2 * 9 * 16 * 16));
  });
});
