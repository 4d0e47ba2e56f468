import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineUnavailable } from '../../../src/linalg';
import { defaultMeasureOptions } from '../../../src/metrics';
import { measureSources } from '../../../src/monitor';
import type { MeasureSourcesRequest, MeasureSourcesResult } from '../../../src/monitor';
import type { MeasureProgress, MeasurementRecord } from '../../../src/protocol';
import { mergeRecords, recordKey } from '../../../src/store';
import { probeBytes, writeProbe } from '../worker/writeProbe';
import { FakeMeasurer, metricCount } from './watching';

const layers = ['block0', 'block1', 'block2'];
let parent: string;
let run: string;
let measurer: FakeMeasurer;

beforeEach(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'layerscope-measure-'));
  run = path.join(parent, 'run');
  measurer = new FakeMeasurer();
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const addProbe = (epoch: number): Promise<void> => writeProbe(path.join(run, `probes/epoch=${epoch}.safetensors`), { epoch });
const measure = (change: Partial<MeasureSourcesRequest> = {}): Promise<MeasureSourcesResult> =>
  measureSources({ target: run, measurer, options: defaultMeasureOptions, ...change });

describe('measuring the sources of a run', () => {
  it('measures all probes in order and keeps the records beside the run', async () => {
    for (const epoch of [2, 10, 1]) await addProbe(epoch);
    const told: MeasurementRecord[] = [];
    const progress: MeasureProgress[] = [];
    const result = await measure({ onRecords: (records) => told.push(...records), onProgress: (now) => progress.push(now) });
    expect(result).toMatchObject({ folder: run, run: 'run', problems: [], measured: 9 });
    expect(result.records).toHaveLength(9 * metricCount);
    expect([...new Set(result.records.map(({ epoch, layer }) => `${epoch} ${layer}`))]).toEqual([1, 2, 10].flatMap((epoch) => layers.map((layer) => `${epoch} ${layer}`)));
    expect(result.records[0]).toMatchObject({ run: 'run', source: 'probes/epoch=1.safetensors', epoch: 1, step: 10 });
    expect(told.map(recordKey).sort()).toEqual(result.records.map(recordKey).sort());
    expect(progress.at(-1)).toMatchObject({ done: 9, total: 9 });
    const again = await measure();
    expect(again.measured).toBe(0);
    expect(again.records).toEqual(result.records);
    expect(measurer.tasks).toHaveLength(9);
  });

  it('measures again when told to, and saves nothing when told not to', async () => {
    await addProbe(1);
    expect((await measure({ save: false })).records).toHaveLength(3 * metricCount);
    expect(await readdir(run)).toEqual(['probes']);
    expect((await measure()).measured).toBe(3);
    const again = await measure({ again: true });
    expect(again.measured).toBe(3);
    expect(again.records).toHaveLength(3 * metricCount);
  });

  it('measures one probe file of a run, and only the chosen layers and metrics', async () => {
    await addProbe(1);
    await addProbe(2);
    const target = path.join(run, 'probes/epoch=2.safetensors');
    const result = await measure({ target, metrics: ['rankme'], acceptLayer: (layer) => layer !== 'block1' });
    expect(result.records.map(({ source, layer, metric }) => [source, layer, metric])).toEqual([
      ['probes/epoch=2.safetensors', 'block0', 'rankme'], ['probes/epoch=2.safetensors', 'block2', 'rankme'],
    ]);
    expect(result.folder).toBe(run);
  });

  it('divides the probes between shards whose records merge to those of one go', async () => {
    for (let epoch = 1; epoch <= 5; epoch += 1) await addProbe(epoch);
    const parts: MeasureSourcesResult[] = [];
    for (const index of [1, 2, 3]) parts.push(await measure({ shard: { index, count: 3 }, save: false }));
    const whole = await measure({ save: false });
    expect(parts.map(({ measured }) => measured / 3).sort()).toEqual([1, 2, 2]);
    expect(mergeRecords(...parts.map(({ records }) => records)).map(recordKey).sort()).toEqual(whole.records.map(recordKey).sort());
    for (const index of [1, 2, 3]) await measure({ shard: { index, count: 3 } });
    expect((await readdir(path.join(run, '.layerscope'))).sort()).toEqual([1, 2, 3].map((index) => `records-shard-${index}-of-3.jsonl`));
    expect((await measure()).measured).toBe(0);
  });

  it('makes bad files and failed layers problems and measures the rest', async () => {
    await addProbe(1);
    await writeFile(path.join(run, 'probes/epoch=2.safetensors'), probeBytes({ epoch: 2 }).subarray(0, 500));
    measurer.failLayer = (layer) => (layer === 'block2' ? new Error('a fault') : null);
    const { records, problems } = await measure();
    expect(new Set(records.map(({ layer }) => layer))).toEqual(new Set(['block0', 'block1']));
    expect(problems).toEqual(expect.arrayContaining([
      expect.objectContaining({ file: 'probes/epoch=1.safetensors', place: 'layer block2', reason: 'a fault' }),
      expect.objectContaining({ file: 'probes/epoch=2.safetensors', severity: 'error' }),
    ]));
  });

  it('measures a copy with its original', async () => {
    await addProbe(1);
    await copyFile(path.join(run, 'probes/epoch=1.safetensors'), path.join(run, 'probes/last.safetensors'));
    const { records, measured } = await measure();
    expect(measured).toBe(3);
    expect(records).toHaveLength(3 * metricCount);
  });

  it('keeps finished layers when it is aborted', async () => {
    await addProbe(1);
    const controller = new AbortController();
    const aborted = measure({ signal: controller.signal, onRecords: () => controller.abort() });
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    expect((await measure()).measured).toBeLessThan(3);
  });

  it('ends with the reason when there is no engine', async () => {
    await addProbe(1);
    measurer.failLayer = () => new EngineUnavailable('onnxruntime', 'the library is missing');
    await expect(measure()).rejects.toThrow(/library is missing/);
  });

  it('names what is wrong with the request', async () => {
    await addProbe(1);
    await expect(measure({ metrics: ['rankme', 'nonsense'] })).rejects.toThrow(/no metric "nonsense".*Known: .*rankme/);
    await expect(measure({ shard: { index: 4, count: 3 } })).rejects.toThrow(/not 4\/3/);
    await expect(measure({ target: parent })).rejects.toThrow(/runs below it: run/);
    await expect(measure({ target: path.join(run, 'missing') })).rejects.toThrow(/missing.*does not exist/);
    await writeFile(path.join(run, 'probes/bad.safetensors'), 'nothing');
    await expect(measure({ target: path.join(run, 'probes/bad.safetensors') })).rejects.toMatchObject({ name: 'FormatError' });
  });
});
