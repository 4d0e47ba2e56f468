import { appendFile, copyFile, mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FormatError } from '../../../src/formats';
import { EngineUnavailable } from '../../../src/linalg';
import { metricCatalog } from '../../../src/metrics';
import type { RunSummary } from '../../../src/protocol';
import { zipOf } from '../formats/build';
import { probeBytes, writeProbe } from '../worker/writeProbe';
import { FakeMeasurer, firstCount, metricCount, until, View, Watching } from './watching';

const layers = ['block0', 'block1', 'block2'];
const probe = (epoch: number): string => `probes/epoch=${String(epoch).padStart(4, '0')}.safetensors`;
const cellsOf = (...epochs: number[]): string[] => epochs.flatMap((epoch) => layers.map((layer) => `${path.basename(probe(epoch))} ${layer}`));

let watching: Watching;
async function begin(...args: Parameters<typeof Watching.start>): Promise<Watching> {
  watching = await Watching.start(...args);
  return watching;
}
afterEach(() => watching.end());

const addProbe = (epoch: number, run = 'run'): Promise<void> => writeProbe(watching.path(`${run}/${probe(epoch)}`), { epoch });
const measured = (view: View, ...epochs: number[]): Promise<void> =>
  until(`epochs ${epochs.join(', ')} are measured`, () => epochs.every((epoch) => view.state(probe(epoch)) === 'measured'));

