import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LandscapeNews, LandscapeOrder, ModelInspection, WorkerSettings } from '../../../src/protocol';
import { WorkerClient } from '../../../src/worker';
import { computeLandscapes } from '../../../src/worker/landscape';
import { repository } from '../cli/commandLine';
import { bundleWorker } from './bundleWorker';

// Real processes: the bundled worker, its landscape thread, ONNX Runtime.

const fixture = (name: string) => path.join(repository, 'test/fixtures/landscape', name);
let bundle: Awaited<ReturnType<typeof bundleWorker>>;
let folder: string;
let client: WorkerClient;
let news: LandscapeNews[];
let onNews: (latest: LandscapeNews) => void;

beforeAll(async () => {
  bundle = await bundleWorker();
});
afterAll(() => bundle.remove());

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'layerscope-landscapes-'));
  await mkdir(path.join(folder, 'run', 'checkpoints'), { recursive: true });
  for (const step of [15, 30, 60]) await copyFile(fixture(`mae-step${step}.pt`), checkpoint(step));
});
afterEach(async () => {
  await client.stop();
  client.dispose();
  await rm(folder, { recursive: true, force: true });
});

const checkpoint = (step: number) => path.join(folder, 'run', 'checkpoints', `mae-step${step}.pt`);
const order = (more: Partial<LandscapeOrder> = {}): LandscapeOrder => ({
  checkpoints: [checkpoint(60)], directions: 'random', data: fixture('images.npy'), images: 4, grid: 5, range: 0.5, seed: 0, loss: null, graph: null,
  heads: 2, decoderHeads: 2, imageSize: null, role: null, mean: null, deviation: null, provider: 'cpu', ...more,
});
const settings = (more: Partial<WorkerSettings> = {}): WorkerSettings => ({
  measureAutomatically: false, measureWeights: false, eps2: 0.5, seed: 0, threads: 1, engine: 'auto', resultsLocation: 'workspaceStorage', storageFolder: path.join(folder, 'storage'),
  exclude: ['storage'], maximumDepth: 6, pollInterval: 1000, ...more,
});

async function watch(more: Partial<WorkerSettings> = {}, workerPath = bundle.workerPath): Promise<string> {
  news = [];
  onNews = () => undefined;
  client = new WorkerClient({ workerPath });
  client.listen({
    landscapeChanged: (latest) => {
      news.push(latest);
      onNews(latest);
    },
  });
  const runs = await client.watch([{ name: 'data', path: folder }], settings(more));
  return runs.find((run) => run.folder === path.join(folder, 'run'))!.id;
}

const expected = async (more: Partial<LandscapeOrder> = {}) => {
  const { checkpoints, directions, grid } = order(more);
  return (await computeLandscapes({ checkpoints, directions, grid, data: fixture('images.npy'), images: 4, range: 0.5, describe: { heads: 2, decoderHeads: 2 } })).surfaces;
};

