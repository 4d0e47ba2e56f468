import { fork } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RecordStore } from '../../../src/store';
import { ofTraining } from './ofTraining';
import { record } from './records';
import { processorTime } from '../processorTime';

let folder: string;
const file = (name = 'records.jsonl'): string => path.join(folder, name);
const storeAt = (place = folder): RecordStore => new RecordStore({ read: [place], write: [place] });

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'layerscope-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function reopened(): Promise<RecordStore> {
  const store = storeAt();
  await store.refresh();
  return store;
}

describe('the record store', () => {
  it('reads back what it wrote', async () => {
    const records = [record(), record({ metric: 'alignment', value: null, warnings: ['one view'] }), record({ split: 'gap', value: 0.25 })];
    await storeAt().append(records);
    expect((await reopened()).all()).toEqual(records);
  });

  it('writes each record once when several layers finish at the same moment', async () => {
    const store = storeAt();
    await Promise.all(['a', 'b', 'c', 'd'].map((layer) => store.append([record({ layer })])));
    expect((await readFile(file(), 'utf8')).split('\n')).toHaveLength(4 + 1);
  });

  it('keeps one record a key, the later one', async () => {
    const store = storeAt();
    await store.append([record({ value: 1 })]);
    await store.append([record({ value: 2 })]);
    expect(store.all()).toEqual([record({ value: 2 })]);
    expect((await reopened()).all()).toEqual([record({ value: 2 })]);
  });

  it.each([
    ['method', { method: 2 }], ['option', { options: { eps2: 0.1 } }], ['seed', { seed: 3 }], ['content', { sourceVersion: 'sha256:two' }],
    ['split', { split: 'held_out' }], ['layer', { layer: 'block1' }], ['metric', { metric: 'alignment' }],
  ] as const)('keeps records of another %s apart', async (_what, change) => {
    const store = storeAt();
    await store.append([record(), record(change)]);
    expect(store.all()).toHaveLength(2);
  });

  it('knows a copied file by its content', async () => {
    const store = storeAt();
    await store.append([record(), record({ source: 'copy.safetensors', run: 'another name' })]);
    expect(store.all()).toEqual([record({ source: 'copy.safetensors', run: 'another name' })]);
  });

  it('does not care about the order of options', async () => {
    const store = storeAt();
    await store.append([record({ options: { k: 3, eps2: 0.5 } }), record({ options: { eps2: 0.5, k: 3 } })]);
    expect(store.all()).toHaveLength(1);
  });

  it('keeps what a training recorded at each moment, and in each way', async () => {
    const records = [ofTraining(1), ofTraining(2), ofTraining(2, { options: { eps2: 0.1 } })];
    await storeAt().append([...records, record()]);
    const store = await reopened();
    expect(store.ofTraining()).toEqual(records);
    await storeAt().append([ofTraining(2, { value: 5 })]);
    expect([...(await store.refresh())]).toEqual(['training:2:200']);
    expect(store.ofTraining().map(({ value }) => value)).toEqual([12.5, 5, 12.5]);
  });

  it('takes a file that is called training for a file', async () => {
    await storeAt().append([record({ source: 'training' }), record({ source: 'training', sourceVersion: '' })]);
    expect((await reopened()).ofTraining()).toHaveLength(1);
  });

  it('says which contents changed on disk since the last look, and only those', async () => {
    const store = await reopened();
    await storeAt().append([record(), record({ sourceVersion: 'sha256:two' })]);
    expect([...(await store.refresh())].sort()).toEqual(['sha256:one', 'sha256:two']);
    await storeAt().append([record(), record({ sourceVersion: 'sha256:two', value: 3 })]);
    expect([...(await store.refresh())]).toEqual(['sha256:two']);
    expect([...(await store.refresh())]).toEqual([]);
  });

  it('counts what others have added since the first look, and neither its own records nor those of a training', async () => {
    await storeAt().append([record()]);
    const store = await reopened();
    await store.append([record({ layer: 'own' })]);
    await storeAt().append([ofTraining(1)]);
    await store.refresh();
    expect(store.addedByOthers).toBe(0);
    await storeAt().append([record({ layer: 'theirs' }), record({ layer: 'own' })]);
    await store.append([record({ layer: 'own again' })]);
    await store.refresh();
    // Its own line behind theirs is read, too: it can only be because there are theirs.
    expect(store.addedByOthers).toBe(3);
    await store.refresh();
    expect(store.addedByOthers).toBe(3);
  });

  it('drops a torn last line and writes on behind it', async () => {
    await storeAt().append([record()]);
    await appendFile(file(), JSON.stringify(record({ layer: 'torn' })).slice(0, 40));
    const store = await reopened();
    expect(store.all()).toEqual([record()]);
    expect(store.problems).toEqual([]);
    await store.append([record({ layer: 'torn', value: 7 })]);
    const again = await reopened();
    expect(again.all()).toEqual([record(), record({ layer: 'torn', value: 7 })]);
    expect(again.problems).toEqual([]);
  });

  it('reads a last line once its rest has arrived', async () => {
    const line = `${JSON.stringify(record())}\n`;
    await writeFile(file(), line.slice(0, 50));
    const store = await reopened();
    expect(store.all()).toEqual([]);
    await appendFile(file(), line.slice(50));
    await store.refresh();
    expect(store.all()).toEqual([record()]);
  });

  it('tells of broken lines in the middle with their numbers and keeps the rest', async () => {
    const broken = { ...record(), value: 'high' };
    await writeFile(file(), [JSON.stringify(record()), '{"run": 1', JSON.stringify(broken), '', JSON.stringify(record({ layer: 'block9' })), ''].join('\n'));
    const store = await reopened();
    expect(store.all().map(({ layer }) => layer)).toEqual(['block0', 'block9']);
    expect(store.problems.map(({ place }) => place)).toEqual(['line 2', 'line 3']);
    expect(store.problems[1]).toMatchObject({ file: file(), reason: expect.stringContaining('"value" is "high"') });
  });

  it('loses no line and mixes none when several processes append at once', async () => {
    const script = path.join(folder, 'writer.mjs');
    await build({ entryPoints: [path.join(import.meta.dirname, 'appendMany.ts')], bundle: true, platform: 'node', format: 'esm', outfile: script });
    const place = path.join(folder, 'shared');
    const writers = ['a', 'b', 'c'].map(
      (name) => new Promise<number | null>((resolve) => fork(script, [place, name, '60']).once('exit', resolve)),
    );
    expect(await Promise.all(writers)).toEqual([0, 0, 0]);
    const store = storeAt(place);
    await store.refresh();
    expect(store.problems).toEqual([]);
    expect(store.all()).toHaveLength(3 * 60 * 3);
    expect((await readFile(path.join(place, 'records.jsonl'), 'utf8')).split('\n')).toHaveLength(3 * 60 * 3 + 1);
  });

  it('reads all places and the files of shards, and writes to the first', async () => {
    const run = path.join(folder, 'run');
    const storage = path.join(folder, 'storage');
    await new RecordStore({ read: [], write: [run], fileName: 'records-shard-1-of-2.jsonl' }).append([record({ layer: 'one' })]);
    await new RecordStore({ read: [], write: [run], fileName: 'records-shard-2-of-2.jsonl' }).append([record({ layer: 'two' })]);
    await storeAt(storage).append([record({ layer: 'three' })]);
    await writeFile(path.join(run, 'other.jsonl'), 'not ours\n');
    const store = new RecordStore({ read: [storage, run], write: [storage, run] });
    await store.refresh();
    expect(store.all().map(({ layer }) => layer).sort()).toEqual(['one', 'three', 'two']);
    await store.append([record({ layer: 'four' })]);
    expect(await readFile(path.join(storage, 'records.jsonl'), 'utf8')).toContain('"four"');
  });

  it('writes to the next place and says so when the first cannot be written', async () => {
    const blocked = path.join(folder, 'file', 'records');
    await writeFile(path.join(folder, 'file'), 'a file where a folder should be');
    const store = new RecordStore({ read: [blocked, folder], write: [blocked, folder] });
    await store.append([record()]);
    expect((await reopened()).all()).toEqual([record()]);
    expect(store.problems).toEqual([
      { file: path.join(blocked, 'records.jsonl'), place: '', reason: expect.stringMatching(/cannot be written.*ENOTDIR/), severity: 'warning' },
    ]);
    await rm(path.join(folder, 'file'));
    await store.append([record({ layer: 'block1' })]);
    expect(store.problems).toEqual([]);
    expect(await readFile(path.join(blocked, 'records.jsonl'), 'utf8')).toContain('"block1"');
  });

  it('keeps records in memory and says so when no place can be written, and saves them once one can', async () => {
    const place = path.join(folder, 'place');
    await writeFile(place, 'a file where a folder should be');
    const store = new RecordStore({ read: [place], write: [place] });
    await store.append([record()]);
    expect(store.all()).toEqual([record()]);
    expect(store.problems.map(({ severity }) => severity)).toContain('error');
    expect(store.problems.map(({ reason }) => reason).join()).toMatch(/cannot be written.*memory only/);
    await rm(place);
    await store.append([record({ layer: 'block1' })]);
    expect(store.problems).toEqual([]);
    const saved = storeAt(place);
    await saved.refresh();
    expect(saved.all()).toHaveLength(2);
  });

  it('reads a file anew when it was replaced', async () => {
    await storeAt().append([record(), record({ layer: 'block1' })]);
    const store = await reopened();
    await rm(file());
    await storeAt().append([record({ value: 99 })]);
    await store.refresh();
    expect(store.all().find(({ layer }) => layer === 'block0')?.value).toBe(99);
  });

  it('reads 100,000 records in slices that leave other work its turn', async () => {
    await mkdir(folder, { recursive: true });
    const lines = Array.from({ length: 100_000 }, (_, i) => JSON.stringify(record({ sourceVersion: `v${i % 50}`, layer: `layer${Math.floor(i / 50)}` })));
    await writeFile(file(), `${lines.join('\n')}\n`);
    const gaps: number[] = [];
    let last = processorTime();
    const timer = setInterval(() => {
      gaps.push(processorTime() - last);
      last = processorTime();
    }, 1);
    const store = await reopened();
    clearInterval(timer);
    expect(store.all()).toHaveLength(100_000);
    // The slowest turns are garbage collection and a busy machine; without slices there would be a single one of a second.
    expect(gaps.length).toBeGreaterThan(50);
    expect(gaps.sort((a, b) => a - b)[Math.floor(gaps.length * 0.9)]).toBeLessThan(50);
  });
});
