import { rm, utimes } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultMeasureOptions } from '../../../src/metrics';
import { measureSources } from '../../../src/monitor';
import { writeCheckpoint } from '../worker/writeCheckpoint';
import { writeProbe } from '../worker/writeProbe';
import { FakeMeasurer, firstCount, metricCount, until, type View, Watching, weightMetricCount } from './watching';

const layers = ['block0', 'block1'];
const checkpoint = (epoch: number): string => `checkpoints/epoch=${String(epoch)}.safetensors`;

let watching: Watching;
beforeEach(async () => {
  watching = await Watching.start();
});
afterEach(() => watching.end());

const add = (epoch: number): Promise<void> => writeCheckpoint(watching.path(`run/${checkpoint(epoch)}`), { epoch });
const settled = (view: View, ...epochs: number[]): Promise<void> =>
  until(`checkpoints ${epochs.join(', ')} are measured`, () => epochs.every((epoch) => view.state(checkpoint(epoch)) === 'measured'));
const since = (view: View, epoch: number, metric = 'drift_prev'): unknown => {
  const found = view.records.filter((record) => record.source === checkpoint(epoch) && record.metric === metric && record.layer === 'block0');
  expect(found).toHaveLength(1);
  return found[0]?.options['since'];
};
const versionOf = (view: View, epoch: number): string => view.records.find(({ source }) => source === checkpoint(epoch))?.sourceVersion ?? '';

describe('checkpoints in the monitor', () => {
  it('are measured after the probes, in a list of layers of their own', async () => {
    watching.measurer.held = true;
    await writeProbe(watching.path('run/probes/epoch=1.safetensors'), { epoch: 1 });
    await add(1);
    await add(2);
    const view = await watching.open();
    await until('a task is running', () => watching.measurer.tasks.length > 0);
    watching.measurer.held = false;
    await settled(view, 1, 2);
    expect(view.layers).toEqual(['block0', 'block1', 'block2']);
    expect(watching.detailOf(view.run.id).weightLayers).toEqual(layers);
    expect(view.records.filter(({ split }) => split === null)).toHaveLength(2 * layers.length * weightMetricCount);
    expect(view.records.filter(({ split }) => split !== null)).toHaveLength(3 * firstCount);
    const kinds = watching.measurer.tasks.map(({ kind }) => kind).slice(1);
    expect(kinds).toEqual([...kinds].sort());
    expect(view.run.health).toBe('unknown');
  });

  it('name the checkpoint that a drift is measured from, also when one comes between them', async () => {
    await add(1);
    await add(5);
    const view = await watching.open();
    await settled(view, 1, 5);
    expect(since(view, 1)).toBe('');
    expect(since(view, 5)).toBe(versionOf(view, 1));
    const before = watching.measurer.tasks.length;
    await add(3);
    await settled(view, 1, 3, 5);
    await until('the drift is measured anew', () => since(view, 5) === versionOf(view, 3));
    expect(since(view, 3)).toBe(versionOf(view, 1));
    expect(since(view, 5, 'drift_first')).toBe(versionOf(view, 1));
    // Two layers of the new one with everything, and two of the next one with nothing but the drift.
    expect(watching.measurer.tasks.slice(before).map(({ metrics }) => metrics.length).sort((a, b) => a - b)).toEqual([1, 1, weightMetricCount, weightMetricCount]);
    await rm(watching.path(`run/${checkpoint(3)}`));
    await watching.monitor.refresh();
    await until('the stored drift is shown again', () => view.state(checkpoint(3)) === undefined && since(view, 5) === versionOf(view, 1));
    expect(watching.measurer.tasks).toHaveLength(before + 4);
  });

  it('are left alone until somebody looks, unless they are new', async () => {
    for (const epoch of [1, 2]) {
      await add(epoch);
      const file = watching.path(`run/${checkpoint(epoch)}`);
      if (epoch === 1) await utimes(file, new Date(0), new Date(0));
    }
    const [run] = await watching.watch();
    const state = (epoch: number): string | undefined => watching.runs.get(run?.id ?? '')?.files.find(({ path: name }) => name === checkpoint(epoch))?.state;
    await until('the new one is measured', () => state(2) === 'measured');
    expect(state(1)).toBe('found');
    const view = await watching.open();
    await settled(view, 1, 2);
  });

  it('wait for Measure Now where the setting says so', async () => {
    await add(1);
    await watching.watch({ measureWeights: false });
    const view = await watching.open();
    await until('it was opened', () => view.run.files.some(({ layers: count }) => count === 2));
    expect([view.state(checkpoint(1)), watching.measurer.tasks.length]).toEqual(['found', 0]);
    await watching.monitor.measure(view.run.id, { again: false });
    await settled(view, 1);
    expect(view.run.note).toMatch(/^Only weights are measured/);
  });
});

describe('measuring the checkpoints of a run', () => {
  const options = defaultMeasureOptions;

  it('takes probes and checkpoints, or what the metrics ask for', async () => {
    await writeProbe(watching.path('run/probes/epoch=1.safetensors'), { epoch: 1 });
    for (const epoch of [1, 2, 3]) await add(epoch);
    const measurer = new FakeMeasurer();
    const target = watching.path('run');
    const weights = await measureSources({ target, measurer, options, metrics: ['ww_alpha', 'drift_prev'], save: false });
    expect(weights.records.map(({ source, layer, metric }) => `${path.basename(source)} ${layer} ${metric}`)).toEqual(
      [1, 2, 3].flatMap((epoch) => layers.flatMap((layer) => ['ww_alpha', 'drift_prev'].map((metric) => `epoch=${epoch}.safetensors ${layer} ${metric}`))),
    );
    const all = await measureSources({ target, measurer, options });
    expect(all.records).toHaveLength(3 * metricCount + 3 * layers.length * weightMetricCount);
    expect((await measureSources({ target, measurer, options })).measured).toBe(0);
  });

  it('measures the drift of one checkpoint against the others of its run', async () => {
    for (const epoch of [1, 2, 3]) await add(epoch);
    const target = watching.path(`run/${checkpoint(3)}`);
    const { records, measured } = await measureSources({ target, measurer: new FakeMeasurer(), options, metrics: ['drift_prev'], save: false });
    expect(measured).toBe(2);
    const previous = await measureSources({ target: watching.path(`run/${checkpoint(2)}`), measurer: new FakeMeasurer(), options, metrics: ['ww_alpha'], save: false });
    expect(records.map((record) => record.options['since'])).toEqual([previous.records[0]?.sourceVersion, previous.records[0]?.sourceVersion]);
  });

  it('says when a file has nothing of what is asked for', async () => {
    await add(1);
    const target = watching.path(`run/${checkpoint(1)}`);
    await expect(measureSources({ target, measurer: new FakeMeasurer(), options, metrics: ['rankme'] })).rejects.toThrow(/is a checkpoint: rankme cannot be measured of it/);
  });
});
