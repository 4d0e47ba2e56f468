// Watches runs through the real worker, phase by phase, and asks the worker after each how long its event loop was held up. Prints a line a phase.
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { featureCatalog, methodOfMetric, metricsOfPrevious } from '../../src/metrics';
import { inspectTensors } from '../../src/monitor/tensorWatch';
import { createFormatRegistry } from '../../src/formats';
import type { MeasurementRecord, MeasureProgress, RunDelta, Split, WorkerSettings } from '../../src/protocol';
import { WorkerClient } from '../../src/worker';
import { writeProbe } from '../unit/worker/writeProbe';

const manyProbes = 60;
const manyLayers = Array.from({ length: 12 }, (_, i) => `block${i}`);
/** Files that change at once. */
const manyFiles = { probes: 200, logs: 100 };

interface Request {
  /** With a run that has a long log and probes. */
  readonly folder: string;
  readonly worker: string;
  readonly points: number;
  /** So long the run is measured, in seconds; then it is cancelled. */
  readonly measuring: number;
}

/** A run of small probes of which everything is measured already; the values mean nothing. @returns how many records there are. */
async function writeMeasuredRun(folder: string): Promise<number> {
  const registry = createFormatRegistry();
  const records: MeasurementRecord[] = [];
  let since = '';
  for (let epoch = 1; epoch <= manyProbes; epoch++) {
    const name = `probes/epoch=${epoch}.safetensors`;
    const file = path.join(folder, name);
    await writeProbe(file, { epoch, layers: manyLayers });
    const { fingerprint } = await inspectTensors({ absolutePath: file, path: name, kind: 'probe' }, registry);
    for (const [layerIndex, layer] of manyLayers.entries()) {
      for (const { id, hasGap } of featureCatalog) {
        const options = { eps2: 0.5, partition: 'views', ...(metricsOfPrevious.includes(id) && { since }) };
        for (const split of ['train', 'held_out', ...(hasGap ? ['gap'] : [])] as Split[]) {
          records.push({
            run: 'many', source: name, sourceVersion: fingerprint, epoch, step: epoch * 10, layer, layerIndex, metric: id, split, value: Math.sin(records.length), n: 2048, d: 768, views: 8,
            seed: null, options, warnings: [], method: methodOfMetric(id) ?? 0, ...(hasGap && { uncertainty: { standardError: 0.1, low: -1, high: 1, replicates: 200 } }),
          });
        }
      }
    }
    since = fingerprint;
  }
  await mkdir(path.join(folder, '.layerscope'), { recursive: true });
  await writeFile(path.join(folder, '.layerscope', 'records.jsonl'), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return records.length;
}

/** Probes and logs that come all at once, and then change all at once. @returns what to do to change them. */
async function writeChangingRuns(folder: string): Promise<(time: number) => Promise<void>> {
  const change = async (time: number): Promise<void> => {
    for (let epoch = 1; epoch <= manyFiles.probes; epoch++) await writeProbe(path.join(folder, 'run', 'probes', `epoch=${epoch}.safetensors`), { epoch, layers: manyLayers, samples: 8, seed: 1000 * time + epoch });
    const lines = Array.from({ length: 1000 }, (_, step) => `{"step": ${1000 * time + step}, "loss": ${1 / (1 + step)}}\n`).join('');
    for (let log = 0; log < manyFiles.logs; log++) await appendFile(path.join(folder, `logs${log}`, 'log.jsonl'), lines);
  };
  for (let log = 0; log < manyFiles.logs; log++) await mkdir(path.join(folder, `logs${log}`), { recursive: true });
  await change(0);
  return change;
}

const settings: WorkerSettings = {
  measureAutomatically: false, eps2: 0.5, seed: 0, threads: 2, engine: 'auto', resultsLocation: 'workspaceStorage', storageFolder: '', exclude: [], maximumDepth: 6, pollInterval: 1000,
};

const longestOf = (values: readonly number[]): number => values.reduce((longest, value) => Math.max(longest, value), 0);

async function main({ folder, worker, points, measuring }: Request): Promise<void> {
  const client = new WorkerClient({ workerPath: worker });
  let told: (line: string) => void = () => undefined;
  const lags: number[] = [];
  const progress: { readonly at: number; readonly what: MeasureProgress | null }[] = [];
  const changed = new Set<string>();
  client.listen({
    log: (level, message) => {
      if (message.startsWith('loop ')) told(message.slice(5));
      else if (level === 'error' || level === 'warn') console.error(message);
    },
    runsChanged: (delta) => {
      for (const run of delta.changed) if (run.files.every(({ state }) => state !== 'waiting')) changed.add(run.id);
    },
    runChanged: ({ series }: RunDelta) => {
      for (const { steps, tag } of series) if (tag === 'sent') for (const step of steps) lags.push(Date.now() - (step ?? 0));
    },
    progressChanged: (what) => void progress.push({ at: performance.now(), what }),
  });
  const lease = client.use();
  const { pid } = await client.ping();
  const tell = async (phase: string, started: number, more: object = {}): Promise<void> => {
    const seconds = (performance.now() - started) / 1000;
    // Deltas of the phase are on their way.
    await sleep(300);
    const answer = new Promise<string>((resolve) => (told = resolve));
    process.kill(pid, 'SIGUSR2');
    console.log(JSON.stringify({ phase, seconds, ...more, ...(JSON.parse(await answer) as object) }));
  };
  await sleep(1000);
  let start = performance.now();
  await sleep(2000);
  await tell('nothing to do', start);

  const many = path.join(folder, '..', 'responsive-many');
  const stored = await writeMeasuredRun(path.join(many, 'run'));
  start = performance.now();
  const [measured] = await client.watch([{ name: 'bench', path: many }], settings);
  if (measured === undefined) throw new Error('no run was found');
  for (let seen = 0; seen < stored; await sleep(500)) seen = (await client.openRun(measured.id)).records.length;
  await tell(`finding a run with ${stored} stored records, opening it`, start);
  start = performance.now();
  for (let times = 0; times < 5; times += 1) await client.openRun(measured.id);
  await tell('opening it with all its records, 5 times', start);
  await client.closeRun(measured.id);

  const changing = path.join(folder, '..', 'responsive-changing');
  const change = await writeChangingRuns(changing);
  start = performance.now();
  const runs = await client.watch([{ name: 'bench', path: changing }], settings);
  await client.setAttention(true);
  for (const { id } of runs) await client.openRun(id);
  await sleep(8000);
  await tell(`finding and opening ${runs.length} runs with ${manyFiles.probes} probes and ${manyFiles.logs} logs`, start);
  for (const time of [1, 2]) {
    changed.clear();
    await change(time);
    start = performance.now();
    await client.refresh();
    for (let waited = 0; changed.size < runs.length && waited < 60; waited += 1) await sleep(250);
    await sleep(4000);
    await tell('all of these files are changed', start, { notTold: runs.length - changed.size });
  }
  for (const { id } of runs) await client.closeRun(id);

  start = performance.now();
  const [run] = await client.watch([{ name: 'bench', path: folder }], settings);
  if (run === undefined) throw new Error('no run was found');
  for (let read = 0; read < points; await sleep(500)) {
    read = (await client.openRun(run.id)).series.reduce((sum, { values }) => sum + values.length, 0);
    await client.closeRun(run.id);
  }
  await tell('finding a run, reading its long log, opening it now and then', start);

  start = performance.now();
  for (let times = 0; times < 5; times += 1) await client.openRun(run.id);
  await tell('opening the run with all its points, 5 times', start);

  start = performance.now();
  progress.length = 0;
  await client.measure(run.id, { again: false });
  for (const begin = performance.now(); performance.now() - begin < 1000 * measuring; await sleep(250)) await appendFile(path.join(folder, 'run', 'log.jsonl'), `{"step": ${Date.now()}, "sent": 1}\n`);
  const cancelled = performance.now();
  await client.cancel(run.id);
  const answered = performance.now() - cancelled;
  for (let waited = 0; progress.at(-1)?.what !== null && waited < 500; waited += 1) await sleep(10);
  const ended = (progress.at(-1)?.at ?? Infinity) - cancelled;
  const times = [start, ...progress.map(({ at }) => at)].filter((at) => at <= cancelled);
  const gaps = [...times.slice(1), cancelled].map((at, index) => at - (times[index] ?? at));
  await tell('measuring all while the log grows, then cancelling', start, {
    lag: longestOf(lags), progress: { messages: progress.length, gap: longestOf(gaps), first: (progress[0]?.at ?? Infinity) - start }, cancel: { answered, ended },
  });
  lease.dispose();
  await client.stop();
}

void main(JSON.parse(process.argv[2] ?? '{}') as Request);
