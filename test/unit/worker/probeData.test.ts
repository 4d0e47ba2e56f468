import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MeasureProgress, type ProbeData, probeDataDefaults, type WorkerSettings } from '../../../src/protocol';
import { WorkerClient } from '../../../src/worker';
import { repository } from '../cli/commandLine';
import { until, View } from '../monitor/watching';
import { bundleWorker } from './bundleWorker';
import { writeImages } from './imageArray';
import { writeProbe } from './writeProbe';

const fixture = (step: number) => path.join(repository, `test/fixtures/landscape/mae-step${step}.pt`);
const checkpoint = (step: number) => `checkpoints/step=${String(step)}.pt`;
const data: ProbeData = { ...probeDataDefaults, train: '../seen.npy', heldOut: '../unseen.npy', samples: 12, views: 4, heads: 2, decoderHeads: 2 };

let bundle: Awaited<ReturnType<typeof bundleWorker>>;
let folder: string;
let client: WorkerClient;
let view: View;
let progress: (MeasureProgress | null)[];

beforeAll(async () => {
  bundle = await bundleWorker();
});
afterAll(() => bundle.remove());

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'layerscope-probe-data-'));
  await mkdir(path.join(folder, 'run/checkpoints'), { recursive: true });
  for (const step of [15, 60]) await copyFile(fixture(step), path.join(folder, 'run', checkpoint(step)));
  await writeImages(path.join(folder, 'seen.npy'), { count: 20, channels: 1, side: 8 });
  await writeImages(path.join(folder, 'unseen.npy'), { count: 20, channels: 1, side: 8, first: 5_000 });
  connect();
});
afterEach(async () => {
  await client.stop();
  client.dispose();
  await rm(folder, { recursive: true, force: true });
});

function connect(): void {
  progress = [];
  client = new WorkerClient({ workerPath: bundle.workerPath });
  client.listen({ runChanged: (delta) => view?.apply(delta), progressChanged: (now) => progress.push(now) });
}

async function open(change: Partial<WorkerSettings> = {}): Promise<string> {
  client.use();
  const settings: WorkerSettings = {
    measureAutomatically: true, eps2: 0.5, seed: 0, threads: 2, engine: 'auto', resultsLocation: 'workspaceStorage', storageFolder: path.join(folder, 'storage'),
    exclude: ['storage'], maximumDepth: 6, pollInterval: 200, metrics: ['Memorization'], measureWeights: false, ...change,
  };
  const [run] = (await client.watch([{ name: 'workspace', path: folder }], settings)).filter(({ name }) => name === 'run');
  if (run === undefined) throw new Error('no run was found');
  view = new View(await client.openRun(run.id));
  return run.id;
}

const extracted = () => view.run.files.filter(({ kind, path: name }) => kind === 'probe' && name.startsWith('.layerscope/features/'));
const haveRecords = (steps: readonly number[]) =>
  extracted().length === steps.length && extracted().every(({ state }) => state === 'measured') && steps.every((step) => extracted().some((file) => file.step === step));
const problems = () => view.run.problems.filter(({ severity }) => severity !== 'info');
const files = async (): Promise<string[]> =>
  (await readdir(path.join(folder, 'storage'), { recursive: true })).filter((name) => name.endsWith('.safetensors')).map((name) => path.basename(name)).sort();

