import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFormatRegistry, FormatRegistry, type Sniff } from '../../../src/formats';
import { DiscoveryCache, discoverRuns, findRuns, type DiscoveryOptions } from '../../../src/runs';
import { asNobody } from '../asNobody';
import { fixture, npyOf, safetensorsBytes, safetensorsOf, zipOf } from '../formats/build';
import { processorTime } from '../processorTime';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'layerscope-runs-'));
  chmodSync(folder, 0o755);
});
afterEach(() => {
  chmodSync(folder, 0o755);
  rmSync(folder, { recursive: true, force: true });
});

function put(path: string, content: Uint8Array | string): string {
  const absolute = join(folder, path);
  mkdirSync(dirname(absolute), { recursive: true });
  writeFileSync(absolute, content);
  return absolute;
}

const log = '{"epoch": 0, "train_loss": 1.5}\n';
const torch = fixture('checkpoints/torch/torch-2.15/state_dict.pt');
const weights = safetensorsOf({ 'a.weight': { shape: [2, 3], values: [1, 2, 3, 4, 5, 6] }, 'a.bias': { shape: [2], values: [1, 2] } });
const features = safetensorsOf({ a: { shape: [2, 3], values: [1, 2, 3, 4, 5, 6] } });

async function find(options: DiscoveryOptions = {}) {
  const { runs, problems, complete } = await findRuns([{ name: 'work', path: folder }], options);
  const byName = Object.fromEntries(runs.map((run) => [run.name, run.files.map(({ kind, path }) => `${kind} ${path}`)]));
  return { runs, problems, complete, byName };
}

describe('finding runs', () => {
  it('gathers log, probes and checkpoints in the usual folders into one run', async () => {
    put('exp/log.txt', log);
    put('exp/probes/epoch=0010.safetensors', features);
    put('exp/probes/epoch=0002.safetensors', features);
    put('exp/checkpoints/checkpoint0040.pth', torch);
    put('exp/config.json', '{"lr": 0.1}');
    const { runs, problems, byName } = await find();
    expect(byName).toEqual({
      exp: ['checkpoint checkpoints/checkpoint0040.pth', 'log log.txt', 'probe probes/epoch=0002.safetensors', 'probe probes/epoch=0010.safetensors'],
    });
    expect(problems).toEqual([]);
    expect(runs[0]).toMatchObject({ folder: join(folder, 'exp'), id: expect.stringMatching(/^[0-9a-f]{16}$/) as string, problems: [] });
    expect(runs[0]?.files.map(({ format, epoch, formatId }) => [format, epoch, formatId])).toEqual([
      ['PyTorch checkpoint', 40, 'torchZip'],
      ['JSON lines log', null, 'jsonLines'],
      ['safetensors probe', 2, 'safetensors'],
      ['safetensors probe', 10, 'safetensors'],
    ]);
  });

  it('knows the layouts of Lightning, Hugging Face and Keras', async () => {
    put('lightning_logs/version_0/metrics.csv', fixture('logs/lightning-metrics.csv'));
    put('lightning_logs/version_0/checkpoints/epoch=3-step=900.ckpt', torch);
    put('lightning_logs/version_1/metrics.csv', fixture('logs/lightning-metrics.csv'));
    put('out/checkpoint-500/model.safetensors', weights);
    put('out/checkpoint-1000/model.safetensors', weights);
    put('keras/training.csv', fixture('logs/keras-training.csv'));
    const { runs, byName } = await find();
    expect(byName).toEqual({
      'lightning_logs/version_0': ['checkpoint checkpoints/epoch=3-step=900.ckpt', 'log metrics.csv'],
      'lightning_logs/version_1': ['log metrics.csv'],
      out: ['checkpoint checkpoint-500/model.safetensors', 'checkpoint checkpoint-1000/model.safetensors'],
      keras: ['log training.csv'],
    });
    const out = runs.find(({ name }) => name === 'out');
    expect(out?.files.map(({ epoch, step }) => [epoch, step])).toEqual([[null, 500], [null, 1000]]);
  });

  it('calls a run that is the searched folder by the name of the folder', async () => {
    put('log.txt', log);
    put('probes/a.safetensors', features);
    expect((await find()).byName).toEqual({ work: ['log log.txt', 'probe probes/a.safetensors'] });
  });

  it('makes the searched folder a run even when it is called probes', async () => {
    put('probes/a.safetensors', features);
    const { runs } = await findRuns([{ name: 'probes', path: join(folder, 'probes') }]);
    expect(runs.map(({ name }) => name)).toEqual(['probes']);
  });

  it('keeps runs inside a run apart', async () => {
    put('log.txt', log);
    put('ablation/log.txt', log);
    expect(Object.keys((await find()).byName).sort()).toEqual(['ablation', 'work']);
  });

  it('gives the same ids on every scan, and other ids for other folders', async () => {
    put('a/log.txt', log);
    put('b/log.txt', log);
    const ids = async () => (await find()).runs.map(({ id }) => id);
    const first = await ids();
    expect(new Set(first).size).toBe(2);
    expect(await ids()).toEqual(first);
  });
});

