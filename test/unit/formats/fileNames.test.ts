import { describe, expect, it } from 'vitest';
import { compareNaturally, guessEpochStep } from '../../../src/formats';

describe('epoch and step from a file name', () => {
  it.each([
    ['epoch=0012.safetensors', 12, null],
    ['epoch_12.npz', 12, null],
    ['Epoch-012.pt', 12, null],
    ['probe_epoch12.npz', 12, null],
    ['ep12.safetensors', 12, null],
    ['mae_pretrain_vit_base_800ep.pth', 800, null],
    ['epoch=3-step=900.ckpt', 3, 900],
    ['epoch=3-val_loss=0.25.ckpt', 3, null],
    ['checkpoint-500', null, 500],
    ['checkpoint-500/model.safetensors', null, 500],
    ['step=500.safetensors', null, 500],
    ['global_step1000.pt', null, 1000],
    ['iter_40000.pth', null, 40000],
    ['probes/step-7.npz', null, 7],
    ['ckpt_0100.pt', 100, null],
    ['checkpoint0040.pth', 40, null],
    ['checkpoint_0199.pth.tar', 199, null],
    ['checkpoint-799.pth', 799, null],
    ['checkpoint_3_20000.pt', 3, 20000],
    ['0012.safetensors', 12, null],
    ['model_250000.pt', null, 250000],
    ['probes\\epoch=4.npz', 4, null],
  ])('%s', (name, epoch, step) => {
    expect(guessEpochStep(name)).toEqual({ epoch, step });
  });

  it.each(['resnet50.pth', 'vit_b_16.pth', 'cifar10.npz', 'model.safetensors', 'deep12.pt', 'footstep3x.npz', 'last.ckpt', '', 'epoch=99999999999999999999.npz'])(
    'is not guessed from %s',
    (name) => {
      expect(guessEpochStep(name)).toEqual({ epoch: null, step: null });
    },
  );
});

describe('natural order', () => {
  it('puts block2 before block10', () => {
    expect(['block10', 'block2', 'block1', 'stem'].sort(compareNaturally)).toEqual(['block1', 'block2', 'block10', 'stem']);
    expect(['a.10.b', 'a.9.c', 'a.9.b'].sort(compareNaturally)).toEqual(['a.9.b', 'a.9.c', 'a.10.b']);
  });

  it('is equal only for equal names', () => {
    expect(compareNaturally('block01', 'block1')).not.toBe(0);
    expect(compareNaturally('block1', 'block1')).toBe(0);
  });
});
