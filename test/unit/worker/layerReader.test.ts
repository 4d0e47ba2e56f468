import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { metricsOfBothParts, metricsOfDeepest, metricsOfPrevious } from '../../../src/metrics';
import { LayerReader } from '../../../src/worker/layerReader';
import { writeProbe } from './writeProbe';

let folder: string;
let file: string;
let reader: LayerReader;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'layerscope-reader-'));
  file = path.join(folder, 'epoch=2.safetensors');
  await writeProbe(file, { epoch: 2 });
  reader = new LayerReader();
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

const read = (layer = 'block0', part: 'train' | 'held_out' = 'train', metrics: readonly string[] = ['rankme'], previous: string | null = null) =>
  reader.read({ file, layer, previous: previous === null ? null : { file: previous, fileVersion: '', fingerprint: 'sha1:before' } }, part, metrics, () => undefined);

it('reads a layer once for all units of it, and lets go of what hangs on one part when the next begins', async () => {
  const one = await read();
  expect(one.layer).toBe('block0');
  expect(await read('block0', 'train', ['alignment'])).toBe(one);
  const other = await read('block0', 'held_out');
  expect(other).not.toBe(one);
  expect(other.features.data).not.toEqual(one.features.data);
  expect((await read('block1')).layer).toBe('block1');
  expect((await read()).features).not.toBe(one.features);
});

it('reads the rows of one part, and of both where samples are labelled and a metric of the task learns from the training part', async () => {
  const task = { file, layer: 'block0', previous: null, metrics: ['rankme', ...metricsOfBothParts] };
  const part = await reader.read(task, 'held_out', ['rankme'], () => undefined);
  expect([part.features.rows, part.firstRow]).toEqual([64, 64]);
  const withoutMemory = await reader.read(task, 'held_out', metricsOfBothParts, () => undefined);
  expect(withoutMemory.features, 'read once').toBe(part.features);
  expect(withoutMemory, 'what others keep of the part is let go').not.toBe(part);
  await writeProbe(file, { epoch: 2, isLabelled: true });
  const both = await reader.read(task, 'held_out', ['rankme'], () => undefined);
  expect([both.features.rows, both.firstRow]).toEqual([128, 0]);
  expect((await reader.read(task, 'train', metricsOfBothParts, () => undefined)).features).toBe(both.features);
  expect((await read('block0', 'train')).features).toBe(both.features);
});

it('reads a file anew that was rewritten', async () => {
  const one = await read();
  await writeProbe(file, { epoch: 2, seed: 77 });
  const two = await read();
  expect(two.features.data).not.toEqual(one.features.data);
});

it('adds the deepest layer where it is needed, read once for all layers; of the deepest itself it is null', async () => {
  expect((await read()).deepest).toBeUndefined();
  const one = await read('block0', 'train', metricsOfDeepest);
  expect(one.deepest?.layer).toBe('block2');
  const two = await read('block1', 'train', metricsOfDeepest);
  expect(two.deepest).toBe(one.deepest);
  expect((await read('block1', 'held_out', metricsOfDeepest)).deepest?.layer).toBe('block2');
  expect((await read('block2', 'train', metricsOfDeepest)).deepest).toBeNull();
});

it('adds the same layer of the earlier probe, or says why there is none', async () => {
  const earlier = path.join(folder, 'epoch=1.safetensors');
  await writeProbe(earlier, { epoch: 1, layers: ['block0', 'block2'] });
  expect((await read('block0', 'train', metricsOfPrevious)).previous).toBeNull();
  expect((await read('block0', 'train', metricsOfPrevious, earlier)).previous).toMatchObject({ since: 'sha1:before', layer: { layer: 'block0' }, reason: '' });
  expect((await read('block0')).previous).toBeUndefined();
  const { previous } = await read('block1', 'train', metricsOfPrevious, earlier);
  expect(previous).toMatchObject({ since: 'sha1:before', layer: null, reason: expect.stringMatching(/cannot be read from the earlier checkpoint .*tensor block1/) });
  await writeFile(earlier, 'nothing');
  expect((await read('block0', 'train', metricsOfPrevious, earlier)).previous?.reason).toMatch(/cannot be read/);
});

it('lets go of the layer when nothing follows for a while', async () => {
  const one = await read();
  vi.useFakeTimers();
  reader.rest();
  vi.advanceTimersByTime(400);
  vi.useRealTimers();
  expect(await read()).toBe(one);
  vi.useFakeTimers();
  reader.rest();
  vi.advanceTimersByTime(600);
  vi.useRealTimers();
  const again = await read();
  expect(again.features).not.toBe(one.features);
  expect(again.features.data).toEqual(one.features.data);
});

it('stops between reads when the task was cancelled', async () => {
  const cancelled = reader.read({ file, layer: 'block0', previous: null }, 'train', [], () => {
    throw new Error('cancelled');
  });
  await expect(cancelled).rejects.toThrow('cancelled');
});

it('stops reading as soon as the measurement is cancelled, and reads the layer the next time', async () => {
  let calls = 0;
  const cancelled = new Error('cancelled');
  const stopAt = (call: number) => () => {
    calls += 1;
    if (calls === call) throw cancelled;
  };
  await reader.read({ file, layer: 'block0', previous: null }, 'train', ['rankme'], stopAt(-1));
  const needed = calls;
  for (let call = 1; call <= needed; call += 1) {
    calls = 0;
    const other = new LayerReader();
    await expect(other.read({ file, layer: 'block0', previous: null }, 'train', ['rankme'], stopAt(call))).rejects.toBe(cancelled);
    expect(calls).toBe(call);
    calls = -needed - 1;
    expect((await other.read({ file, layer: 'block0', previous: null }, 'train', ['rankme'], stopAt(call))).layer).toBe('block0');
  }
  expect(needed).toBeGreaterThan(4);
});