/** Ids of two rows, and no features. */
const withoutLayers = (metadata: Readonly<Record<string, string>>): Uint8Array =>
  safetensorsBytes(JSON.stringify({ __metadata__: metadata, sample_id: { dtype: 'I32', shape: [2], data_offsets: [0, 8] } }), new Uint8Array(8));

describe('telling probes from checkpoints', () => {
  it.each([
    ['somewhere/a.safetensors', safetensorsOf({ a: { shape: [2, 3], values: [1, 2, 3, 4, 5, 6] } }, { layerscope: '1' }), 'probe'],
    ['somewhere/a.safetensors', fixture('probes/probe.safetensors'), 'probe'],
    ['somewhere/a.npz', fixture('probes/views.npz'), 'probe'],
    ['x/features/a.safetensors', features, 'probe'],
    ['somewhere/a.safetensors', features, 'checkpoint'],
    ['somewhere/a.safetensors', weights, 'checkpoint'],
    ['exp/probes/recorded-without-layers.safetensors', withoutLayers({}), 'probe'],
    ['somewhere/recorded-without-layers.safetensors', withoutLayers({ layerscope: '1' }), 'probe'],
    ['somewhere/a.npz', fixture('probes/versions.npz'), 'checkpoint'],
    ['exp/probes/empty.npz', zipOf([]), 'probe'],
    ['exp/probes/empty.safetensors', safetensorsBytes({}), 'probe'],
    ['exp/checkpoints/empty.safetensors', safetensorsBytes({}), 'checkpoint'],
    ['exp/model.npz', zipOf([]), 'checkpoint'],
  ])('%s', async (path, bytes, kind) => {
    put(path, bytes);
    expect((await find()).runs[0]?.files[0]?.kind).toBe(kind);
  });

  it('says what is wrong with a file in its place, and keeps the others', async () => {
    put('exp/log.txt', log);
    put('exp/probes/bad.safetensors', safetensorsBytes('{}', new Uint8Array(0), 5000n));
    put('exp/probes/pointer.safetensors', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n');
    put('exp/empty.jsonl', '');
    put('exp/metrics.csv', '');
    const { runs } = await find();
    expect(runs[0]?.files.map(({ kind, path, problem }) => [kind, path, problem?.place, problem?.reason])).toEqual([
      ['log', 'log.txt', undefined, undefined],
      ['log', 'metrics.csv', '', 'is empty: nothing has been logged yet'],
      ['probe', 'probes/bad.safetensors', 'byte 0', expect.stringContaining('the header is said to be 5000 bytes long')],
      ['probe', 'probes/pointer.safetensors', '', expect.stringContaining('is a Git LFS pointer')],
    ]);
    expect(runs[0]?.files[2]?.problem?.file).toBe('probes/bad.safetensors');
  });
});

describe('a file without a single layer where one is recorded', () => {
  it.each([
    ['probes/epoch=1.npz', zipOf([]), '', 'is empty: it holds no tensor'],
    ['probes/epoch=1.safetensors', safetensorsBytes({ __metadata__: { epoch: '1' } }), '', 'is empty: it holds no tensor'],
    ['checkpoints/epoch=1.safetensors', safetensorsBytes({}), '', 'is empty: it holds no tensor'],
    ['probes/epoch=1.safetensors', withoutLayers({ layerscope: '1' }), '', 'holds no layer'],
    ['probes/epoch=1.npz', zipOf([{ name: 'a.npy', bytes: npyOf("'|O'", [1], new Uint8Array(8)) }]), 'tensor a', 'Python objects'],
    ['probes/epoch=1.npz', zipOf([{ name: 'a.npy', bytes: npyOf("'|i1'", [4, 2], new Uint8Array(8)) }]), 'tensor a', 'I8 of shape [4, 2] is no layer'],
    ['probes/epoch=1.safetensors', safetensorsOf({ a: { shape: [2, 3], values: [1, 2, 3, 4, 5, 6], dtype: 'I32' } }), 'tensor a', 'I32 of shape [2, 3] is no layer'],
    ['probes/epoch=1.npz', '', 'zip directory', 'not a zip file'],
    ['probes/epoch=1.safetensors', '', 'byte 0', 'the file has only 0'],
  ])('is a problem of its run: %s', async (name, content, place, reason) => {
    put('exp/log.txt', log);
    put(`exp/${name}`, content);
    const [run] = (await find()).runs;
    expect(run?.files.find(({ path }) => path === name)?.problem).toEqual({ file: name, place, reason: expect.stringContaining(reason) as string, severity: 'warning' });
  });

  it('that has weights or features is none', async () => {
    put('exp/probes/epoch=1.safetensors', features);
    put('exp/checkpoints/epoch=1.safetensors', weights);
    const [run] = (await find()).runs;
    expect(run?.files.map(({ problem, hint }) => [problem, hint])).toEqual([[null, undefined], [null, undefined]]);
  });
});

describe('what is no run', () => {
  it.each([
    ['ids.safetensors', withoutLayers({})],
    ['data.csv', 'id,height,width\n1,2,3\n'],
    ['package.json', '{"name": "x", "version": "1.0.0"}\n'],
    ['settings.json', '{"epoch": 1, "loss": 2}\n'],
    ['notes.txt', 'hello'],
    ['train.jsonl', '{"text": "a", "label": 1}\n'],
    ['vocab.bin', Buffer.from([1, 2, 3, 4])],
    ['dataset.h5', Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])],
    ['data.pt', torch],
    ['labels.npz', zipOf([])],
    ['counts.npz', zipOf([{ name: 'a.npy', bytes: npyOf("'|i1'", [4, 2], new Uint8Array(8)) }])],
    ['probes/order.npz', zipOf([{ name: 'a.npy', bytes: npyOf("'|i1'", [8], new Uint8Array(8)) }])],
  ])('a folder with %s', async (name, content) => {
    put(`some/${name}`, content);
    expect((await find()).runs).toEqual([]);
  });

  it('a file that speaks for little alone still belongs to a run that has a log', async () => {
    put('exp/log.txt', log);
    put('exp/data.pt', torch);
    expect((await find()).byName).toEqual({ exp: ['checkpoint data.pt', 'log log.txt'] });
  });

  it.each(['node_modules', '.git', '.venv', '__pycache__', '.layerscope', 'dist'])('anything in %s', async (name) => {
    put(`${name}/x/log.txt`, log);
    expect((await find()).runs).toEqual([]);
  });

  it('anything excluded by a pattern', async () => {
    put('old/a/log.txt', log);
    put('new/a/log.txt', log);
    put('new/b/scratch/log.txt', log);
    put('new/c/metrics.csv', 'epoch,loss\n0,1\n');
    expect(Object.keys((await find({ exclude: ['old/**', '**/scratch', '**/*.csv', ' ', ''] })).byName)).toEqual(['new/a']);
    expect(Object.keys((await find({ exclude: ['old/'] })).byName).sort()).toEqual(['new/a', 'new/b/scratch', 'new/c']);
  });
});

