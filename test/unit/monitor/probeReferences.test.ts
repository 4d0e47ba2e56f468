import { copyFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFormatRegistry } from '../../../src/formats';
import { defaultMeasureOptions, metricsOfPrevious } from '../../../src/metrics';
import { measureSources } from '../../../src/monitor';
import type { LayerTask, MeasureSourcesRequest } from '../../../src/monitor';
import { methodOf, metricsOf } from '../../../src/monitor/fileRecords';
import { JobQueue } from '../../../src/monitor/jobs';
import { Measuring } from '../../../src/monitor/measuring';
import { RunState } from '../../../src/monitor/runState';
import type { Surroundings } from '../../../src/monitor/surroundings';
import { Suspects } from '../../../src/monitor/suspects';
import { TensorWatch } from '../../../src/monitor/tensorWatch';
import type { MeasurementRecord } from '../../../src/protocol';
import type { FileOnDisk } from '../../../src/runs';
import { probeBytes, type ProbeShape, writeProbe } from '../worker/writeProbe';
import { FakeClock } from './fakeClock';
import { metricCount, until, type View, Watching } from './watching';

const layers = ['block0', 'block1', 'block2'];
const probe = (epoch: number, name = 'epoch'): string => `probes/${name}=${String(epoch)}.safetensors`;

let watching: Watching;
beforeEach(async () => {
  watching = await Watching.start({ metrics: [] });
});
afterEach(() => watching.end());

const add = (epoch: number, shape: Partial<ProbeShape> = {}, name = 'epoch'): Promise<void> => writeProbe(watching.path(`run/${probe(epoch, name)}`), { epoch, ...shape });
const measured = (view: View, ...files: string[]): Promise<void> => until(`${files.join(', ')} are measured`, () => files.every((file) => view.state(file) === 'measured'));
/** What the values of a probe are measured against, the same for all layers and metrics. */
const since = (records: readonly MeasurementRecord[], file: string): unknown => {
  const found = records.filter((record) => record.source === file && metricsOfPrevious.includes(record.metric));
  expect(found).toHaveLength(layers.length * metricsOfPrevious.length);
  const [one, ...others] = new Set(found.map(({ options }) => options['since']));
  expect(others).toEqual([]);
  return one;
};
const inOrder = (metrics: readonly string[]): string[] => metricsOf('probe').filter((id) => metrics.includes(id));
/** What was measured of each layer of a probe, in both turns, in the order of the catalog. */
const measuredOf = (tasks: readonly LayerTask[], file: string): string[][] =>
  layers.map((layer) => metricsOf('probe').flatMap((id) => tasks.filter((task) => task.file.endsWith(file) && task.layer === layer && task.metrics.includes(id)).map(() => id)));
const versionOf = (records: readonly MeasurementRecord[], file: string): string => records.find(({ source }) => source === file)?.sourceVersion ?? 'none';

