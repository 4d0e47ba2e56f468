import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFormatRegistry, isCheckpointName, openTensors } from '../../../src/formats';
import { failure, fixture, zipOf } from './build';

let folder: string;
const registry = createFormatRegistry();
const magic = [0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
const torch = zipOf([{ name: 'archive/data.pkl', bytes: Buffer.from([0x80, 2, 0x7d, 0x2e]) }]);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'layerscope-open-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, bytes: Uint8Array | string) => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

describe('opening a file of tensors', () => {
  it('chooses the format', async () => {
    const opened = await openTensors(put('a.npz', fixture('probes/views.npz')), registry);
    expect(opened.format.id).toBe('npz');
    expect(opened.file.tensors.length).toBeGreaterThan(0);
    await opened.close();
  });

  it.each([
    ['old.pth', Buffer.from(magic), 'the pickle wants 1 bytes, but only 0 follow'],
    ['photos.pt', zipOf([{ name: 'a.jpg', bytes: Buffer.from('x') }]), 'is not a file of tensors that can be read (safetensors, npz, PyTorch'],
    ['log.txt', '{"epoch": 1, "loss": 2}\n', 'is a JSON lines log, not'],
    ['notes.txt', 'hello', 'is not a file of tensors that can be read'],
    ['empty.bin', '', 'is not a file of tensors that can be read'],
    ['x.pt', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n', 'is a Git LFS pointer'],
  ])('says what %s is instead', async (name, bytes, reason) => {
    const error = await failure(openTensors(put(name, bytes), registry, { name: `run/${name}` }));
    expect(error.file).toBe(`run/${name}`);
    expect(error.reason).toContain(reason);
  });
});

describe('PyTorch files', () => {
  const identify = (name: string, head: Uint8Array) => registry.identify({ name, head, size: head.length })?.id;

  it('are known by their bytes and their names together', () => {
    expect(identify('model.pt', torch)).toBe('torchZip');
    expect(identify('checkpoint_0009.pth.tar', torch)).toBe('torchZip');
    expect(identify('old.bin', Buffer.from(magic))).toBe('torchPickle');
    expect(identify('model.pt', Buffer.from('just some text'))).toBeUndefined();
    expect(identify('vocab.bin', Buffer.from([1, 2, 3]))).toBeUndefined();
    expect(identify('photos.zip', torch)).toBeUndefined();
    expect(identify('photos.pt', zipOf([{ name: 'a.jpg', bytes: Buffer.from('x') }]))).toBeUndefined();
  });
});

describe('the name of a file of tensors', () => {
  it('tells checkpoints from data sets', () => {
    expect(['epoch_3.pt', 'anything.pth', 'best.h5', 'pytorch_model.bin', 'last.ckpt'].filter(isCheckpointName)).toHaveLength(5);
    expect(['data.pt', 'vocab.bin', 'features.h5', 'dataset.onnx'].filter(isCheckpointName)).toEqual([]);
  });
});
