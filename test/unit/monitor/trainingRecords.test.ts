import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultMeasureOptions } from '../../../src/metrics';
import { measureSources } from '../../../src/monitor';
import type { MeasureSourcesRequest, MeasureSourcesResult } from '../../../src/monitor';
import type { MeasurementRecord } from '../../../src/protocol';
import { isOfTraining } from '../../../src/protocol';
import { ofTraining } from '../store/ofTraining';
import { writeProbe } from '../worker/writeProbe';
import { until, Watching } from './watching';

let watching: Watching;
beforeEach(async () => {
  watching = await Watching.start();
});
afterEach(() => watching.end());

const probe = 'probes/epoch=0001.safetensors';
const addProbe = (): Promise<void> => writeProbe(watching.path(`run/${probe}`), { epoch: 1 });
async function recordInTraining(...records: MeasurementRecord[]): Promise<void> {
  const file = watching.path('run/.layerscope/records-training.jsonl');
  await mkdir(path.dirname(file), { recursive: true });
  await appendFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}
const shown = (records: readonly MeasurementRecord[]): (string | number | null)[][] => records.filter(isOfTraining).map(({ epoch, layer, value }) => [epoch, layer, value]);

describe('what a training recorded of its own batches', () => {
  it('is shown beside what is measured, whatever the settings and methods are, and never measured again', async () => {
    await addProbe();
    await recordInTraining(ofTraining(1), ofTraining(2, { options: { eps2: 0.1 } }), ofTraining(3, { method: 99, run: 'elsewhere' }));
    const view = await watching.open();
    await until('the probe is measured', () => view.state(probe) === 'measured');
    const epochs = [[1, 'block0', 12.5], [2, 'block0', 12.5], [3, 'block0', 12.5]];
    expect(shown(view.records)).toEqual(epochs);
    expect(view.records.filter(isOfTraining).map(({ run }) => run)).toEqual(['run', 'run', 'run']);
    expect(view.run).toMatchObject({ epoch: 3, step: 300, problems: [] });
    expect(view.layers).toEqual(['block0', 'block1', 'block2']);
    const tasks = watching.measurer.tasks.length;
    await watching.monitor.measure(view.run.id, { again: true });
    await watching.watch({ eps2: 0.25 });
    await until('everything is measured with other options', () => watching.measurer.tasks.length >= tasks + 3 && view.state(probe) === 'measured');
    expect(new Set(watching.measurer.tasks.map(({ file }) => path.basename(file)))).toEqual(new Set([path.basename(probe)]));
    expect(shown(view.records)).toEqual(epochs);
    expect(shown(watching.detailOf(view.run.id).records)).toEqual(epochs);
  });

  it('is followed as it grows, without telling again what is known', async () => {
    await addProbe();
    await recordInTraining(ofTraining(1), ofTraining(1, { layer: 'block1', layerIndex: 1 }));
    const view = await watching.open();
    await until('the first are shown', () => shown(view.records).length === 2);
    const [first] = view.records.filter(isOfTraining);
    await recordInTraining(ofTraining(2));
    await until('the next is shown', () => shown(view.records).length === 3);
    expect(view.records.filter(isOfTraining)[0]).toBe(first);
    // A training that was resumed comes to a moment again.
    await recordInTraining(ofTraining(2, { value: 7 }), ofTraining(3));
    await until('the later value counts', () => shown(view.records).some(([, , value]) => value === 7));
    expect(shown(view.records)).toEqual([[1, 'block0', 12.5], [1, 'block1', 12.5], [2, 'block0', 7], [3, 'block0', 12.5]]);
  });

  it('is shown where the run has no probes, and that is said', async () => {
    await mkdir(watching.path('run'), { recursive: true });
    await writeFile(watching.path('run/log.txt'), '{"epoch": 0, "train_loss": 1}\n');
    await recordInTraining(ofTraining(4));
    const view = await watching.open();
    await until('they are shown', () => shown(view.records).length === 1);
    expect(view.run).toMatchObject({ epoch: 4, note: expect.stringContaining('Only what the training recorded itself') as string });
  });

  it('is in what the command line measures and exports of a run, once, and not of one of its files', async () => {
    await addProbe();
    const other = { metric: 'crr_normalized', layer: 'deep', layerIndex: 5 };
    await recordInTraining(ofTraining(0), ofTraining(7), ofTraining(7, other));
    const measure = (change: Partial<MeasureSourcesRequest> = {}): Promise<MeasureSourcesResult> =>
      measureSources({ target: watching.path('run'), measurer: watching.measurer, options: { ...defaultMeasureOptions, eps2: 0.25 }, save: false, ...change });
    const all = await measure();
    expect(all.measured).toBe(3);
    expect(all.problems).toEqual([]);
    expect(all.records.filter(isOfTraining).map(({ epoch, layer, run, source }) => [epoch, layer, run, source])).toEqual([
      [0, 'block0', 'run', 'training'], [7, 'block0', 'run', 'training'], [7, 'deep', 'run', 'training'],
    ]);
    expect(all.records.findIndex(({ epoch }) => epoch === 7)).toBeGreaterThan(all.records.findIndex(({ epoch }) => epoch === 1));
    expect(shown((await measure({ metrics: ['crr_normalized'] })).records)).toEqual([[7, 'deep', 12.5]]);
    expect(shown((await measure({ acceptLayer: (layer) => layer === 'deep' })).records)).toEqual([[7, 'deep', 12.5]]);
    expect(shown((await measure({ target: watching.path(`run/${probe}`) })).records)).toEqual([]);
    const shards = await Promise.all([1, 2].map((index) => measure({ shard: { index, count: 2 } })));
    expect(shards.flatMap(({ records }) => shown(records))).toHaveLength(3);
  });
});
