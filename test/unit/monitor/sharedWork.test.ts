import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultMeasureOptions } from '../../../src/metrics';
import { measureSources, type MeasureSourcesRequest, type MeasureSourcesResult } from '../../../src/monitor';
import { chooseMetrics } from '../../../src/monitor/fileRecords';
import { lotOfLayer, lotsOf } from '../../../src/monitor/lots';
import { workThrough } from '../../../src/monitor/workThrough';
import { parseRecord, recordKey } from '../../../src/store';
import { writeProbe } from '../worker/writeProbe';
import { FakeMeasurer, firstCount, firstMetrics, until, type View, Watching } from './watching';

const layers = ['block0', 'block1', 'block2'];
const metrics = chooseMetrics(firstMetrics);
let watching: Watching;
let other: Watching | null = null;

beforeEach(async () => {
  watching = await Watching.start({ resultsLocation: 'run' });
});
afterEach(async () => {
  await other?.end();
  other = null;
  await watching.end();
});

const addProbes = async (count: number): Promise<void> => {
  for (let epoch = 1; epoch <= count; epoch += 1) await writeProbe(watching.path(`run/probes/epoch=${String(epoch)}.safetensors`), { epoch });
};
const measure = (measurer: FakeMeasurer, change: Partial<MeasureSourcesRequest> = {}): Promise<MeasureSourcesResult> =>
  measureSources({ target: watching.path('run'), measurer, options: defaultMeasureOptions, metrics, layersAtOnce: 2, ...change });
const stored = async (): Promise<string[]> => (await readFile(watching.path('run/.layerscope/records.jsonl'), 'utf8')).trimEnd().split('\n').map((line) => recordKey(parseRecord(line)));
const isMeasured = (view: View, count: number): boolean => Array.from({ length: count }, (_, i) => view.state(`probes/epoch=${String(i + 1)}.safetensors`)).every((state) => state === 'measured');
/** Layers, each as often as it was measured; one that is measured in two goes is one layer. */
const work = (...measurers: readonly FakeMeasurer[]): number => measurers.flatMap(({ tasks }) => tasks).reduce((sum, task) => sum + task.metrics.length, 0) / firstCount;

describe('several processes that measure one run', () => {
  it('do not measure what another has stored while it waited, nor store again what another ended sooner', async () => {
    await addProbes(4);
    watching.measurer.held = true;
    const view = await watching.open();
    await until('a layer is in work', () => watching.measurer.tasks.length > 0);
    const measurer = new FakeMeasurer();
    const { measured } = await measure(measurer);
    expect([measured, work(measurer)]).toEqual([4 * layers.length, 4 * layers.length]);
    watching.measurer.held = false;
    await until('all probes are measured', () => isMeasured(view, 4));
    expect(watching.measurer.tasks).toHaveLength(1);
    expect(view.records).toHaveLength(4 * layers.length * firstCount);
    const keys = await stored();
    expect(keys).toHaveLength(new Set(keys).size);
  });

  it('measure most layers once when two editors begin at the same moment', async () => {
    await addProbes(12);
    other = await Watching.start({ resultsLocation: 'run' }, new FakeMeasurer(), watching);
    for (const { measurer } of [watching, other]) measurer.pause = 10;
    const views = await Promise.all([watching.open(), other.open()]);
    await until('all probes are measured', () => views.every((view) => isMeasured(view, 12)));
    const all = 12 * layers.length;
    for (const view of views) expect(new Set(view.records.map(recordKey)).size).toBe(all * firstCount);
    expect(work(watching.measurer, other.measurer)).toBeGreaterThanOrEqual(all);
    expect(work(watching.measurer, other.measurer)).toBeLessThan(1.5 * all);
    for (const { measurer } of [watching, other]) expect(work(measurer)).toBeGreaterThan(all / 4);
  });

  it('measure most layers once when two command lines begin at the same moment, and both answer with all records', async () => {
    await addProbes(12);
    const measurers = [new FakeMeasurer(), new FakeMeasurer()] as const;
    for (const measurer of measurers) measurer.pause = 10;
    const results = await Promise.all(measurers.map((measurer, i) => measure(measurer, { lots: lotsOf(String(i)) })));
    const all = 12 * layers.length;
    for (const { records, problems } of results) expect([records.length, problems]).toEqual([all * firstCount, []]);
    expect(results[0]?.records).toEqual(results[1]?.records);
    expect(work(...measurers)).toBeLessThan(1.5 * all);
    for (const measurer of measurers) expect(work(measurer)).toBeGreaterThan(all / 4);
    const keys = await stored();
    expect(new Set(keys).size).toBe(all * firstCount);
    expect(results[0]!.measured + results[1]!.measured).toBe(keys.length / firstCount);
  });

  it('measure only what is missing of a layer of which another has stored a part', async () => {
    await addProbes(1);
    const [slow, quick] = [new FakeMeasurer(), new FakeMeasurer()];
    slow.held = true;
    const whole = measure(slow, { layersAtOnce: 1 });
    await until('a layer is in work', () => slow.tasks.length > 0);
    await measure(quick, { metrics: ['rankme'], acceptLayer: (layer) => layer === 'block2' });
    slow.held = false;
    expect((await whole).records).toHaveLength(layers.length * firstCount);
    expect(slow.tasks.map(({ layer, metrics: { length } }) => [layer, length]).sort()).toEqual([['block0', firstCount], ['block1', firstCount], ['block2', firstCount - 1]]);
  });

  it('measure all of it when asked to measure again', async () => {
    await addProbes(2);
    await measure(new FakeMeasurer());
    const measurers = [new FakeMeasurer(), new FakeMeasurer()];
    await Promise.all(measurers.map((measurer) => measure(measurer, { again: true })));
    expect(measurers.map((measurer) => work(measurer))).toEqual([2 * layers.length, 2 * layers.length]);
  });
});

describe('the order by lot', () => {
  it('is the same for one seed and another for another, and keeps the layers of a file together', () => {
    const files = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const orderOf = (seed: string): string[] => {
      const lots = lotsOf(seed);
      const all = files.flatMap((file) => layers.map((layer) => ({ name: `${file} ${layer}`, at: lotOfLayer(lots, file, layer) })));
      return all.sort((x, y) => y.at - x.at).map(({ name }) => name);
    };
    expect(orderOf('1')).toEqual(orderOf('1'));
    expect(orderOf('1')).not.toEqual(orderOf('2'));
    const runs = orderOf('1').map((name) => name[0]).filter((file, at, list) => file !== list[at - 1]);
    expect([...runs].sort()).toEqual(files);
  });

  it('is gone over to once it is asked for, several items at a time', async () => {
    const begun: number[] = [];
    let [active, most] = [0, 0];
    await workThrough([1, 2, 3, 4, 5, 6], {
      atOnce: 2,
      lotOf: () => (begun.length < 2 ? null : (item) => item),
      act: async (item) => {
        begun.push(item);
        active += 1;
        most = Math.max(most, active);
        await new Promise((resolve) => setTimeout(resolve, 1));
        active -= 1;
      },
    });
    expect([begun, most]).toEqual([[1, 2, 6, 5, 4, 3], 2]);
  });
});