describe('links', () => {
  it.skipIf(process.platform === 'win32')('that lead back are not followed, those that lead out are', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'layerscope-scratch-'));
    try {
      writeFileSync(join(outside, 'epoch=1.safetensors'), features);
      symlinkSync(folder, join(outside, 'back'));
      put('exp/log.txt', log);
      symlinkSync(outside, join(folder, 'exp/probes'));
      symlinkSync(join(folder, 'exp'), join(folder, 'latest'));
      symlinkSync(folder, join(folder, 'exp/loop'));
      symlinkSync('/', join(folder, 'exp/everything'));
      symlinkSync('nowhere', join(folder, 'exp/dangling'));
      symlinkSync(join(folder, 'exp/log.txt'), join(folder, 'exp/train_log.txt'));
      const { byName, problems } = await find();
      expect(byName).toEqual({ exp: ['log log.txt', 'probe probes/epoch=1.safetensors'] });
      expect(problems).toEqual([]);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });
});

describe('limits of the search', () => {
  it('a depth, which is said once', async () => {
    put('a/b/log.txt', log);
    put('a/b/c/log.txt', log);
    put('a/b/d/log.txt', log);
    const { byName, problems, complete } = await find({ maximumDepth: 2 });
    expect(Object.keys(byName)).toEqual(['a/b']);
    expect(problems).toEqual([
      { file: join(folder, 'a/b/c'), place: '', reason: expect.stringContaining('2 folders lie deeper than 2 levels') as string, severity: 'info' },
    ]);
    expect(complete).toBe(true);
  });

  it('8 levels by default', async () => {
    put('1/2/3/4/5/6/7/8/log.txt', log);
    put('1/2/3/4/5/6/7/8/9/log.txt', log);
    expect(Object.keys((await find()).byName)).toEqual(['1/2/3/4/5/6/7/8']);
  });

  it('the entries of a folder', async () => {
    for (let i = 0; i < 30; i++) put(`data/${i}.dat`, '');
    put('exp/log.txt', log);
    const { byName, problems, complete } = await find({ entriesOfAFolder: 20 });
    expect(Object.keys(byName)).toEqual(['exp']);
    expect(problems).toMatchObject([{ file: join(folder, 'data'), reason: expect.stringContaining('1 folders have more than 20 entries') as string }]);
    expect(complete).toBe(true);
  });

  it('all entries together', async () => {
    for (let i = 0; i < 30; i++) put(`data${i}/x.dat`, '');
    const { problems, complete } = await find({ entries: 40 });
    expect(problems).toMatchObject([{ severity: 'warning', reason: expect.stringContaining('stopped here after 40 files and folders') as string }]);
    expect(complete).toBe(false);
  });

  it('time', async () => {
    put('a/log.txt', log);
    put('b/log.txt', log);
    let now = 0;
    const { problems, complete } = await find({ longest: 5000, now: () => (now += 2000) });
    expect(problems).toMatchObject([{ reason: expect.stringContaining('stopped here after 5 seconds') as string }]);
    expect(complete).toBe(false);
  });

  it('files that look like logs by name only', async () => {
    for (let i = 0; i < 250; i++) put(`labels/${i}.csv`, 'a,b\n1,2\n');
    put('labels/metrics.csv', 'epoch,loss\n0,1\n');
    put('other/log.txt', log);
    const opened = countOpened();
    const { byName, problems } = await find({ registry: opened.registry });
    // metrics.csv is looked at first: a likely name is not lost among the others.
    expect(byName).toEqual({ labels: ['log metrics.csv'], other: ['log log.txt'] });
    rmSync(join(folder, 'labels/metrics.csv'));
    opened.names.length = 0;
    const without = await find({ registry: opened.registry });
    expect(opened.names.filter((name) => name.endsWith('.csv'))).toHaveLength(200);
    expect(problems).toEqual([]);
    expect(without.problems).toMatchObject([{ file: join(folder, 'labels'), severity: 'info', reason: expect.stringContaining('more than 200 files that look like logs') as string }]);
  });

  it('ends when it is cancelled', async () => {
    put('a/log.txt', log);
    const signal = AbortSignal.abort(new Error('cancelled'));
    await expect(find({ signal })).rejects.toThrow('cancelled');
  });
});

