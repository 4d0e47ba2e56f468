import { appendFile, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MeasureProgress, RunSummary, WorkerSettings, WorkerStatus } from '../../../src/protocol';
import { WorkerClient } from '../../../src/worker';
import type { WorkerClientOptions } from '../../../src/worker';
import { until, View } from '../monitor/watching';
import { bundleWorker } from './bundleWorker';
import { writeProbe } from './writeProbe';

// Real processes: the bundled worker with its compute threads and the engine.

let bundle: Awaited<ReturnType<typeof bundleWorker>>;
let folder: string;
let client: WorkerClient;
let view: View | null;
let statuses: WorkerStatus[];
let runs: Map<string, RunSummary>;
let progress: MeasureProgress | null;
let logged: string[];

beforeAll(async () => {
  bundle = await bundleWorker();
});
afterAll(() => bundle.remove());

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'layerscope-worker-'));
});
afterEach(async () => {
  await client.stop();
  client.dispose();
  await rm(folder, { recursive: true, force: true });
});

const settings = (): WorkerSettings => ({
  measureAutomatically: true, eps2: 0.5, seed: 0, threads: 2, engine: 'auto', resultsLocation: 'workspaceStorage', storageFolder: path.join(folder, 'storage'),
  exclude: ['storage'], maximumDepth: 6, pollInterval: 200,
});
const probe = (epoch: number): string => `probes/epoch=${String(epoch).padStart(4, '0')}.safetensors`;
const addProbe = (epoch: number, samples = 16): Promise<void> => writeProbe(path.join(folder, 'run', probe(epoch)), { epoch, samples });

function connect(options: Partial<WorkerClientOptions> = {}): void {
  view = null;
  statuses = [];
  runs = new Map();
  progress = null;
  logged = [];
  client = new WorkerClient({ workerPath: bundle.workerPath, ...options });
  client.listen({
    statusChanged: (status) => statuses.push(status),
    runsChanged: (delta) => {
      for (const run of delta.changed) runs.set(run.id, run);
      for (const id of delta.removed) runs.delete(id);
    },
    runChanged: (delta) => view?.apply(delta),
    runReset: (detail) => {
      if (view?.run.id === detail.run.id) view = new View(detail);
    },
    progressChanged: (now) => (progress = now),
    log: (level, message) => logged.push(`${level} ${message}`),
  });
}

/** A worker that ends as by a fault in native code when a layer of a file is measured. */
async function poisonedWorker(layer: string, file: string): Promise<string> {
  const beside = await mkdtemp(path.join(path.dirname(bundle.workerPath), 'poisoned-'));
  const workerPath = path.join(beside, 'worker.js');
  await copyFile(bundle.workerPath, workerPath);
  await writeFile(path.join(beside, 'computeThread.js'), `
    const { parentPort } = require('node:worker_threads');
    parentPort.on('message', ({ request }) => {
      if (request?.task?.layer === ${JSON.stringify(layer)} && request.task.file.endsWith(${JSON.stringify(file)})) process.kill(process.pid, 'SIGKILL');
    });
    require(${JSON.stringify(bundle.threadPath)});
  `);
  return workerPath;
}

async function openRun(): Promise<void> {
  const [run] = await client.watch([{ name: 'workspace', path: folder }], settings());
  if (run === undefined) throw new Error('no run was found');
  view = new View(await client.openRun(run.id));
}

const allMeasured = (): boolean => view !== null && view.run.files.every(({ kind, state }) => kind !== 'probe' || state === 'measured');

