import { describe, expect, it } from 'vitest';
import type { DType, TensorFile } from '../../../src/formats';
import { checkpointOf } from '../../../src/runs';
import { orderByDepth } from '../../../src/runs/weightOrder';

function fileOf(tensors: Readonly<Record<string, readonly number[]>>, more: Partial<TensorFile> & { readonly dtypes?: Readonly<Record<string, DType>> } = {}): TensorFile {
  const { dtypes = {}, ...rest } = more;
  return {
    tensors: Object.entries(tensors).map(([name, shape]) => ({ name, shape, dtype: dtypes[name] ?? 'F32', bytes: 0 })),
    metadata: {},
    read: (name) => Promise.resolve({ name, shape: tensors[name] ?? [], dtype: 'F32', data: Float32Array.of(name.length) }),
    ...rest,
  };
}

const shuffled = <Item>(items: readonly Item[]): Item[] => [...items].sort((a, b) => (JSON.stringify(a).length * 7) % 5 - ((JSON.stringify(b).length * 7) % 5)).reverse();

describe('the order of layers', () => {
  it('is that of the forward pass for a torchvision ResNet', () => {
    const order = ['conv1', 'layer1.0.conv1', 'layer1.0.conv2', 'layer1.0.conv3', 'layer1.0.downsample.0', 'layer1.1.conv1', 'layer2.0.conv1', 'layer4.2.conv3', 'fc', 'projector.0', 'predictor.0'];
    expect(orderByDepth(shuffled(order))).toEqual(order);
  });

  it('is that of the forward pass for a vision transformer with a decoder (MAE)', () => {
    const block = (name: string): string[] => ['attn.qkv', 'attn.proj', 'mlp.fc1', 'mlp.fc2'].map((part) => `${name}.${part}.weight`);
    const order = ['patch_embed.proj.weight', ...block('blocks.0'), ...block('blocks.2'), ...block('blocks.10'), 'decoder_embed.weight', ...block('decoder_blocks.0'), ...block('decoder_blocks.1'), 'decoder_pred.weight'];
    expect(orderByDepth(shuffled(order))).toEqual(order);
  });

  it('puts the head of DINO behind its blocks', () => {
    const order = ['patch_embed.proj.weight', 'blocks.0.attn.qkv.weight', 'blocks.11.mlp.fc2.weight', 'head.mlp.0.weight', 'head.mlp.2.weight', 'head.last_layer.weight_v'];
    expect(orderByDepth(shuffled(order))).toEqual(order);
  });

  it('starts with the embeddings and ends with the classifier of a Hugging Face model', () => {
    const order = ['vit.embeddings.patch_embeddings.projection.weight', 'vit.encoder.layer.2.attention.attention.key.weight', 'vit.encoder.layer.10.output.dense.weight', 'vit.pooler.dense.weight', 'classifier.weight'];
    expect(orderByDepth(shuffled(order))).toEqual(order);
  });

  it('goes through the stages of a hierarchical transformer', () => {
    const order = ['patch_embed.proj.weight', 'layers.0.blocks.0.attn.qkv.weight', 'layers.0.blocks.1.mlp.fc1.weight', 'layers.0.downsample.reduction.weight', 'layers.1.blocks.0.attn.qkv.weight', 'head.weight'];
    expect(orderByDepth(shuffled(order))).toEqual(order);
  });

  it('is natural for everything else', () => {
    expect(orderByDepth(['stage10.weight', 'stage9.weight', 'a.weight'])).toEqual(['a.weight', 'stage9.weight', 'stage10.weight']);
  });
});

