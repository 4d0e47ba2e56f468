// Watches a run through the real worker, phase by phase, and asks the worker after each how long its event loop was held up. Prints a line a phase.
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { featureCatalog, methodOfMetric, metricsOfPrevious } from '../../src/metrics';
import { inspectTensors } from '../../src/monitor/tensorWatch';
import { createFormatRegistry } from '../../src/formats';
import type { MeasurementRecord, RunDelta, Split, WorkerSettings } from '../../src/protocol';
import { WorkerClient } from '../../src/worker';
import { writeProbe } from '../unit/worker/writeProbe';

const manyProbes = 60;
const manyLayers = Array.from({ length: 12 }, (_, i) => `block${i}`);

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

const settings: WorkerSettings = {
  measureAutomatically: false, eps2: 0.5, seed: 0, threads: 2, engine: 'auto', resultsLocation: 'workspaceStorage', storageFolder: '', exclude: [], maximumDepth: 6, pollInterval: 1000,
};

async function main({ folder, worker, points }: { readonly folder: string; readonly worker: string; readonly points: number }): Promise<void> {
  const client = new WorkerClient({ workerPath: worker });
  let told: (line: string) => void = () => undefined;
  let state = '';
  const lags: number[] = [];
  client.listen({
    log: (_, message) => void (message.startsWith('loop ') && told(message.slice(5))),
    runChanged: ({ series, run }: RunDelta) => {
      state = run.files.find(({ kind }) => kind === 'probe')?.state ?? '';
      for (const { steps, tag } of series) if (tag === 'sent') for (const step of steps) lags.push(Date.now() - (step ?? 0));
    },
  });
  const lease = client.use();
  const { pid } = await client.ping();
  const tell = async (phase: string, started: number): Promise<void> => {
    const seconds = (performance.now() - started) / 1000;
    // Deltas of the phase are on their way.
    await sleep(300);
    const answer = new Promise<string>((resolve) => (told = resolve));
    process.kill(pid, 'SIGUSR2');
    console.log(JSON.stringify({ phase, seconds, ...(JSON.parse(await answer) as object) }));
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

  start = performance.now();
  const [run] = await client.watch([{ name: 'bench', path: folder }], settings);
  if (run === undefined) throw new Error('no run was found');
  for (let read = 0; read < points; await sleep(500)) {
    read = (await client.openRun(run.id)).series.reduce((sum, { values }) => sum + values.length, 0);
    await client.closeRun(run.id);
  }
  await tell('finding the run, reading its log, opening it now and then', start);

  start = performance.now();
  for (let times = 0; times < 5; times += 1) await client.openRun(run.id);
  await tell('opening the run with all its points, 5 times', start);

  start = performance.now();
  await client.setAttention(true);
  await client.measure(run.id, { again: false });
  for (state = ''; state !== 'measured'; await sleep(250)) await appendFile(path.join(folder, 'run', 'log.jsonl'), `{"step": ${Date.now()}, "sent": 1}\n`);
  await tell(`measuring everything while the log grows (lines arrived after ${Math.max(...lags).toFixed(0)} ms at most)`, start);
  lease.dispose();
  await client.stop();
}

void main(JSON.parse(process.argv[2] ?? '{}') as Parameters<typeof main>[0]);