async function storedLines(): Promise<string[]> {
  const id = view?.run.id ?? '';
  return (await readFile(path.join(folder, 'storage', id, 'records.jsonl'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
}

describe('the worker process', { timeout: 180_000 }, () => {
  it('measures a real probe and follows the run while it grows', async () => {
    await addProbe(1);
    await writeFile(path.join(folder, 'run/log.txt'), '{"epoch": 0, "loss": 3}\n');
    connect();
    client.use();
    await openRun();
    await until('the probe is measured', () => allMeasured(), 60_000);
    await until('the engine is known', () => client.status.engine !== null);
    expect(client.status).toMatchObject({ state: 'running', engine: { name: 'onnxruntime', reason: '' } });
    expect(view?.layers).toEqual(['block0', 'block1', 'block2']);
    const splits = new Set(view?.records.filter(({ metric }) => metric === 'alignment').map(({ split }) => split));
    expect(splits).toEqual(new Set(['train', 'held_out', 'gap']));
    expect(view?.records.every(({ value, warnings }) => (value === null ? warnings.length > 0 : Number.isFinite(value)))).toBe(true);
    await addProbe(2);
    await appendFile(path.join(folder, 'run/log.txt'), '{"epoch": 1, "loss": 2}\n');
    await until('the next probe is measured', () => view?.state(probe(2)) === 'measured', 60_000);
    await until('the log line has arrived', () => view?.series.get('log.txt:loss')?.length === 2);
    expect(await client.openRun(view?.run.id ?? '')).toMatchObject({ run: view?.run });
    expect(logged.filter((line) => /^(warn|error)/.test(line))).toEqual([]);
  });

  it('comes back by itself when it is killed in the middle of a measurement, and measures nothing finished again', async () => {
    for (let epoch = 1; epoch <= 6; epoch += 1) await addProbe(epoch, 160);
    connect();
    client.use();
    await openRun();
    await until('some layers are finished and others are not', () => (progress?.done ?? 0) >= 3 && (progress?.total ?? 0) > (progress?.done ?? 0) + 3, 60_000);
    const before = await storedLines();
    expect(before.length).toBeGreaterThan(0);
    expect(view?.state(probe(1))).toBe('queued');
    process.kill((await client.ping()).pid, 'SIGKILL');
    await until('the end was noticed', () => statuses.some(({ state }) => state === 'restarting'));
    await until('everything is measured', () => allMeasured(), 120_000);
    expect(client.status).toMatchObject({ state: 'running', restarts: 1, message: expect.stringContaining('SIGKILL') });
    const lines = await storedLines();
    expect(lines.slice(0, before.length)).toEqual(before);
    expect(new Set(lines).size).toBe(lines.length);
    expect(view?.cells()).toHaveLength(6 * 3);
    expect(view?.records).toHaveLength(lines.length);
    const snapshot = await client.openRun(view?.run.id ?? '');
    expect(snapshot.records).toHaveLength(lines.length);
    expect([...runs.values()].map(({ name }) => name)).toEqual(['run']);
  });

  it('is killed and started anew when it hangs', async () => {
    await addProbe(1);
    connect({ heartbeatInterval: 500, heartbeatTimeout: 3000 });
    client.use();
    await openRun();
    await until('the probe is measured', () => allMeasured(), 60_000);
    const { pid } = await client.ping();
    process.kill(pid, 'SIGSTOP');
    await until('the hanging was noticed', () => statuses.some(({ state, message }) => state === 'restarting' && message.includes('did not answer')), 20_000);
    await until('it runs again', () => client.status.state === 'running', 20_000);
    expect((await client.ping()).pid).not.toBe(pid);
    expect(() => process.kill(pid, 0)).toThrow();
  });

  it('gives up after the fourth end within a minute, says why, and starts again when asked', async () => {
    // With nothing to measure no layer can be to blame.
    await mkdir(path.join(folder, 'run'));
    await writeFile(path.join(folder, 'run/log.txt'), '{"epoch": 0, "loss": 3}\n');
    connect();
    client.use();
    await openRun();
    for (let kill = 1; kill <= 4; kill += 1) {
      const { pid } = await client.ping();
      process.kill(pid, 'SIGKILL');
      await until(`end ${kill} was noticed`, () => client.status.restarts === kill || client.status.state === 'failed', 20_000);
    }
    expect(client.status).toMatchObject({ state: 'failed', restarts: 3, message: expect.stringMatching(/4 times within a minute.*SIGKILL/) });
    await expect(client.ping()).rejects.toThrow(/failed.*4 times/);
    await addProbe(1);
    await client.restart();
    await until('it runs again', () => client.status.state === 'running', 20_000);
    await until('the run is complete', () => view?.state(probe(1)) === 'measured', 60_000);
  });

  it('leaves out a layer that ends the process each time, says so, and measures everything else', async () => {
    await addProbe(1);
    await addProbe(2);
    const poisoned = await poisonedWorker('block1', probe(1));
    connect({ workerPath: poisoned });
    client.use();
    await openRun();
    await until('the layer was given up', () => view?.state(probe(1)) === 'problem' && view.state(probe(2)) === 'measured', 120_000);
    expect(client.status).toMatchObject({ state: 'running', restarts: 2 });
    const expected = [1, 2].flatMap((epoch) => ['block0', 'block1', 'block2'].map((layer) => `${path.basename(probe(epoch))} ${layer}`));
    expect(view?.cells()).toEqual(expected.filter((cell) => cell !== `${path.basename(probe(1))} block1`));
    expect(view?.run.problems).toEqual([expect.objectContaining({ file: probe(1), place: 'layer block1', reason: expect.stringMatching(/worker died 2 times/) })]);
    await client.measure(view?.run.id ?? '', { again: false });
    await until('it was tried once more, and given up again', () => client.status.restarts === 3 && view?.state(probe(1)) === 'problem', 60_000);
    await client.openRun(view?.run.id ?? '');
    expect(client.status.state).toBe('running');
  });

  it('repeats a call that was under way when the process died', async () => {
    await addProbe(1);
    connect();
    client.use();
    await openRun();
    const { pid } = await client.ping();
    process.kill(pid, 'SIGKILL');
    const answers = await Promise.all([client.ping(), client.openRun(view?.run.id ?? ''), client.refresh()]);
    expect(answers[0].pid).not.toBe(pid);
    expect(answers[1].run.name).toBe('run');
  });

  it('stops some time after the last user has gone and starts with the next', async () => {
    connect({ idleStop: 300 });
    const user = client.use();
    const { pid } = await client.ping();
    user.dispose();
    await until('it has stopped', () => client.status.state === 'stopped', 10_000);
    expect(() => process.kill(pid, 0)).toThrow();
    const next = client.use();
    await until('it runs again', () => client.status.state === 'running', 20_000);
    next.dispose();
  });

  it('ends when its host ends', async () => {
    connect();
    client.use();
    const { pid } = await client.ping();
    // What the channel looks like when the host is gone.
    (client as unknown as { live: { process: { disconnect(): void } } }).live.process.disconnect();
    await until('it has ended', () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    }, 10_000);
  });

  it('says that it failed when the program is missing', async () => {
    connect({ workerPath: path.join(folder, 'missing.js') });
    client.use();
    await until('it has failed', () => client.status.state === 'failed', 30_000);
    expect(client.status.message).toMatch(/4 times within a minute/);
    expect(logged.join('\n')).toMatch(/Cannot find module/);
  });
});
