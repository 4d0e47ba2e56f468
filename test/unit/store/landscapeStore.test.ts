import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LandscapeStore, type LandscapeHeader } from '../../../src/store';

const header: LandscapeHeader = {
  landscape: 'abc', name: 'run/a.pt', files: ['a.pt'], versions: ['sha1:1'], epoch: 1, step: null, model: 'ViT', method: 1,
  setting: { loss: 'mae', images: 2, data: 'images', seed: 0, range: 1, directions: 'random' },
};

describe('LandscapeStore', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'layerscope-landscapes-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('keeps points for the next one, with the header once', async () => {
    const store = new LandscapeStore(path.join(folder, 'new'));
    await store.append(header, { landscape: 'abc', x: 0, y: 0, loss: 1.5 });
    await store.append(header, { landscape: 'abc', x: 0.1 + 0.2, y: -1, loss: null });
    const next = new LandscapeStore(path.join(folder, 'new'));
    await next.refresh();
    expect(next.lossAt('abc', 0, 0)).toBe(1.5);
    expect(next.lossAt('abc', 0.3, -1)).toBeNull();
    expect(next.lossAt('abc', 1, 1)).toBeUndefined();
    expect(next.lossAt('other', 0, 0)).toBeUndefined();
    await next.append(header, { landscape: 'abc', x: 1, y: 1, loss: 2 });
    const lines = (await readFile(path.join(folder, 'new', 'landscapes.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => 'setting' in (JSON.parse(line) as object))).toEqual([true, false, false, false]);
  });

  it('tells the loss of a checkpoint from that of the point of the plane where it lies', async () => {
    const store = new LandscapeStore(null);
    await store.append(header, { landscape: 'abc', x: 1, y: 2, loss: 3, checkpoint: 'sha1:1' });
    expect(store.lossAt('abc', 1, 2)).toBeUndefined();
    expect(store.lossAt('abc', 1, 2, 'sha1:1')).toBe(3);
  });

  it('names lines that are broken, and takes the rest', async () => {
    const file = path.join(folder, 'landscapes.jsonl');
    const broken = ['[1]', '{"landscape": 1}', '{"landscape": "abc", "x": "0", "y": 0, "loss": 1}', '{"landscape": "abc", "x": 0, "y": 0, "loss": "high"}', '{"landscape": "abc", "setting": 1}', 'text'];
    await appendFile(file, `${broken.join('\n')}\n{"landscape": "abc", "x": 0, "y": 0, "loss": 4}\n`);
    const store = new LandscapeStore(folder);
    await store.refresh();
    expect(store.lossAt('abc', 0, 0)).toBe(4);
    expect(store.problems.map(({ place }) => place)).toEqual(broken.map((_, line) => `line ${line + 1}`));
    expect(store.problems.map(({ reason }) => reason).join('\n')).toContain('"loss" is neither a number nor null');
  });

  it('says once that it cannot write, and keeps points in memory', async () => {
    await appendFile(path.join(folder, 'file'), '');
    const store = new LandscapeStore(path.join(folder, 'file'));
    await store.append(header, { landscape: 'abc', x: 0, y: 0, loss: 1 });
    await store.append(header, { landscape: 'abc', x: 1, y: 0, loss: 2 });
    expect(store.lossAt('abc', 1, 0)).toBe(2);
    expect(store.problems).toHaveLength(1);
  });
});