describe('A landscape in the worker', () => {
  it('is the one that is computed here, tells what it runs on, and is kept with the records of the run', async () => {
    const id = await watch();
    const end = await client.computeLandscape('a', order({ checkpoints: [checkpoint(15), checkpoint(60)] }));
    expect(end).toMatchObject({ state: 'finished', failure: null, problems: [], computed: 50, news: { id: 'a', done: 50, total: 50 } });
    expect(end.news.surfaces).toEqual(await expected({ checkpoints: [checkpoint(15), checkpoint(60)] }));
    expect(end.news.model).toMatchObject({ choice: 'cpu', provider: 'cpu', passedOver: [], model: expect.stringContaining('Masked autoencoder') as string });
    expect(news[0]).toMatchObject({ id: 'a', surfaces: [], total: 0 });
    const kept = await readFile(path.join(folder, 'storage', id, 'landscapes.jsonl'), 'utf8');
    expect(kept.split('\n').filter((line) => line.includes('"loss":') && !line.includes('"setting"'))).toHaveLength(50);
    expect(JSON.parse(kept.split('\n')[0]!)).toMatchObject({ files: ['checkpoints/mae-step15.pt'] });
    expect((await client.computeLandscape('b', order())).computed).toBe(0);
  });

  it('is kept in the run where results are, and points of both places are taken', async () => {
    await watch();
    await client.computeLandscape('a', order({ grid: 3 }));
    await client.watch([{ name: 'data', path: folder }], settings({ resultsLocation: 'run' }));
    expect((await client.computeLandscape('b', order())).computed).toBe(16);
    const kept = await readFile(path.join(folder, 'run', '.layerscope', 'landscapes.jsonl'), 'utf8');
    expect(kept.trimEnd().split('\n')).toHaveLength(1 + 16);
  });

  it('stops when it is cancelled, also while it waits, and goes on where it was', async () => {
    await watch();
    onNews = ({ id, done }) => {
      if (id === 'a' && done > 0) void client.cancelLandscape('a');
    };
    const [first, second] = [client.computeLandscape('a', order({ grid: 51 })), client.computeLandscape('b', order())];
    void client.cancelLandscape('b');
    expect(await second).toMatchObject({ state: 'cancelled', computed: 0 });
    const stopped = await first;
    expect(stopped.state).toBe('cancelled');
    expect(stopped.news.done).toBeGreaterThan(0);
    expect(stopped.news.done).toBeLessThan(51 * 51);
    expect(stopped.news.surfaces[0]!.loss.filter((value) => value !== null)).toHaveLength(stopped.news.done);
    expect(news.some(({ id, doing }) => id === 'b' && doing === 'waiting for another landscape')).toBe(true);
    const again: number[] = [];
    onNews = ({ id, done }) => {
      if (id !== 'c') return;
      again.push(done);
      if (done > 0) void client.cancelLandscape('c');
    };
    const rest = await client.computeLandscape('c', order({ grid: 51 }));
    expect(rest.news.done).toBeGreaterThanOrEqual(stopped.news.done);
  });

  it('names what does not fit, name by name', async () => {
    await watch();
    const line = order({ checkpoints: [checkpoint(60), path.join(repository, 'test/fixtures/models/mae.pth')], directions: 'line', heads: 4, decoderHeads: 4 });
    const { state, failure, news: { surfaces } } = await client.computeLandscape('a', line);
    expect(state).toBe('failed');
    expect(surfaces).toEqual([]);
    expect(failure!.message).toMatch(/do not fit/);
    expect([...failure!.missing, ...failure!.wrongShape, ...failure!.extra].length).toBeGreaterThan(0);
    const absent = await client.computeLandscape('b', order({ data: path.join(folder, 'none') }));
    expect(absent.failure).toMatchObject({ message: expect.stringContaining(path.join(folder, 'none')) as string, missing: [] });
  });

  it('says why a provider cannot be used', async () => {
    await watch();
    const provider = process.platform === 'darwin' ? 'dml' : 'coreml';
    const { state, failure } = await client.computeLandscape('a', order({ provider }));
    expect(state).toBe('failed');
    expect(failure!.message).toContain(`The model cannot run on ${provider}`);
    expect(await client.modelProvider(provider)).toMatchObject({ choice: provider, provider: null, passedOver: [{ provider }] });
    expect(await client.modelProvider('cpu')).toEqual({ choice: 'cpu', provider: 'cpu', passedOver: [] });
    expect(['cpu', 'cuda', 'coreml', 'dml']).toContain((await client.modelProvider('auto')).provider);
  });

  it('is not begun again by itself when the process ends, and its points are there for the next one', async () => {
    await watch();
    onNews = ({ done }) => {
      if (done > 0) void client.ping().then(({ pid }) => process.kill(pid, 'SIGKILL'), () => undefined);
    };
    await expect(client.computeLandscape('a', order({ grid: 51 }))).rejects.toThrow('The worker is gone');
    const known = news.at(-1)!.done;
    expect(known).toBeGreaterThan(0);
    onNews = ({ done }) => {
      if (done > 0) void client.cancelLandscape('b');
    };
    const next = await client.computeLandscape('b', order({ grid: 51 }));
    expect(next.news.done - next.computed).toBeGreaterThanOrEqual(known);
  });

  it('tells of a thread that ended by itself, and computes the next one', async () => {
    const beside = await mkdtemp(path.join(path.dirname(bundle.workerPath), 'ending-'));
    const workerPath = path.join(beside, 'worker.js');
    await copyFile(bundle.workerPath, workerPath);
    await copyFile(bundle.threadPath, path.join(beside, 'computeThread.js'));
    const real = path.join(path.dirname(bundle.workerPath), 'landscapeThread.js');
    await writeFile(path.join(beside, 'landscapeThread.js'), `
      if (require('node:worker_threads').workerData.task.order.seed === 7) process.exit(3);
      require(${JSON.stringify(real)});
    `);
    await watch({}, workerPath);
    expect(await client.computeLandscape('a', order({ seed: 7 }))).toMatchObject({ state: 'failed', failure: { message: expect.stringContaining('it ended by itself') as string } });
    expect(await client.computeLandscape('b', order({ grid: 3 }))).toMatchObject({ state: 'finished', computed: 9 });
  });
});

describe('Asking what a model is', () => {
  const ask = (more: Partial<ModelInspection>) =>
    client.inspectModel({ checkpoint: checkpoint(60), graph: null, heads: null, decoderHeads: null, imageSize: null, role: null, ...more });

  it('tells its losses, what an option has to say, and why it cannot be run', async () => {
    await watch();
    expect(await ask({})).toMatchObject({ kind: 'question', option: 'heads', reason: expect.stringContaining('do not divide') as string });
    expect(await ask({ heads: 2, decoderHeads: 2 })).toMatchObject({ kind: 'model', losses: ['mae', 'info_nce'], warnings: [] });
    expect(await ask({ checkpoint: fixture('with-loss.pt') })).toMatchObject({ kind: 'failed', failure: { message: expect.stringContaining('No known model') as string } });
    expect(await ask({ checkpoint: fixture('with-loss.pt'), graph: fixture('with-loss.onnx') })).toMatchObject({ kind: 'model', losses: ['distance'] });
    expect(await ask({ graph: fixture('with-loss.onnx') })).toMatchObject({ kind: 'failed', failure: { missing: expect.arrayContaining([expect.any(String)]) as string[] } });
    expect(await ask({ graph: fixture('images.npy') })).toMatchObject({ kind: 'failed', failure: { message: expect.stringContaining('ONNX export') as string } });
  });
});
