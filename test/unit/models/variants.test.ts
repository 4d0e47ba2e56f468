import { describe, expect, it } from 'vitest';
import type { Tensor, TensorFile } from '../../../src/formats';
import { buildGraph, describeModel, ModelSession, readWeights, type Architecture, type DescribeOptions, type GraphRequest } from '../../../src/models';
import { sineCosinePositions } from '../../../src/models/positions';
import { expectedOf, images, noise, openFixture, relativeError } from './fixtures';

type Change = (tensor: Tensor) => readonly Tensor[];

/** The file with each tensor replaced by others. */
async function changed(name: string, change: Change): Promise<TensorFile> {
  const original = await openFixture(name);
  const tensors = new Map<string, Tensor>();
  for (const info of original.tensors) for (const tensor of change(await original.read(info.name))) tensors.set(tensor.name, tensor);
  return {
    metadata: {},
    tensors: [...tensors.values()].map(({ name: each, shape, dtype, data }) => ({ name: each, shape, dtype, bytes: data.byteLength })),
    read: async (each) => tensors.get(each)!,
  };
}

async function run(file: TensorFile, options: DescribeOptions, request: GraphRequest) {
  const model: Architecture = describeModel(file.tensors, options);
  const graph = buildGraph(model, request);
  const weights = await readWeights(file, model.parameters, graph.weights);
  const session = await ModelSession.create(graph, weights);
  const outputs = await session.run({ ...images(model.channels, ...model.imageSize!), noise: noise(16) });
  await session.close();
  return { model, outputs };
}

function part({ data, shape, ...rest }: Tensor, index: number, name: string): Tensor {
  const length = data.length / 3;
  return { ...rest, name, shape: [shape[0]! / 3, ...shape.slice(1)], data: (data as Float32Array).slice(index * length, (index + 1) * length) };
}

describe('The same model in other words', () => {
  const separate = [['q', 'k', 'v'], ['q_proj', 'k_proj', 'v_proj'], ['query', 'key', 'value']] as const;
  for (const names of separate) {
    it(`computes the same with projections of its own for ${names.join(', ')}`, async () => {
      const file = await changed('vit-timm.pt', (tensor) =>
        tensor.name.includes('attn.qkv') ? names.map((each, index) => part(tensor, index, tensor.name.replace('qkv', each))) : [tensor]);
      const expected = await expectedOf('vit-timm');
      const { outputs } = await run(file, { heads: 2 }, { features: ['blocks.1', 'head'] });
      for (const [layer, { data }] of outputs) expect(relativeError(data, expected.get(layer)!), layer).toBeLessThan(1e-4);
    });
  }

  it('computes the same with the factors of its branches called as in BEiT', async () => {
    const rename = (name: string) => name.replace(/ls(\d)\.gamma/, 'gamma_$1');
    const file = await changed('vit-timm-variant.safetensors', (tensor) => [{ ...tensor, name: rename(tensor.name) }]);
    const { outputs } = await run(file, { imageSize: [8, 16] }, { features: ['blocks.1'] });
    expect(relativeError(outputs.get('blocks.1')!.data, (await expectedOf('vit-timm-variant')).get('blocks.1')!)).toBeLessThan(1e-4);
  });

  it('computes the same with registers as in DINOv2: behind the class token, which alone has a position', async () => {
    const file = await changed('vit-timm-variant.safetensors', (tensor) => {
      if (tensor.name === 'reg_token') return [{ ...tensor, name: 'register_tokens' }];
      if (tensor.name !== 'pos_embed') return [tensor];
      const [, count, width] = tensor.shape as [number, number, number];
      // A position of zeros for the class token, so that the sum stays what it was.
      const data = new Float32Array((count + 1) * width);
      data.set(tensor.data as Float32Array, width);
      return [{ ...tensor, shape: [1, count + 1, width], data }];
    });
    const { model, outputs } = await run(file, { imageSize: [8, 16] }, { features: ['blocks.0', 'fc_norm'] });
    expect(model).toMatchObject({ prefixTokens: ['cls_token', 'register_tokens'], placedTokens: 1 });
    const expected = await expectedOf('vit-timm-variant');
    for (const [layer, { data }] of outputs) expect(relativeError(data, expected.get(layer)!), layer).toBeLessThan(1e-4);
  });

  it('computes the same with the positions of MAE, where the checkpoint leaves them out', async () => {
    const original = await openFixture('mae.pth');
    const stored = (await original.read('model.pos_embed')).data as Float32Array;
    expect(relativeError(sineCosinePositions(24, [4, 4], 1), stored)).toBeLessThan(1e-6);
    const file = await changed('mae.pth', (tensor) => (tensor.name.endsWith('pos_embed') ? [] : [tensor]));
    const { outputs } = await run(file, { heads: 2, decoderHeads: 4, imageSize: [16, 16] }, { features: ['norm'], loss: { kind: 'reconstruction' } });
    const expected = await expectedOf('mae');
    expect(relativeError(outputs.get('norm')!.data, expected.get('norm')!)).toBeLessThan(1e-4);
    expect(relativeError(outputs.get('loss')!.data, expected.get('reconstruction/plain')!)).toBeLessThan(1e-4);
  });

  it('is found behind any prefix of the whole model, beside other parts', async () => {
    const file = await changed('vit-timm.pt', (tensor) =>
      tensor.name.startsWith('model.') ? [{ ...tensor, name: tensor.name.replace('model.', 'net.image_encoder.') }, { ...tensor, name: tensor.name.replace('model.', 'net.text.') }] : []);
    const { model, outputs } = await run(file, { heads: 2 }, { features: ['head'] });
    expect(relativeError(outputs.get('head')!.data, (await expectedOf('vit-timm')).get('head')!)).toBeLessThan(1e-4);
    expect(model.unused).toHaveLength(model.parameters.length);
  });
});