describe('a checkpoint', () => {
  it('has a layer for every matrix and kernel, called after its parameter, and says what it leaves out', () => {
    const { layers, skipped, problems } = checkpointOf(
      fileOf(
        {
          'model.patch_embed.proj.weight': [8, 3, 4, 4], 'model.patch_embed.proj.bias': [8], 'model.pos_embed': [1, 17, 8], 'model.cls_token': [1, 1, 8],
          'model.blocks.0.attn.qkv.weight': [24, 8], 'model.blocks.0.norm1.weight': [8], 'model.index': [4, 4], 'model.empty.weight': [0, 8], 'model.scale.weight': [8, 1],
          'optimizer.state.0.exp_avg': [24, 8], 'optimizer.state.1.exp_avg_sq': [8, 3, 4, 4],
        },
        { dtypes: { 'model.index': 'I64' } },
      ),
      'checkpoint-3.pth',
    );
    expect(layers.map(({ name, index, tensor }) => [name, index, tensor])).toEqual([
      ['patch_embed.proj', 0, 'model.patch_embed.proj.weight'], ['blocks.0.attn.qkv', 1, 'model.blocks.0.attn.qkv.weight'],
    ]);
    expect(Object.fromEntries(skipped.map(({ name, reason }) => [name.replace('model.', ''), reason]))).toEqual({
      pos_embed: 'is a table of positions', cls_token: 'is a token', index: 'its numbers are I64, not floating-point ones',
      'empty.weight': 'is empty: its shape is [0, 8]', 'scale.weight': 'is a vector in the shape [8, 1]',
    });
    expect(problems).toEqual([{ file: 'checkpoint-3.pth', place: '', severity: 'info', reason: expect.stringMatching(/^not measured: model\.pos_embed \(is a table of positions\)/) }]);
  });

  it('measures the student and knows the teacher of each of its layers', async () => {
    const checkpoint = checkpointOf(
      fileOf({
        'student.module.backbone.blocks.0.attn.qkv.weight': [24, 8], 'teacher.backbone.blocks.0.attn.qkv.weight': [24, 8],
        'student.module.head.mlp.0.weight': [16, 8], 'teacher.head.mlp.0.weight': [32, 8], 'optimizer.state.0.exp_avg': [24, 8],
      }),
      'checkpoint0040.pth',
    );
    expect(checkpoint.layers.map(({ name, tensor, teacher }) => [name, tensor, teacher])).toEqual([
      ['blocks.0.attn.qkv', 'student.module.backbone.blocks.0.attn.qkv.weight', 'teacher.backbone.blocks.0.attn.qkv.weight'],
      ['head.mlp.0', 'student.module.head.mlp.0.weight', null],
    ]);
    expect((await checkpoint.readTeacher('blocks.0.attn.qkv'))?.data[0]).toBe('teacher.backbone.blocks.0.attn.qkv.weight'.length);
    expect(await checkpoint.readTeacher('head.mlp.0')).toBeNull();
    await expect(checkpoint.readWeights('head.mlp.9')).rejects.toThrow(/layer head\.mlp\.9.*not a layer/);
  });

  it('measures a teacher that is alone in its file', () => {
    expect(checkpointOf(fileOf({ 'teacher.fc.weight': [8, 8] }), 'x.pth').layers.map(({ name, teacher }) => [name, teacher])).toEqual([['fc', null]]);
  });

  it('says that there is nothing to measure in the state of an optimizer', () => {
    const { layers, problems } = checkpointOf(fileOf({ 'state.0.exp_avg': [24, 8], 'state.0.exp_avg_sq': [24, 8] }), 'optimizer.pt');
    expect(layers).toEqual([]);
    expect(problems[0]?.reason).toBe('holds only the state of an optimizer: there is nothing to measure');
  });

  it('takes epoch and step from the metadata and else from the name', () => {
    expect(checkpointOf(fileOf({ 'fc.weight': [8, 8] }, { metadata: { epoch: '7', global_step: '700' } }), 'last.ckpt')).toMatchObject({ epoch: 7, step: 700 });
    expect(checkpointOf(fileOf({ 'fc.weight': [8, 8] }), 'checkpoints/epoch=3-step=90.ckpt')).toMatchObject({ epoch: 3, step: 90 });
  });

  it('keeps the ending of a name where two parameters would have one', () => {
    expect(checkpointOf(fileOf({ 'a.weight': [8, 8], 'a.kernel': [8, 8] }), 'x').layers.map(({ name }) => name)).toEqual(['a.kernel', 'a.weight']);
  });

  it('tells which tensors cannot be read', () => {
    const { problems } = checkpointOf(fileOf({ 'fc.weight': [8, 8] }, { skipped: [{ name: 'blob', reason: 'is quantized' }] }), 'x.pth');
    expect(problems).toEqual([{ file: 'x.pth', place: 'tensor blob', reason: 'is quantized', severity: 'warning' }]);
  });
});