describe('folders that cannot be searched', () => {
  it.skipIf(process.platform === 'win32')('are reported with the reason, and the rest is found', async () => {
    put('a/log.txt', log);
    put('secret/log.txt', log);
    put('exp/log.txt', log);
    put('exp/probes/a.safetensors', features);
    chmodSync(join(folder, 'secret'), 0o000);
    chmodSync(join(folder, 'exp/probes'), 0o000);
    const { byName, problems, runs } = await asNobody(() => find());
    expect(byName).toEqual({ a: ['log log.txt'], exp: ['log log.txt'] });
    expect(problems).toEqual([{ file: join(folder, 'secret'), place: '', reason: 'no permission to look into this folder', severity: 'warning' }]);
    expect(runs.find(({ name }) => name === 'exp')?.problems).toEqual([
      { file: 'probes', place: '', reason: 'no permission to look into this folder', severity: 'warning' },
    ]);
    chmodSync(join(folder, 'secret'), 0o755);
    chmodSync(join(folder, 'exp/probes'), 0o755);
  });

  it.skipIf(process.platform === 'win32')('a file without permission is reported in its run', async () => {
    put('exp/log.txt', log);
    chmodSync(put('exp/metrics.csv', 'epoch,loss\n0,1\n'), 0o000);
    const { runs } = await asNobody(() => find());
    expect(runs[0]?.problems).toEqual([{ file: 'metrics.csv', place: '', reason: 'no permission to read it', severity: 'warning' }]);
  });

  it('a searched folder that does not exist is reported', async () => {
    const { problems, complete } = await findRuns([{ name: 'x', path: join(folder, 'none') }]);
    expect(problems).toMatchObject([{ file: join(folder, 'none'), reason: 'does not exist (any more)' }]);
    expect(complete).toBe(false);
  });
});

