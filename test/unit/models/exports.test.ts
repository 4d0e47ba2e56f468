import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createFormatRegistry, FormatError, memorySource, openTensors, type TensorInfo } from '../../../src/formats';
import { buildExportedGraph, matchExport, ModelMismatch, ModelSession, readExport, readWeights, type WeightMode } from '../../../src/models';
import { poolOutput } from '../../../src/models/pooling';
import { expectedOf, images, openFixture, pathOf, relativeError } from './fixtures';

const tolerance = 1e-4;

async function openExport(name: string) {
  const { source, file } = await openTensors(pathOf(name), createFormatRegistry());
  return { file, model: await readExport(source, file) };
}

async function run(exportName: string, checkpointName: string | null, features: string[], weights: WeightMode, count = 4) {
  const { file, model } = await openExport(exportName);
  const source = checkpointName === null ? file : await openFixture(checkpointName);
  const parameters = checkpointName === null ? model.parameters : matchExport(model, source);
  const graph = await buildExportedGraph(model, file, { features, weights });
  const values = await readWeights(source, parameters, graph.weights);
  const session = await ModelSession.create(graph, weights === 'initialisers' ? values : null);
  const batch = images(3, 16, 16, count);
  const outputs = await session.run(batch, values);
  await session.close();
  return new Map([...outputs].map(([name, output]) => [name, poolOutput(name, output, 'patch_mean', 1).data]));
}

describe('An exported model', () => {
  for (const weights of ['inputs', 'initialisers'] as const) {
    it(`computes with the weights of a checkpoint what PyTorch computes, also where the exporter has renamed them (${weights})`, async () => {
      const outputs = await run('vit-export.onnx', 'vit-export.pt', ['blocks.0', 'norm', 'head'], weights);
      const expected = await expectedOf('vit-export');
      for (const [layer, data] of outputs) expect(relativeError(data, expected.get(layer)!), layer).toBeLessThan(tolerance);
    });

    for (const file of ['resnet-export.onnx', 'resnet-external.onnx']) {
      it(`takes the weights of a checkpoint in a batch of the size it was exported for (${file}, ${weights})`, async () => {
        const layers = ['layer1.0', 'layer4.0', 'avgpool', 'fc'];
        const outputs = await run(file, 'resnet-export.pt', layers, weights, 2);
        const expected = await expectedOf('resnet-export');
        for (const layer of layers) {
          const all = expected.get(layer)!;
          expect(relativeError(outputs.get(layer)!, all.subarray(0, all.length / 2)), layer).toBeLessThan(tolerance);
        }
      });
    }
  }

  it('computes with its own weights, wherever they are kept, the same', async () => {
    const inside = await run('resnet-export.onnx', null, ['avgpool'], 'initialisers', 2);
    const outside = await run('resnet-external.onnx', null, ['avgpool'], 'inputs', 2);
    expect(relativeError(outside.get('avgpool')!, inside.get('avgpool')!)).toBeLessThan(1e-6);
    const other = await run('resnet-export.onnx', 'resnet-export.pt', ['avgpool'], 'initialisers', 2);
    expect(relativeError(other.get('avgpool')!, inside.get('avgpool')!)).toBeGreaterThan(1e-2);
  });

  it('refuses a batch of another size than it was exported for', async () => {
    await expect(run('resnet-export.onnx', null, ['avgpool'], 'inputs', 3)).rejects.toThrow('was exported for batches of 2, and this one has 3 images');
  });

  it('lists its modules, and says which there are when another is asked for', async () => {
    const { file, model } = await openExport('vit-export.onnx');
    expect(model.layers.map(({ name }) => name)).toEqual([
      'patch_embed.proj', 'patch_embed', 'blocks.0.norm1', 'blocks.0.attn.qkv', 'blocks.0.attn.proj', 'blocks.0.attn', 'blocks.0.norm2', 'blocks.0.mlp.fc1',
      'blocks.0.mlp.act', 'blocks.0.mlp.fc2', 'blocks.0.mlp', 'blocks.0', 'blocks', 'norm', 'head',
    ]);
    await expect(buildExportedGraph(model, file, { features: ['blocks.7'] })).rejects.toThrow(/has no layer blocks\.7; it has patch_embed\.proj, /);
  });

  it('lists missing, left over and wrongly shaped tensors of a checkpoint that does not fit', async () => {
    const { model } = await openExport('resnet-export.onnx');
    const { tensors } = await openFixture('resnet-export.pt');
    const changed = tensors.flatMap((tensor): TensorInfo[] => {
      if (tensor.name.endsWith('layer1.0.conv1.weight')) return [];
      if (tensor.name.endsWith('fc.bias')) return [{ ...tensor, shape: [7] }];
      return [tensor.name.endsWith('bn1.bias') && !tensor.name.includes('layer') ? { ...tensor, name: tensor.name.replace('bn1.bias', 'bn1.shift') } : tensor];
    });
    const error = catching(() => matchExport(model, { tensors: changed }));
    expect(error).toBeInstanceOf(ModelMismatch);
    expect(error).toMatchObject({
      missing: ['bn1.bias', 'layer1.0.conv1.weight'],
      extra: ['state_dict.module.bn1.shift'],
      wrongShape: ['fc.bias: [7] where [4] is needed'],
    });
    expect((error as ModelMismatch).message).toMatch(/2 missing \(bn1\.bias, layer1\.0\.conv1\.weight\); 1 of another shape \(fc\.bias: \[7\] where \[4\] is needed\); 1 not part of the model/);
  });

  it('says how to export a model whose batch norms were folded into its convolutions', async () => {
    const { model } = await openExport('resnet-folded.onnx');
    const { tensors } = await openFixture('resnet-export.pt');
    expect(() => matchExport(model, { tensors })).toThrow(/onnx::Conv_\d+.*do_constant_folding=False/s);
  });

  it('is refused with a reason when it is damaged', async () => {
    const { file } = await openExport('resnet-export.onnx');
    await expect(readExport(memorySource('broken.onnx', Uint8Array.of(0x3a, 0x7f, 1)), file)).rejects.toThrow(/broken\.onnx: is no ONNX model/);
    const whole = await readFile(pathOf('vit-export.onnx'));
    let refused = 0;
    for (let length = 1; length < whole.length; length += 997) {
      // What is left of a torn model may be a smaller model; everything else is explained.
      await readExport(memorySource('torn.onnx', whole.subarray(0, length)), file).catch((error: unknown) => {
        expect(error).toBeInstanceOf(FormatError);
        refused++;
      });
    }
    expect(refused).toBeGreaterThan(30);
    await expect(readExport(memorySource('empty.onnx', new Uint8Array(0)), file)).rejects.toThrow(/should take one input of images/);
  });
});

function catching(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return null;
}