describe('the monitor', () => {
  it('finds a run, measures its probes newest first and tells what a snapshot says', async () => {
    await begin();
    await addProbe(1);
    await addProbe(2);
    await addProbe(3);
    const view = await watching.open();
    await measured(view, 1, 2, 3);
    expect(view.cells()).toEqual(cellsOf(1, 2, 3));
    expect(view.records).toHaveLength(3 * layers.length * firstCount);
    expect(view.layers).toEqual(layers);
    expect(view.run).toMatchObject({ name: 'run', epoch: 3, step: 30, problems: [] });
    expect(path.basename(watching.measurer.tasks.at(-1)?.file ?? '')).toBe(path.basename(probe(1)));
    const snapshot = new View(watching.detailOf(view.run.id));
    expect(snapshot.cells()).toEqual(view.cells());
    expect(snapshot.run).toEqual(view.run);
  });

  it('measures a probe that appears while it watches', async () => {
    await begin();
    await addProbe(1);
    const view = await watching.open();
    await measured(view, 1);
    await addProbe(2);
    await measured(view, 2);
    expect(view.cells()).toEqual(cellsOf(1, 2));
  });

  it('looks at once when an event of the file system hints at a new file', async () => {
    await begin();
    watching.monitor.setAttention(false);
    await addProbe(1);
    const view = await watching.open();
    await measured(view, 1);
    await addProbe(2);
    watching.monitor.hint([watching.path(`run/${probe(2)}`)]);
    await measured(view, 2);
  });

  it('shows a new run and forgets one that was deleted', async () => {
    await begin();
    await addProbe(1, 'first');
    await watching.watch();
    await addProbe(1, 'second');
    await until('both runs are known', () => watching.runs.size === 2);
    await rm(watching.path('first'), { recursive: true });
    await until('the first is gone', () => [...watching.runs.values()].map(({ name }) => name).join() === 'second');
  });

  it('brings the lines that are appended to a log and starts anew when the log is rewritten', async () => {
    await begin();
    await addProbe(1);
    await writeFile(watching.path('run/log.txt'), '{"epoch": 0, "loss": 3}\n{"epoch": 1, "loss": 2}\n');
    const view = await watching.open();
    const key = 'log.txt:loss';
    await until('two lines are there', () => view.series.get(key)?.length === 2);
    await appendFile(watching.path('run/log.txt'), '{"epoch": 2, "loss": 1}\n{"epoch": 3, "lo');
    await until('the third line is there', () => view.series.get(key)?.length === 3);
    await appendFile(watching.path('run/log.txt'), 'ss": 0.5}\n');
    await until('the torn line is complete', () => view.series.get(key)?.length === 4);
    expect(view.series.get(key)).toEqual([3, 2, 1, 0.5]);
    expect(view.run.epoch).toBe(3);
    await writeFile(watching.path('run/log.txt'), '{"epoch": 0, "loss": 9}\n');
    await until('the new log is there', () => view.series.get(key)?.join() === '9');
  });

  it('leaves a half-written probe alone and measures it once it is complete', async () => {
    await begin();
    await addProbe(1);
    const bytes = probeBytes({ epoch: 2 });
    const file = watching.path(`run/${probe(2)}`);
    await writeFile(file, bytes.subarray(0, bytes.length / 2));
    const view = await watching.open();
    await measured(view, 1);
    await until('the second waits', () => view.state(probe(2)) === 'waiting');
    expect(view.run.problems[0]).toMatchObject({ file: probe(2), severity: 'info', reason: expect.stringContaining('still being written') });
    await appendFile(file, bytes.subarray(bytes.length / 2));
    await measured(view, 2);
    expect(view.run.problems).toEqual([]);
    expect(view.cells()).toEqual(cellsOf(1, 2));
  });

  it('tells of a truncated probe that nobody completes, with place and reason, and measures the others', async () => {
    await begin();
    await addProbe(1);
    const bytes = probeBytes({ epoch: 2 });
    await writeFile(watching.path(`run/${probe(2)}`), bytes.subarray(0, bytes.length - 100));
    const view = await watching.open();
    await measured(view, 1);
    await until('the second is a problem', () => view.state(probe(2)) === 'problem');
    expect(view.run.problems).toHaveLength(1);
    expect(view.run.problems[0]).toMatchObject({ file: probe(2), severity: 'error' });
    expect(view.run.problems[0]?.reason).not.toBe('');
  });

  it('measures a rewritten probe anew and voids what was measured of it', async () => {
    await begin();
    await addProbe(1);
    await addProbe(2);
    const view = await watching.open();
    await measured(view, 1, 2);
    const before = view.records.filter(({ source }) => source === probe(2));
    await writeProbe(watching.path(`run/${probe(2)}`), { epoch: 2, seed: 99 });
    const versions = (): string[] => view.records.filter(({ source }) => source === probe(2)).map(({ sourceVersion }) => sourceVersion);
    await until('other records replaced them', () => versions().length === before.length && versions()[0] !== before[0]?.sourceVersion);
    await measured(view, 2);
    expect(view.cells()).toEqual(cellsOf(1, 2));
    expect(watching.measurer.tasks).toHaveLength(3 * layers.length);
  });

  it('does not measure a probe again that was only touched or copied', async () => {
    await begin();
    await addProbe(1);
    const view = await watching.open();
    await measured(view, 1);
    await utimes(watching.path(`run/${probe(1)}`), new Date(), new Date());
    await copyFile(watching.path(`run/${probe(1)}`), watching.path('run/probes/last.safetensors'));
    await until('the copy is known', () => view.state('probes/last.safetensors') === 'measured');
    await measured(view, 1);
    expect(watching.measurer.tasks).toHaveLength(layers.length);
    expect(view.cells()).toEqual(cellsOf(1));
  });

  it('shows the records under the new name of a renamed probe', async () => {
    await begin();
    await addProbe(1);
    const view = await watching.open();
    await measured(view, 1);
    await rename(watching.path(`run/${probe(1)}`), watching.path('run/probes/kept.safetensors'));
    await until('the new name is known', () => view.state('probes/kept.safetensors') === 'measured' && view.state(probe(1)) === undefined);
    expect(new Set(view.records.map(({ source }) => source))).toEqual(new Set(['probes/kept.safetensors']));
    expect(watching.measurer.tasks).toHaveLength(layers.length);
  });

  it('notices a deleted probe and takes its records back', async () => {
    await begin();
    await addProbe(1);
    await addProbe(2);
    const view = await watching.open();
    await measured(view, 1, 2);
    await rm(watching.path(`run/${probe(2)}`));
    await until('it is gone', () => view.state(probe(2)) === undefined);
    expect(view.cells()).toEqual(cellsOf(1));
    expect(view.run.epoch).toBe(1);
  });

  it('never measures the same twice, also across restarts', async () => {
    await begin();
    await addProbe(1);
    await addProbe(2);
    await measured(await watching.open(), 1, 2);
    expect(watching.measurer.tasks).toHaveLength(2 * layers.length);
    await watching.restart();
    const view = await watching.open();
    await measured(view, 1, 2);
    expect(view.cells()).toEqual(cellsOf(1, 2));
    await addProbe(3);
    await measured(view, 3);
    expect(watching.measurer.tasks).toHaveLength(3 * layers.length);
  });

  it('takes in records that somebody else wrote beside the run', async () => {
    await begin({ resultsLocation: 'run' });
    await addProbe(1);
    await measured(await watching.open(), 1);
    const written = await readFile(watching.path('run/.layerscope/records.jsonl'), 'utf8');
    await rm(watching.path('run/.layerscope'), { recursive: true });
    await watching.restart();
    watching.measurer.tasks.length = 0;
    const view = await (async () => {
      await watching.watch({ measureAutomatically: false, resultsLocation: 'workspaceStorage' });
      return watching.open();
    })();
    await until('the probe is known', () => view.layers.length > 0);
    expect(view.records).toEqual([]);
    await mkdir(watching.path('run/.layerscope'));
    await writeFile(watching.path('run/.layerscope/records.jsonl'), written);
    await watching.monitor.refresh();
    await measured(view, 1);
    expect(view.cells()).toEqual(cellsOf(1));
    expect(watching.measurer.tasks).toEqual([]);
  });

  it('measures only when asked if told so, and everything again when asked again', async () => {
    await begin({ measureAutomatically: false });
    await addProbe(1);
    const view = await watching.open();
    await until('the probe is known', () => view.layers.length > 0);
    expect(view.state(probe(1))).toBe('found');
    await watching.monitor.measure(view.run.id, { again: false });
    await measured(view, 1);
    await watching.monitor.measure(view.run.id, { again: false });
    expect(watching.measurer.tasks).toHaveLength(layers.length);
    await watching.monitor.measure(view.run.id, { again: true });
    await until('all was measured again', () => watching.measurer.tasks.length === 2 * layers.length);
    await measured(view, 1);
    await until('the measuring is over', () => watching.progress.at(-1) === null);
    expect(view.records).toHaveLength(layers.length * firstCount);
  });

  it('measures the asked-for run before what was queued automatically', async () => {
    await begin();
    watching.measurer.held = true;
    await addProbe(5, 'new');
    await watching.watch();
    await until('the new run is being measured', () => watching.measurer.tasks.length === 1);
    await addProbe(1, 'old');
    await utimes(watching.path(`old/${probe(1)}`), new Date(1e12), new Date(1e12));
    const old = (): RunSummary | undefined => [...watching.runs.values()].find(({ name }) => name === 'old');
    await until('the old run is queued', () => old()?.files[0]?.state === 'queued');
    await watching.monitor.measure(old()?.id ?? '', { again: false });
    watching.measurer.held = false;
    await until('all is measured', () => watching.measurer.tasks.length === 2 * layers.length);
    const order = watching.measurer.tasks.map(({ file }) => (file.includes('old') ? 'old' : 'new'));
    expect(order).toEqual(['new', 'old', 'old', 'old', 'new', 'new']);
  });

  it('cancels what waits and runs, keeps what is finished, and goes on only when asked', async () => {
    await begin();
    await addProbe(1);
    const view = await watching.open();
    await measured(view, 1);
    watching.measurer.held = true;
    await addProbe(2);
    await until('the second is being measured', () => view.state(probe(2)) === 'measuring');
    watching.monitor.cancel(view.run.id);
    await until('nothing is being measured', () => watching.progress.at(-1) === null && view.state(probe(2)) === 'found');
    await until('the running layer was stopped', () => watching.measurer.aborted.length === 1);
    watching.measurer.held = false;
    await watching.monitor.refresh();
    expect(view.cells()).toEqual(cellsOf(1));
    await watching.monitor.measure(view.run.id, { again: false });
    await measured(view, 2);
    expect(view.run.problems).toEqual([]);
  });

  it('makes a failed layer a problem of its file and measures the other layers', async () => {
    await begin();
    watching.measurer.failLayer = (layer) => (layer === 'block1' ? new FormatError('x', 'tensor block1', 'holds no finite number') : null);
    await addProbe(1);
    await addProbe(2);
    const view = await watching.open();
    await until('all was tried', () => view.state(probe(1)) === 'problem' && view.state(probe(2)) === 'problem');
    expect(view.cells()).toEqual(cellsOf(1, 2).filter((cell) => !cell.endsWith('block1')));
    expect(view.run.problems).toEqual(
      expect.arrayContaining([{ file: probe(2), place: 'tensor block1', reason: 'holds no finite number', severity: 'error' }]),
    );
    const tried = watching.measurer.tasks.length;
    await watching.monitor.refresh();
    expect(watching.measurer.tasks).toHaveLength(tried);
    watching.measurer.failLayer = null;
    await watching.monitor.measure(view.run.id, { again: false });
    await measured(view, 1, 2);
    expect(view.run.problems).toEqual([]);
  });

  it('says once for the run that no engine can be loaded, and follows the logs all the same', async () => {
    await begin({}, new FakeMeasurer({ name: 'unavailable', version: '', reason: 'the library is not for this machine' }));
    watching.measurer.failLayer = () => new EngineUnavailable('onnxruntime', 'the library is not for this machine');
    for (const epoch of [1, 2, 3]) await addProbe(epoch);
    await writeFile(watching.path('run/log.txt'), '{"epoch": 0, "loss": 3}\n');
    const view = await watching.open();
    await until('the problem is told', () => view.run.problems.length > 0);
    await until('nothing is tried any more', () => (watching.progress.at(-1) ?? null) === null);
    expect(view.run.problems).toEqual([
      { file: '', place: '', reason: expect.stringMatching(/nothing can be measured: .*not for this machine/), severity: 'error' },
    ]);
    expect(view.series.get('log.txt:loss')).toEqual([3]);
  });

  it('measures anew under other options, keeps what does not depend on them, and finds the first ones again', async () => {
    await begin();
    await addProbe(1);
    const view = await watching.open();
    await measured(view, 1);
    const eps2 = (): unknown[] => [...new Set(view.records.filter(({ metric }) => metric === 'coding_rate').map(({ options }) => options['eps2']))];
    await watching.watch({ eps2: 0.1 });
    await until('the other option is measured', () => eps2().join() === '0.1' && view.state(probe(1)) === 'measured');
    expect(watching.measurer.tasks.slice(layers.length).map(({ metrics }) => metrics)).toEqual(layers.map(() => ['coding_rate']));
    expect(view.records).toHaveLength(layers.length * firstCount);
    await watching.watch({ eps2: 0.5 });
    await until('the first option is back', () => eps2().join() === '0.5');
    expect(watching.measurer.tasks).toHaveLength(2 * layers.length);
  });

  it('measures of all probes what says most first, and only then what takes longest, the newest first and nothing twice', async () => {
    await begin({ metrics: [], measureAutomatically: false });
    for (const epoch of [1, 2]) await addProbe(epoch);
    const view = await watching.open();
    await until('both are found', () => view.state(probe(1)) === 'found' && view.state(probe(2)) === 'found');
    await watching.monitor.measure(view.run.id, { again: false });
    await until('both are measured', () => [1, 2].every((epoch) => view.state(probe(epoch)) === 'measured'));
    const groupOf = new Map(metricCatalog.map(({ id, group }) => [id, group]));
    const order = watching.measurer.tasks.map(({ file, metrics }) => `${path.basename(file)} ${[...new Set(metrics.map((id) => groupOf.get(id)))].sort().join()}`);
    const [first, second] = ['Comparison,Memorization,Spectrum', 'Clusters,Geometry,Labels'];
    expect([...new Set(order)]).toEqual([first, second].flatMap((groups) => [2, 1].map((epoch) => `${path.basename(probe(epoch))} ${groups}`)));
    expect(order).toHaveLength(2 * 2 * layers.length);
    expect(view.records).toHaveLength(2 * layers.length * metricCount);
    expect(watching.progress.find((progress) => progress !== null)?.total).toBe(2 * 2 * layers.length);
  });

  it('measures what the setting names, by id or group, and passes over names that are neither', async () => {
    await begin({ metrics: ['rankme', 'memorization', 'nonsense'] });
    await addProbe(1);
    const view = await watching.open();
    await measured(view, 1);
    const metrics = new Set(view.records.map(({ metric }) => metric));
    expect([...metrics].sort()).toEqual(['rankme', ...metricCatalog.flatMap(({ id, group }) => (group === 'Memorization' ? [id] : []))].sort());
    await watching.watch({ metrics: [] });
    await until('everything is measured', () => view.records.length === layers.length * metricCount && view.state(probe(1)) === 'measured');
    expect(watching.measurer.tasks).toHaveLength(3 * layers.length);
    await watching.watch({ metrics: ['nothing', 'known'] });
    await measured(view, 1);
  });

  it('suggests samples to label as the deepest layer of a probe sees them', async () => {
    await begin();
    await addProbe(1);
    const view = await watching.open();
    await measured(view, 1);
    const advice = await watching.monitor.suggestLabels(view.run.id, { probe: probe(1), count: 2 });
    expect(advice).toMatchObject({ layer: 'block2', suggestions: [{ sampleId: 0, reason: 'As block2 sees it.' }, { sampleId: 1 }] });
    await expect(watching.monitor.suggestLabels(view.run.id, { probe: 'log.txt', count: 2 })).rejects.toThrow(/no probe "log.txt"/);
    await expect(watching.monitor.suggestLabels('other', { probe: probe(1), count: 2 })).rejects.toThrow(/no run "other"/);
  });

  it('keeps records in memory and says so when they cannot be written', async () => {
    await begin();
    await rm(watching.storage, { recursive: true });
    await writeFile(watching.storage, 'a file where the folder should be');
    await addProbe(1);
    const view = await watching.open();
    await measured(view, 1);
    expect(view.cells()).toEqual(cellsOf(1));
    await until('the problem is told', () => view.run.problems.some(({ reason }) => reason.includes('memory only')));
  });

  it('says why nothing can be measured when there are no probes', async () => {
    await begin();
    await mkdir(watching.path('run'));
    await writeFile(watching.path('run/log.txt'), '{"epoch": 0, "loss": 3}\n');
    const view = await watching.open();
    expect(view.run.note).toMatch(/^No probe files yet/);
    expect(view.run.health).toBe('unknown');
    await addProbe(1);
    await measured(view, 1);
    expect(view.run.note).toBeUndefined();
  });

  it('says why nothing can be measured when no probe can be used', async () => {
    await begin();
    await mkdir(watching.path('run/probes'), { recursive: true });
    await writeFile(watching.path('run/probes/epoch=0001.npz'), zipOf([]));
    const view = await watching.open();
    await until('the note is told', () => view.run.note === 'The only probe file cannot be used: probes/epoch=0001.npz: is empty: it holds no tensor.');
    await writeFile(watching.path('run/probes/epoch=0002.npz'), zipOf([]));
    await until('both are told', () => view.run.note?.startsWith('None of the 2 probe files can be used; the first of them: probes/epoch=0001.npz: is empty') === true);
    await addProbe(3);
    await measured(view, 3);
    expect(view.run.note).toBeUndefined();
  });

  it('tells a busy run in few messages', async () => {
    await begin();
    for (let epoch = 0; epoch < 20; epoch += 1) await addProbe(epoch);
    const started = Date.now();
    const view = await watching.open();
    await measured(view, ...Array.from({ length: 20 }, (_, epoch) => epoch));
    expect(view.records).toHaveLength(20 * layers.length * firstCount);
    // 200 ms apart on a clock that runs 20 times as fast.
    const passed = (Date.now() - started) * 20;
    expect(watching.deltas).toBeLessThanOrEqual(2 + passed / 200);
    // What was done is told 100 ms apart, where it is being done a second.
    await until('the measuring is over', () => watching.progress.at(-1) === null);
    const counts = watching.progress.map((progress) => progress && [progress.runId, progress.done, progress.total].join());
    const steps = counts.filter((count, at) => count !== (counts[at - 1] ?? null)).length;
    expect(steps).toBeLessThanOrEqual(2 + passed / 100);
    expect(counts.length - steps).toBeLessThanOrEqual(1 + passed / 1000);
    const settled = watching.deltas;
    await watching.monitor.refresh();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(watching.deltas).toBe(settled);
  });
});