describe('a run with checkpoints and chosen images, but without probes', { timeout: 180_000 }, () => {
  it('has its features taken by its own models and measured: records of both parts and the gap between them', async () => {
    // Written last, but no model.
    await copyFile(path.join(repository, 'test/fixtures/checkpoints/huggingface/trainer/checkpoint-20/optimizer.pt'), path.join(folder, 'run/checkpoints/optimizer-step=90.pt'));
    const run = await open();
    expect(await client.probeData(run)).toBeNull();
    await client.setProbeData(run, data);
    expect(await client.probeData(run)).toEqual(data);
    await until('both checkpoints are measured', () => haveRecords([15, 60]), 60_000);
    const rates = view.records.filter(({ metric, layer, step }) => metric === 'coding_rate' && layer === 'blocks.0' && step === 60);
    expect(rates.map(({ split }) => split).sort()).toEqual(['gap', 'held_out', 'train']);
    expect(rates.every(({ value, views, source }) => Number.isFinite(value) && views === 4 && source.startsWith('.layerscope/features/checkpoints/step=60.pt.'))).toBe(true);
    expect(rates.map(({ n }) => n).sort((a, b) => a - b)).toEqual([48, 48, 96]);
    expect(view.layers).toEqual(['blocks.0', 'norm']);
    expect(extracted().map(({ format }) => format).sort()).toEqual(['features of checkpoints/step=15.pt', 'features of checkpoints/step=60.pt']);
    expect(progress.some((now) => /^features of checkpoints\/step=\d+\.pt/.test(now?.current ?? ''))).toBe(true);
    expect(problems()).toEqual([]);
  });

  it('remembers across a restart what was chosen and what was taken', async () => {
    const run = await open();
    await client.setProbeData(run, data);
    await until('both checkpoints are measured', () => haveRecords([15, 60]), 60_000);
    const [kept, records] = [await files(), view.records.length];
    await client.stop();
    client.dispose();
    connect();
    await open();
    expect(await client.probeData(run)).toEqual(data);
    await until('all is there again', () => haveRecords([15, 60]) && view.records.length === records, 60_000);
    expect(await files()).toEqual(kept);
    expect(progress.some((now) => now?.current.startsWith('features of'))).toBe(false);
  });

  it('takes features anew of a checkpoint that is written anew, and when other images are chosen; the old ones are void and gone', async () => {
    const run = await open();
    await client.setProbeData(run, data);
    await until('both checkpoints are measured', () => haveRecords([15, 60]), 60_000);
    const before = await files();
    await copyFile(fixture(30), path.join(folder, 'run', 'new.part'));
    await rename(path.join(folder, 'run', 'new.part'), path.join(folder, 'run', checkpoint(60)));
    const of60 = (names: readonly string[]) => names.filter((name) => name.startsWith('step=60'));
    await until('the new checkpoint is measured', () => extracted().length === 2 && extracted().every(({ state, path: name }) => state === 'measured' && !name.endsWith(of60(before)[0]!)), 60_000);
    const between = await files();
    expect(between).toHaveLength(2);
    expect(of60(between)).not.toEqual(of60(before));
    await client.setProbeData(run, { ...data, samples: 8 });
    await until('the smaller choice is measured', () => extracted().length === 2 && extracted().every(({ state }) => state === 'measured') && view.records.some(({ n }) => n === 32), 60_000);
    expect(view.records.every(({ n, split }) => split === null || n === (split === 'gap' ? 64 : 32))).toBe(true);
    expect(await files()).toHaveLength(2);
    await client.setProbeData(run, null);
    await until('nothing is shown any more', () => extracted().length === 0 && view.records.length === 0);
    expect(await files()).toEqual([]);
    expect(await client.probeData(run)).toBeNull();
  });

  it('leaves a checkpoint alone that a probe was recorded at', async () => {
    const run = await open();
    await writeProbe(path.join(folder, 'run/probes/step=60.safetensors'), { epoch: 6, isPlaced: false });
    await until('the probe is measured', () => view.state('probes/step=60.safetensors') === 'measured', 60_000);
    await client.setProbeData(run, data);
    await until('the other one is measured', () => haveRecords([15]), 60_000);
    expect(extracted()).toHaveLength(1);
  });

  it('refuses what cannot work, with file and reason, and remembers nothing', async () => {
    const run = await open();
    const refused = async (change: Partial<ProbeData>) => {
      const error: unknown = await client.setProbeData(run, { ...data, ...change }).then(() => null, (reason: unknown) => reason);
      return error instanceof Error ? error.message : String(error);
    };
    expect(await refused({ train: '../nothing' })).toMatch(/nothing: .*(not there|no such|does not exist)/i);
    expect(await refused({ heads: null })).toMatch(/^checkpoints\/step=60\.pt: its model cannot be run: .*heads/);
    expect(await refused({ heldOut: '../seen.npy' })).toMatch(/seen\.npy: is named for the images that were trained on and for those that were not/);
    expect(await refused({ samples: 0 })).toMatch(/"samples": is 0, expected a whole number from 1/);
    expect(await refused({ graph: '../seen.npy' })).toMatch(/seen\.npy: is a .* file; the graph of a model is an ONNX export/);
    expect(await client.probeData(run)).toBeNull();
  });

  it('tells of a checkpoint that does not fit, at that file, and goes on with the others', async () => {
    await copyFile(path.join(repository, 'test/fixtures/landscape/with-loss.pt'), path.join(folder, 'run', checkpoint(20)));
    const run = await open();
    await client.setProbeData(run, data);
    await until('the others are measured', () => haveRecords([15, 60]), 60_000);
    await until('it is told', () => problems().length > 0);
    expect(problems()).toMatchObject([{ file: checkpoint(20), severity: 'error' }]);
    expect(problems()[0]!.reason).toMatch(/^its model cannot be run: .*tensors do not fit/);
  });

  it('tells once of images that are gone, and goes on when they are back and it is asked', async () => {
    const run = await open({ measureAutomatically: false });
    await client.setProbeData(run, data);
    await rename(path.join(folder, 'seen.npy'), path.join(folder, 'aside.npy'));
    await client.measure(run, { again: false });
    await until('it is told', () => problems().length > 0);
    await until('nothing is at work', () => (progress.at(-1) ?? null) === null);
    expect(problems()).toMatchObject([{ file: path.join(folder, 'seen.npy'), severity: 'error' }]);
    await rename(path.join(folder, 'aside.npy'), path.join(folder, 'seen.npy'));
    await client.measure(run, { again: false });
    await until('both checkpoints are measured', () => haveRecords([15, 60]), 60_000);
    expect(problems()).toEqual([]);
  });

  it('can be cancelled; what is asked for goes on', async () => {
    await writeImages(path.join(folder, 'seen.npy'), { count: 4_000, channels: 1, side: 8 });
    const run = await open();
    await client.setProbeData(run, { ...data, samples: 4_000, views: 8 });
    await until('a model is at work', () => progress.some((now) => /images$/.test(now?.current ?? '')), 60_000);
    await client.cancel(run);
    await until('nothing is at work', () => (progress.at(-1) ?? null) === null);
    expect(extracted()).toEqual([]);
    expect(await files()).toEqual([]);
    await client.setProbeData(run, { ...data, samples: 4, views: 2 });
    await client.cancel(run);
    await client.measure(run, { again: false });
    await until('both checkpoints are measured', () => haveRecords([15, 60]), 60_000);
  });

  it('runs no model before the folder is trusted, whatever lies in it', async () => {
    await mkdir(path.join(folder, 'run/.layerscope'));
    await writeFile(path.join(folder, 'run/.layerscope/probe-data.json'), JSON.stringify(data));
    const run = await open({ runModels: false });
    await expect(client.setProbeData(run, data)).rejects.toThrow('Models are not run here');
    await client.measure(run, { again: false });
    expect(extracted()).toEqual([]);
    await open({ runModels: true });
    await until('both checkpoints are measured', () => haveRecords([15, 60]), 60_000);
  });

  it('waits until it is asked where nothing is measured by itself', async () => {
    const run = await open({ measureAutomatically: false, resultsLocation: 'run' });
    await client.setProbeData(run, data);
    expect(JSON.parse(await readFile(path.join(folder, 'run/.layerscope/probe-data.json'), 'utf8'))).toEqual(data);
    await client.refresh();
    expect(extracted()).toEqual([]);
    await client.measure(run, { again: false });
    await until('both checkpoints are measured', () => haveRecords([15, 60]), 60_000);
    expect((await readdir(path.join(folder, 'run/.layerscope/features/checkpoints'))).filter((name) => name.endsWith('.safetensors'))).toHaveLength(2);
  });
});
