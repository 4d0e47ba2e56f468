import { describe, expect, it } from 'vitest';
import { createFormatRegistry, describeStateDict, openTensors } from '../../../src/formats';
import { fixturePath } from './build';

const describeOne = (name: string, ...others: string[]) => {
  const [{ role, parameterName }] = describeStateDict([name, ...others]) as [ReturnType<typeof describeStateDict>[number]];
  return `${role} ${parameterName}`;
};

describe('the name of a tensor in a checkpoint', () => {
  it.each([
    ['conv1.weight', 'model conv1.weight'],
    ['model.blocks.0.attn.qkv.weight', 'model blocks.0.attn.qkv.weight'],
    ['state_dict.module.layer4.2.conv3.weight', 'model layer4.2.conv3.weight'],
    ['model_state_dict._orig_mod.fc.weight', 'model fc.weight'],
    ['state_dict.module.layer1._orig_mod.0.weight', 'model layer1.0.weight'],
    ['state_dict.model.back_bone.cls_token', 'model cls_token'],
    ['student.module.backbone.blocks.10.mlp.fc1.weight', 'student blocks.10.mlp.fc1.weight'],
    ['teacher.backbone.blocks.10.mlp.fc1.weight', 'teacher blocks.10.mlp.fc1.weight'],
    ['teacher.head.last_layer.weight_v', 'teacher head.last_layer.weight_v'],
    ['state_dict.module.encoder_q.fc.0.weight', 'student fc.0.weight'],
    ['state_dict.module.encoder_k.fc.0.weight', 'teacher fc.0.weight'],
    ['state_dict.module.base_encoder.blocks.1.norm1.weight', 'student blocks.1.norm1.weight'],
    ['state_dict.module.momentum_encoder.blocks.1.norm1.weight', 'teacher blocks.1.norm1.weight'],
    ['state_dict.momentum_backbone.conv1.weight', 'teacher conv1.weight'],
    ['state_dict.momentum_projector.0.weight', 'teacher projector.0.weight'],
    ['state_dict.projection_head_momentum.layers.0.weight', 'teacher projection_head.layers.0.weight'],
    ['online_network.conv1.weight', 'student conv1.weight'],
    ['target_network.conv1.weight', 'teacher conv1.weight'],
    ['model_ema.module.conv1.weight', 'teacher conv1.weight'],
    ['state_dict_ema.conv1.weight', 'teacher conv1.weight'],
    ['optimizer.state.3.exp_avg', 'optimizer state.3.exp_avg'],
    ['optimizer_states.0.state.3.exp_avg_sq', 'optimizer 0.state.3.exp_avg_sq'],
    ['callbacks.EarlyStopping.best', 'other callbacks.EarlyStopping.best'],
    ['state_dict.module.queue', 'other queue'],
    ['rng_state', 'other rng_state'],
    ['model', 'model model'],
    ['optimizer', 'other optimizer'],
  ])('%s is %s', (name, expected) => {
    expect(describeOne(name)).toBe(expected);
  });

  it('says nothing of parameters where the file has containers and the tensor is in none', () => {
    expect(describeOne('prototypes', 'state_dict.fc.weight')).toBe('other prototypes');
    expect(describeOne('prototypes', 'fc.weight')).toBe('model prototypes');
  });

  it('stays as it is where stripping would give two tensors one name', () => {
    expect(describeStateDict(['backbone.norm.weight', 'norm.weight', 'backbone.fc.weight']).map(({ parameterName }) => parameterName)).toEqual(['backbone.norm.weight', 'norm.weight', 'fc.weight']);
  });

  it('answers for no tensors and for many', () => {
    expect(describeStateDict([])).toEqual([]);
    expect(describeStateDict(['constructor', '__proto__.x']).map(({ parameterName }) => parameterName)).toEqual(['constructor', '__proto__.x']);
  });
});

describe('the tensors of real checkpoints', () => {
  const read = async (name: string) => {
    const { file, close } = await openTensors(fixturePath(`checkpoints/torch/torch-2.15/${name}`), createFormatRegistry());
    await close();
    return describeStateDict(file.tensors.map((tensor) => tensor.name));
  };
  const namesOf = (tensors: Awaited<ReturnType<typeof read>>, role: string) => tensors.filter((tensor) => tensor.role === role).map(({ parameterName }) => parameterName).sort();

  it.each(['dino_checkpoint0020.pth', 'moco_checkpoint_0009.pth.tar'])('%s has a student and a teacher of the same parameters', async (name) => {
    const tensors = await read(name);
    expect(namesOf(tensors, 'student').length).toBeGreaterThan(5);
    expect(namesOf(tensors, 'student')).toEqual(namesOf(tensors, 'teacher'));
  });

  it('mae_checkpoint-3.pth has a model and its optimizer', async () => {
    const tensors = await read('mae_checkpoint-3.pth');
    expect(namesOf(tensors, 'model')).toContain('conv1.weight');
    expect(namesOf(tensors, 'optimizer')).toContain('state.0.exp_avg');
    expect(new Set(tensors.map(({ role }) => role))).toEqual(new Set(['model', 'optimizer']));
  });

  it('timm_ema.pth.tar has a model and its average', async () => {
    const tensors = await read('timm_ema.pth.tar');
    expect(namesOf(tensors, 'teacher')).toEqual(namesOf(tensors, 'model'));
  });
});
