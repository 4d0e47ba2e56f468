import { describe, expect, it } from 'vitest';
import { createFormatRegistry, openTensors } from '../../../src/formats';
import { chosenLayers, chosenModules, describeModel, readExport } from '../../../src/models';
import { openFixture, pathOf } from './fixtures';

const modules = (names: readonly string[], matrices: readonly string[] = []) =>
  chosenModules({ layers: names.map((name) => ({ name, value: name })), parameters: matrices.map((name) => ({ name: `${name}.weight`, shape: [2, 2], tensor: name })) });

describe('The layers that features are taken of', () => {
  it('are those of a known model, but for the pooled last block, which is that block once more', async () => {
    const layers = chosenLayers(describeModel((await openFixture('resnet50-moco.pth')).tensors));
    expect(layers.slice(0, 2)).toEqual(['layer1.0', 'layer1.1']);
    expect(layers.slice(-2)).toEqual(['fc.0', 'fc.2']);
    expect(layers).not.toContain('avgpool');
  });

  it('are the blocks and heads of an export', async () => {
    const { source, file } = await openTensors(pathOf('resnet-export.onnx'), createFormatRegistry());
    expect(chosenModules(await readExport(source, file))).toEqual(['layer1.0', 'layer2.0', 'layer3.0', 'layer4.0', 'fc']);
  });

  it('are the innermost of nested blocks; what is inside a block or embeds patches is no head', () => {
    const names = ['stages.0.blocks.0.conv', 'stages.0.blocks.0', 'stages.0', 'stages.1.blocks.0.head', 'stages.1.blocks.0', 'stages.1', 'patch_embed.projection', 'head.fc', 'head'];
    expect(modules(names)).toEqual(['stages.0.blocks.0', 'stages.1.blocks.0', 'head']);
  });

  it('are all modules with a weight matrix where there are no blocks', () => {
    expect(modules(['net.0', 'net.1', 'net.2', 'net'], ['net.0', 'net.2'])).toEqual(['net.0', 'net.2']);
  });
});