describe('what a probe is compared with, in the monitor', () => {
  it('is the nearest earlier probe, and every layer is measured once, in two turns', async () => {
    for (const epoch of [1, 2, 3, 10]) await add(epoch);
    const view = await watching.open();
    await measured(view, ...[1, 2, 3, 10].map((epoch) => probe(epoch)));
    expect(since(view.records, probe(1))).toBe('');
    expect(since(view.records, probe(3))).toBe(versionOf(view.records, probe(2)));
    expect(since(view.records, probe(10))).toBe(versionOf(view.records, probe(3)));
    await add(11);
    await measured(view, probe(11));
    expect(since(view.records, probe(11))).toBe(versionOf(view.records, probe(10)));
    expect(watching.measurer.tasks).toHaveLength(2 * 5 * layers.length);
    for (const epoch of [1, 2, 3, 10, 11]) expect(measuredOf(watching.measurer.tasks, probe(epoch))).toEqual(layers.map(() => metricsOf('probe')));
  });

  it('is measured anew, and nothing else, when a probe comes between, and found again when it goes', async () => {
    await add(1);
    await add(5);
    const view = await watching.open();
    await measured(view, probe(1), probe(5));
    const before = watching.measurer.tasks.length;
    await add(3);
    await until('it is compared with the new one', () => view.state(probe(3)) === 'measured' && view.records.some(({ source, options }) => source === probe(5) && options['since'] === versionOf(view.records, probe(3))));
    await measured(view, probe(5));
    expect(since(view.records, probe(5))).toBe(versionOf(view.records, probe(3)));
    const tasks = watching.measurer.tasks.slice(before);
    expect(measuredOf(tasks, probe(5))).toEqual(layers.map(() => inOrder(metricsOfPrevious)));
    expect(measuredOf(tasks, probe(3))).toEqual(layers.map(() => metricsOf('probe')));
    await rm(watching.path(`run/${probe(3)}`));
    await watching.monitor.refresh();
    await until('the stored values are shown again', () => view.state(probe(3)) === undefined && view.state(probe(5)) === 'measured');
    expect(since(view.records, probe(5))).toBe(versionOf(view.records, probe(1)));
    expect(watching.measurer.tasks).toHaveLength(before + tasks.length);
  });

  it('is never a probe of other samples', async () => {
    for (const epoch of [1, 2]) {
      await add(epoch);
      await add(epoch, { firstId: 500 }, 'other');
    }
    const view = await watching.open();
    await measured(view, ...[1, 2].flatMap((epoch) => [probe(epoch), probe(epoch, 'other')]));
    expect(since(view.records, probe(2))).toBe(versionOf(view.records, probe(1)));
    expect(since(view.records, probe(2, 'other'))).toBe(versionOf(view.records, probe(1, 'other')));
    expect(since(view.records, probe(1, 'other'))).toBe('');
  });

  it('is known again after a restart, without measuring anything', async () => {
    for (const epoch of [1, 2]) await add(epoch);
    await measured(await watching.open(), probe(1), probe(2));
    watching.measurer.tasks.length = 0;
    await watching.restart();
    const view = await watching.open();
    await measured(view, probe(1), probe(2));
    expect(since(view.records, probe(2))).toBe(versionOf(view.records, probe(1)));
    expect(view.records).toHaveLength(2 * layers.length * metricCount);
    expect(watching.measurer.tasks).toEqual([]);
  });

  it('is told to whoever looks after a process that died, which layers were in work', async () => {
    await add(1);
    const view = await watching.open();
    await measured(view, probe(1));
    const [first] = watching.work;
    expect(first).toEqual([`${view.run.id}\n${versionOf(view.records, probe(1))}\nblock0`]);
    expect(watching.work.at(-1)).toEqual([]);
  });
});

describe('layers that may have ended the process', () => {
  it('are measured last when they were in work once, and left out with a reason after that', async () => {
    await add(1);
    await add(2);
    const first = await watching.open();
    await measured(first, probe(1), probe(2));
    const key = (epoch: number, layer: string): string => `${first.run.id}\n${versionOf(first.records, probe(epoch))}\n${layer}`;
    const suspects = [{ key: key(2, 'block0'), deaths: 1 }, { key: key(2, 'block1'), deaths: 2 }];
    await watching.restart();
    await rm(watching.storage, { recursive: true });
    watching.measurer.tasks.length = 0;
    watching.monitor.setSuspects(suspects);
    const view = await watching.open();
    await until('all is measured that can be', () => view.state(probe(1)) === 'measured' && view.state(probe(2)) === 'problem' && watching.measurer.tasks.length === 2 * 5);
    expect(watching.measurer.tasks.at(-1)).toMatchObject({ layer: 'block0', file: watching.path(`run/${probe(2)}`) });
    expect(view.run.problems).toEqual([{ file: probe(2), place: 'layer block1', severity: 'error', reason: expect.stringMatching(/left out: the background worker died 2 times/) }]);
    watching.monitor.setSuspects([{ key: key(2, 'block1'), deaths: 1 }]);
    await watching.monitor.measure(view.run.id, { again: false });
    await measured(view, probe(2));
    expect(view.run.problems).toEqual([]);
  });
});