describe('searching again', () => {
  it('opens only what changed', async () => {
    const logPath = put('exp/log.txt', log);
    const probePath = put('exp/probes/a.safetensors', features);
    put('exp/notalog.csv', 'a,b\n');
    const opened = countOpened();
    const cache = new DiscoveryCache();
    const options = { cache, registry: opened.registry };
    const first = await find(options);
    expect(new Set(opened.names)).toEqual(new Set(['log.txt', 'a.safetensors', 'notalog.csv']));
    opened.names.length = 0;
    writeFileSync(logPath, log + log);
    expect((await find(options)).byName).toEqual(first.byName);
    expect(opened.names).toEqual([]);
    writeFileSync(probePath, features);
    utimesSync(probePath, 5, 5);
    await find(options);
    expect(new Set(opened.names)).toEqual(new Set(['a.safetensors']));
    rmSync(probePath);
    expect((await find(options)).byName).toEqual({ exp: ['log log.txt'] });
    expect(cache.size).toBe(2);
  });
});

describe('10,000 files that are none of ours', () => {
  it('are passed over quickly and without being opened', async () => {
    for (let i = 0; i < 100; i++) {
      mkdirSync(join(folder, `class${i}`));
      for (let j = 0; j < 100; j++) writeFileSync(join(folder, `class${i}/img_${j}.jpg`), '');
    }
    put('class50/exp/log.txt', log);
    const opened = countOpened();
    const started = processorTime();
    let entries = 0;
    const names: string[] = [];
    for await (const found of discoverRuns({ name: 'work', path: folder }, { registry: opened.registry })) {
      if (found.kind === 'run') names.push(found.run.name);
      if (found.kind === 'end') entries = found.entries;
    }
    expect(names).toEqual(['class50/exp']);
    expect(entries).toBe(10_102);
    expect(opened.names).toEqual(['log.txt']);
    expect(processorTime() - started).toBeLessThan(3000);
  });
});

/** A registry that notes which files had their bytes looked at. */
function countOpened(): { readonly registry: FormatRegistry; readonly names: string[] } {
  const names: string[] = [];
  class NotingRegistry extends FormatRegistry {
    override identify(sniff: Sniff) {
      names.push(sniff.name);
      return super.identify(sniff);
    }
  }
  return { registry: new NotingRegistry(createFormatRegistry().formats), names };
}
