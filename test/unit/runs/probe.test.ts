import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memorySource, openFile } from '../../../src/formats';
import { safetensors } from '../../../src/formats/safetensors';
import type { LayerFeatures } from '../../../src/metrics/contract';
import { openProbe, probeOf } from '../../../src/runs';
import { failure, fixturePath, safetensorsOf, type FloatTensor } from '../formats/build';

const noSiblings = () => Promise.reject(new Error('no siblings'));

async function probe(tensors: Readonly<Record<string, FloatTensor>>, metadata?: Record<string, string>, name = 'probes/epoch=0012.safetensors') {
  return probeOf(await safetensors.open(memorySource(name, safetensorsOf(tensors, metadata)), noSiblings), name);
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const layer = (rows: number, d: number): FloatTensor => ({ shape: [rows, d], values: range(rows * d) });
const ints = (...values: number[]): FloatTensor => ({ shape: [values.length], values, dtype: 'I32' });

describe('a probe', () => {
  it('written by safetensors has layers, samples, splits, labels and its place in training', async () => {
    const opened = await openProbe(fixturePath('probes/probe.safetensors'), { name: 'probes/probe.safetensors' });
    expect(opened).toMatchObject({ epoch: 12, step: 3400, rows: 48, samples: 12, problems: [] });
    expect(opened.layers).toEqual([
      { name: 'stem', index: 0, width: 5, dtype: 'F32' },
      { name: 'head', index: 1, width: 3, dtype: 'F16' },
    ]);
    expect(opened.rowMetadata.map(({ name }) => name)).toEqual(['sharpness']);
    expect(opened.metadata['model']).toBe('tiny');
    const head: LayerFeatures = await opened.readLayer('head');
    expect(head.features).toMatchObject({ rows: 48, columns: 3 });
    expect(head.features.data).toHaveLength(144);
    expect([...head.sample.slice(0, 9)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2]);
    expect(head.sampleIds.slice(0, 2)).toEqual([100n, 101n]);
    expect([...head.split]).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
    expect([...head.label.slice(0, 3)]).toEqual([1, 2, 0]);
    await opened.close();
  });

  it('gives only the rows of a part where they lie together, with all samples; otherwise all rows', async () => {
    const together = await probe({ a: layer(4, 2), sample_id: ints(5, 5, 6, 7), split: ints(0, 0, 1, 1) });
    const own = await together.readLayer('a', 1);
    expect(own.features).toEqual({ rows: 2, columns: 2, data: Float32Array.of(4, 5, 6, 7) });
    expect([...own.sample]).toEqual([1, 2]);
    expect(own.sampleIds).toEqual([5n, 6n, 7n]);
    expect(own.firstRow).toBe(2);
    expect((await together.readLayer('a', 0)).features.rows).toBe(2);
    expect((await together.readLayer('a')).features.rows).toBe(4);
    const mixed = await probe({ a: layer(4, 2), sample_id: ints(5, 6, 7, 8), split: ints(0, 1, 0, 1) });
    expect((await mixed.readLayer('a', 1)).features.rows).toBe(4);
    const alone = await probe({ a: layer(4, 2) });
    expect((await alone.readLayer('a', 1)).features.rows).toBe(4);
    const views = await probe({ a: { shape: [3, 2, 1], values: range(6) }, split: ints(0, 1, 1) });
    expect([...(await views.readLayer('a', 1)).features.data]).toEqual([2, 3, 4, 5]);
  });

  it('by sample and view has one entry a sample for split and label', async () => {
    const opened = await openProbe(fixturePath('probes/views.npz'));
    expect(opened).toMatchObject({ epoch: 3, step: 90, rows: 24, samples: 6, problems: [] });
    const late = await opened.readLayer('late');
    expect(late.features).toMatchObject({ rows: 24, columns: 2 });
    expect(late.features.data).toBeInstanceOf(Float64Array);
    expect([...late.sample.slice(0, 5)]).toEqual([0, 0, 0, 0, 1]);
    expect([...late.split]).toEqual([0, 0, 0, 1, 1, 1]);
    expect([...late.label]).toEqual([0, 1, 2, 0, 1, -1]);
    await opened.close();
  });

  it('by sample and view may also have one entry a row, and ids', async () => {
    const views: FloatTensor = { shape: [2, 3, 1], values: range(6) };
    const opened = await probe({ a: views, sample_id: ints(9, 7), split: ints(1, 1, 1, 0, 0, 0) });
    const read = await opened.readLayer('a');
    expect(read.sampleIds).toEqual([9n, 7n]);
    expect([...read.split]).toEqual([1, 0]);
    expect([...read.sample]).toEqual([0, 0, 0, 1, 1, 1]);
  });

  it('without anything else has every row as a sample of its own, seen in training, without label', async () => {
    const opened = await probe({ b10: layer(3, 2), b2: layer(3, 4) });
    expect(opened).toMatchObject({ epoch: 12, step: null, rows: 3, samples: 3, problems: [] });
    expect(opened.layers.map(({ name }) => name)).toEqual(['b2', 'b10']);
    const read = await opened.readLayer('b10');
    expect([...read.sample]).toEqual([0, 1, 2]);
    expect([...read.split]).toEqual([0, 0, 0]);
    expect([...read.label]).toEqual([-1, -1, -1]);
    expect(read.layerIndex).toBe(1);
  });

  it('takes whole numbers written as floats', async () => {
    const opened = await probe({ a: layer(2, 1), split: { shape: [2], values: [0, 1] }, sample_id: { shape: [2], values: [5, 6], dtype: 'F64' } });
    expect([...(await opened.readLayer('a')).split]).toEqual([0, 1]);
  });

  it('takes its place in training from the metadata before the name', async () => {
    expect(await probe({ a: layer(1, 1) }, { epoch: '3.5', step: '7' })).toMatchObject({ epoch: 3.5, step: 7 });
    expect(await probe({ a: layer(1, 1) }, {}, 'probes/step=8.safetensors')).toMatchObject({ epoch: null, step: 8 });
    const wrong = await probe({ a: layer(1, 1) }, { epoch: 'three' });
    expect(wrong).toMatchObject({ epoch: 12 });
    expect(wrong.problems).toMatchObject([{ place: 'metadata epoch', reason: '"three" is not a number from 0; the file name is used instead' }]);
  });

  it('does not refuse NaN and zeros: the metrics say what follows', async () => {
    const opened = await probe({ a: { shape: [2, 2], values: [NaN, 0, 0, Infinity] } });
    expect(opened.problems).toEqual([]);
    expect([...(await opened.readLayer('a')).features.data]).toEqual([NaN, 0, 0, Infinity]);
  });
});

describe('a probe with parts that are wrong', () => {
  it('leaves out a layer with another number of rows than sample_id, and keeps the index of the others', async () => {
    const opened = await probe({ a1: layer(4, 2), a2: layer(3, 2), a3: layer(4, 2), sample_id: ints(0, 0, 1, 1) });
    expect(opened.problems).toEqual([
      { file: 'probes/epoch=0012.safetensors', place: 'tensor a2', reason: 'has 3 rows where sample_id has 4; the layer is left out', severity: 'warning' },
    ]);
    expect(opened.layers.map(({ name, index }) => [name, index])).toEqual([['a1', 0], ['a3', 2]]);
    expect((await failure(opened.readLayer('a2'))).place).toBe('tensor a2');
    expect((await opened.readLayer('a3')).layerIndex).toBe(2);
  });

  it('believes sample_id even when most layers differ from it', async () => {
    const opened = await probe({ a1: layer(3, 2), a2: layer(3, 2), a3: layer(4, 2), sample_id: ints(0, 0, 1, 1) });
    expect(opened.layers.map(({ name }) => name)).toEqual(['a3']);
  });

  it('believes most layers when there is no tensor of samples', async () => {
    const opened = await probe({ a1: layer(3, 2), a2: layer(4, 2), a3: layer(4, 2) });
    expect(opened.problems).toMatchObject([{ place: 'tensor a1', reason: 'has 3 rows where 2 other layers have 4; the layer is left out' }]);
  });

  it('leaves out layers by sample and view with another number of views', async () => {
    const opened = await probe({ a: { shape: [2, 6, 1], values: range(12) }, b: { shape: [4, 3, 1], values: range(12) }, c: { shape: [4, 3, 2], values: range(24) } });
    expect(opened.problems).toMatchObject([{ place: 'tensor a', reason: 'has 6 views a sample where others have 3; the layer is left out' }]);
    expect(opened.samples).toBe(4);
  });

  it('asks to pool tokens, and takes the other layers', async () => {
    const opened = await probe({ tokens: { shape: [2, 3, 2, 1], values: range(12) }, pooled: layer(2, 2) });
    expect(opened.problems).toMatchObject([{ place: 'tensor tokens', reason: expect.stringContaining('has 4 axes [2, 3, 2, 1]; pool it to [rows, d]') as string }]);
    expect(opened.layers.map(({ name }) => name)).toEqual(['pooled']);
  });

  it('says which tensors are no layers', async () => {
    const opened = await probe({ a: layer(2, 2), crops: { shape: [2, 4], values: range(8), dtype: 'I32' }, none: { shape: [0, 4], values: [] } });
    expect(opened.problems.map(({ place, severity }) => [place, severity])).toEqual([['tensor crops', 'info'], ['tensor none', 'warning']]);
  });

  it.each([
    ['not json', 'is not a JSON array of tensor names; the layers are in natural order of their names', ['a', 'b']],
    ['[1, 2]', 'is not a JSON array of tensor names; the layers are in natural order of their names', ['a', 'b']],
    ['["b"]', 'does not name a; it comes last', ['b', 'a']],
    ['["b", "x", "a"]', 'names x, which the file does not hold as a layer', ['b', 'a']],
  ])('with %j as its layers says so', async (layers, reason, order) => {
    const opened = await probe({ a: layer(2, 2), b: layer(2, 2) }, { layers });
    expect(opened.problems).toMatchObject([{ place: 'metadata layers', reason }]);
    expect(opened.layers.map(({ name }) => name)).toEqual(order);
  });

  it.each([
    ['is too short', ints(1, 2), 'has shape [2], but needs one entry for each of the 3 rows'],
    ['is a matrix', { shape: [3, 1], values: [0, 1, 2], dtype: 'I32' } as FloatTensor, 'has shape [3, 1], but needs one entry a row'],
    ['is not whole', { shape: [3], values: [1, 1.5, 2] }, 'entry 1 is 1.5, not a whole number'],
    ['is below -1', ints(0, -2, 0), 'entry 1 is -2, but a label is a class from 0, or -1 for none'],
  ])('whose label %s counts as not labelled', async (_, label, reason) => {
    const opened = await probe({ a: layer(3, 2), label });
    expect(opened.problems).toEqual([{ file: 'probes/epoch=0012.safetensors', place: 'tensor label', reason: `${reason}; all samples count as not labelled`, severity: 'warning' }]);
    expect([...(await opened.readLayer('a')).label]).toEqual([-1, -1, -1]);
  });

  it('whose views of one sample have different labels counts as not labelled', async () => {
    const opened = await probe({ a: layer(2, 2), sample_id: ints(4, 4), label: ints(1, 2) });
    expect(opened.problems).toMatchObject([{ reason: 'rows 0 and 1 are views of one sample, but have the labels 1 and 2; all samples count as not labelled' }]);
  });
});

describe('a probe that cannot be used', () => {
  it.each([
    ['without a tensor', {}, '', 'is empty: it holds no tensor'],
    ['without layers', { sample_id: ints(1, 2) }, '', 'holds no layer'],
    ['with nothing but tokens', { tokens: { shape: [2, 3, 2, 1], values: range(12) } }, 'tensor tokens', 'pool it to [rows, d]'],
    ['with too few ids', { a: layer(3, 1), sample_id: ints(1, 2) }, 'tensor sample_id', 'has shape [2], but needs one entry for each of the 3 rows'],
    ['with ids that are not whole', { a: layer(2, 1), sample_id: { shape: [2], values: [0, 0.5] } }, 'tensor sample_id', 'entry 1 is 0.5, not a whole number'],
    ['with ids that are no numbers', { a: layer(2, 1), sample_id: { shape: [2], values: [0, NaN] } }, 'tensor sample_id', 'entry 1 is NaN, not a whole number'],
    ['with a split of 2', { a: layer(2, 1), split: ints(0, 2) }, 'tensor split', 'entry 1 is 2, but a split is 0 (seen in training) or 1 (held out)'],
    [
      'with a sample in both splits',
      { a: layer(3, 1), sample_id: ints(5, 6, 5), split: ints(0, 0, 1) },
      'tensor split',
      'the sample of row 2 is also that of row 0, but in the other split: held-out samples were seen in training',
    ],
    ['with too many rows', { a: { shape: [1_000_001, 1], values: new Array<number>(1_000_001).fill(0) } }, '', 'has 1000001 rows, more than the limit of 1000000'],
  ] as [string, Record<string, FloatTensor>, string, string][])('%s is refused with place and reason', async (_, tensors, place, reason) => {
    const error = await failure(probe(tensors));
    expect(error).toMatchObject({ file: 'probes/epoch=0012.safetensors', place });
    expect(error.reason).toContain(reason);
  });

  it('because it is truncated is refused, and its file is closed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'layerscope-probe-'));
    const path = join(folder, 'a.safetensors');
    writeFileSync(path, safetensorsOf({ a: layer(3, 2) }).subarray(0, -1));
    const error = await failure(openProbe(path, { name: 'probes/a.safetensors' }));
    expect(error.message).toMatch(/^probes\/a\.safetensors, tensor a: its values end at byte \d+, but the file has only \d+: truncated or still being written$/);
    rmSync(folder, { recursive: true });
  });

  it('because it was deleted while it was read says so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'layerscope-probe-'));
    const path = join(folder, 'a.safetensors');
    writeFileSync(path, safetensorsOf({ a: layer(3, 2) }));
    const source = await openFile(path, { name: 'probes/a.safetensors' });
    const opened = await probeOf(await safetensors.open(source, noSiblings), 'probes/a.safetensors');
    rmSync(folder, { recursive: true });
    expect((await failure(opened.readLayer('a'))).message).toBe('probes/a.safetensors: was deleted while it was read');
    await source.close();
  });
});