describe('what a probe is compared with, on the command line', () => {
  const measure = (change: Partial<MeasureSourcesRequest> = {}) =>
    measureSources({ target: watching.path('run'), measurer: watching.measurer, options: defaultMeasureOptions, save: false, ...change });

  it('is looked up in the run of a single probe, when it is needed', async () => {
    for (const epoch of [1, 2, 3]) await add(epoch);
    await writeFile(watching.path('run/probes/epoch=0.safetensors'), probeBytes({ epoch: 0 }).subarray(0, 500));
    const all = await measure();
    const target = watching.path(`run/${probe(3)}`);
    const one = await measure({ target });
    expect(since(one.records, probe(3))).toBe(versionOf(all.records, probe(2)));
    expect(one.problems).toEqual([]);
    watching.measurer.tasks.length = 0;
    await measure({ target, metrics: ['rankme'] });
    expect(watching.measurer.tasks.map((task) => task.kind === 'features' && task.previous)).toEqual(layers.map(() => null));
  });

  it('is the same for every shard', async () => {
    for (const epoch of [1, 2, 3, 4]) await add(epoch);
    const whole = await measure();
    for (const index of [1, 2]) {
      const { records } = await measure({ shard: { index, count: 2 } });
      for (const file of new Set(records.map(({ source }) => source))) expect(since(records, file)).toBe(since(whole.records, file));
    }
  });

  it('is nothing for a copy that does not say where in training it is', async () => {
    for (const epoch of [1, 2]) await add(epoch, { isPlaced: false });
    await copyFile(watching.path(`run/${probe(2)}`), watching.path('run/probes/last.safetensors'));
    const { records } = await measure();
    expect(since(records, probe(2))).toBe(versionOf(records, probe(1)));
    expect(since(records, 'probes/last.safetensors')).toBe('');
    expect(records).toHaveLength(3 * layers.length * metricCount);
    watching.measurer.tasks.length = 0;
    const view = await watching.open();
    await measured(view, probe(1), probe(2), 'probes/last.safetensors');
    expect(since(view.records, probe(2))).toBe(versionOf(records, probe(1)));
    expect(since(view.records, 'probes/last.safetensors')).toBe('');
    const ofOriginalOrCopy = watching.measurer.tasks.filter(({ file }) => !file.endsWith(probe(1)));
    expect(ofOriginalOrCopy.flatMap(({ metrics }) => metrics)).toHaveLength(layers.length * (metricCount + metricsOfPrevious.length));
  });
});

describe('a probe whose neighbours take long to look at', () => {
  it('is measured without what it is compared with first, and that is added', async () => {
    const clock = new FakeClock();
    const state = new RunState('run', watching.path('run'), 'run', () => undefined);
    const files = new Map<string, TensorWatch>();
    const registry = createFormatRegistry();
    const surroundings = {
      clock, registry, queue: new JobQueue(1, () => undefined), methodOf, metricsOf, options: () => defaultMeasureOptions, measurer: () => watching.measurer,
      measureAutomatically: () => true, measureWeights: () => true, suspects: new Suspects(() => undefined),
      poller: { hint: () => undefined }, rescan: () => undefined, log: () => undefined,
    } as unknown as Surroundings;
    const measuring = new Measuring(state, files, surroundings, { read: [], write: [] }, () => undefined, () => undefined);
    for (const epoch of [1, 2]) {
      await add(epoch);
      const disk = { ...probeOnDisk(probe(epoch)), absolutePath: watching.path(`run/${probe(epoch)}`) };
      const watch = new TensorWatch(state, disk, { registry, gate: { check: () => Promise.resolve({ state: 'ready', reason: '' }), forget: () => undefined }, inspect: (action: () => Promise<unknown>) => action(), inspected: () => undefined, voided: () => undefined, missing: () => undefined } as never);
      state.setFile(disk);
      files.set(disk.path, watch);
      await watch.look();
      await measuring.inspected(watch);
    }
    await clock.pass(1_000);
    expect(watching.measurer.tasks).toEqual([]);
    await clock.pass(2_000);
    await surroundings.queue.idle();
    const without = metricsOf('probe').filter((id) => !metricsOfPrevious.includes(id));
    for (const epoch of [1, 2]) expect(measuredOf(watching.measurer.tasks, probe(epoch))).toEqual(layers.map(() => without));
    watching.measurer.tasks.length = 0;
    measuring.settle();
    await surroundings.queue.idle();
    for (const epoch of [1, 2]) expect(measuredOf(watching.measurer.tasks, probe(epoch))).toEqual(layers.map(() => inOrder(metricsOfPrevious)));
    const records = state.recordsOfSources().flat();
    expect(since(records, probe(2))).toBe(versionOf(records, probe(1)));
  });
});

function probeOnDisk(name: string): FileOnDisk {
  return { kind: 'probe', path: name, absolutePath: name, formatId: 'safetensors', format: 'safetensors probe', bytes: 0, modified: 0, epoch: null, step: null, problem: null };
}
