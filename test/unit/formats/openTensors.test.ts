import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFormatRegistry, openTensors, recognizeUnread } from '../../../src/formats';
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
    ['model.pt', torch, 'is a PyTorch file, not a file of tensors that can be read (safetensors, npz)'],
    ['old.pth', Buffer.from(magic), 'is a PyTorch file (legacy), not'],
    ['model.h5', Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]), 'is an HDF5 file, not'],
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

describe('checkpoints that are recognised but not read', () => {
  const recognise = (name: string, head: Uint8Array) => recognizeUnread({ name, head, size: head.length });

  it('are known by their bytes, not by their names', () => {
    expect(recognise('model.pt', torch)?.label).toBe('PyTorch file');
    expect(recognise('model.pt', Buffer.from('just some text'))).toBeNull();
    expect(recognise('vocab.bin', Buffer.from([1, 2, 3]))).toBeNull();
    expect(recognise('photos.zip', torch)).toBeNull();
    expect(recognise('photos.pt', zipOf([{ name: 'a.jpg', bytes: Buffer.from('x') }]))).toBeNull();
    expect(recognise('net.onnx', Buffer.from([0x08, 0x08, 0x12, 0x07]))?.label).toBe('ONNX model');
    expect(recognise('a.keras', zipOf([{ name: 'metadata.json', bytes: Buffer.from('{}') }]))?.label).toBe('Keras model');
  });

  it('make a run of their folder only when their name speaks for a checkpoint', () => {
    expect(recognise('epoch_3.pt', torch)?.isCheckpoint).toBe(true);
    expect(recognise('anything.pth', torch)?.isCheckpoint).toBe(true);
    expect(recognise('data.pt', torch)?.isCheckpoint).toBe(false);
  });
});
