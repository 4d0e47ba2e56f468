import { describe, expect, it } from 'vitest';
import { metricInfo } from '../../../src/metrics';
import { reportDocument, type ReportedRun } from '../../../src/report';
import { type Block, plainText, type Section, type Table } from '../../../src/report/blocks';
import { spreadOver } from '../../../src/report/moments';
import { formatValue } from '../../../src/report/numbers';
import { allBlocks, finding, record, reported } from './runs';

const options = { at: new Date('2026-03-01T09:30:00Z'), version: '1.2.3' };
const blocksOf = (...runs: ReportedRun[]): readonly Block[] => allBlocks(reportDocument(runs, options).blocks);
const sections = (blocks: readonly Block[]): string[] => blocks.filter((block): block is Section => block.kind === 'section').map(({ heading }) => plainText(heading));
const tables = (blocks: readonly Block[]): Table[] => blocks.filter((block): block is Table => block.kind === 'table');
const tableOf = (blocks: readonly Block[], caption: string): Table => {
  const found = tables(blocks).find((table) => plainText(table.caption).startsWith(caption));
  if (found === undefined) throw new Error(`no table ${caption}; there are ${tables(blocks).map((table) => plainText(table.caption)).join('; ')}`);
  return found;
};
const paragraphs = (blocks: readonly Block[]): string[] => blocks.flatMap((block) => (block.kind === 'paragraph' ? [plainText(block.text)] : []));
const facts = (blocks: readonly Block[]): Record<string, string> => Object.fromEntries(blocks.flatMap((block) => (block.kind === 'facts' ? block.entries : [])).map(([name, text]) => [name, plainText(text)]));
const series = (epochs: readonly number[], change: Parameters<typeof record>[0] = {}) => epochs.map((epoch) => record({ epoch, value: epoch / 10, ...change }));

describe('the document of a report', () => {
  it('says of a run how it is, how far, what was found, the values of what was found, how it was measured, warnings and problems, in this order', () => {
    const blocks = blocksOf(reported(series([1, 2, 3]), { findings: [finding()], health: 'act' }));
    expect(sections(blocks)).toEqual([
      'Run run', 'Findings', 'act: Late layers memorize since epoch 3', 'Coding rate reduction', 'All measures', 'How it was measured', 'Warnings', 'Problems of files',
    ]);
    expect(facts(blocks)).toMatchObject({
      Health: 'act: something was found that calls for a decision', 'How far': 'epoch 3', Files: 'none', Layers: 'block0', 'Seen in': 'Coding rate reduction',
      Since: 'between epoch 2, where it was not visible, and epoch 3; established at epoch 3', Layerscope: '1.2.3', 'Width of the layers': '8 (block0)',
    });
    expect(facts(blocks)['Engine']).toMatch(/^onnxruntime 1\.30\.0/);
    expect(paragraphs(blocks)).toEqual(expect.arrayContaining(['The gap grew.', 'It is beyond noise.', 'What to do']));
  });

  it('shows the evidence of a finding with value, interval, rows, views and epoch', () => {
    const { columns, rows } = tableOf(blocksOf(reported([record()], { findings: [finding()] })), 'Evidence');
    expect([columns, rows.map(({ header, cells }) => [header, ...cells.map(({ text }) => text)].map(plainText))]).toEqual([
      ['measure', 'epoch', 'value', 'low, 95\u00a0%', 'high, 95\u00a0%', 'n', 'views', 'method'],
      [['block0', 'Coding rate reduction (nats), gap', '3', '0.25', '0.15', '0.35', '64', '8', '1']],
    ]);
  });

  it('never says that all is well where nothing was found, but what was looked at', () => {
    const looked = paragraphs(blocksOf(reported([...series([1, 2, 3]), ...series([1, 2, 3], { layer: 'block1', layerIndex: 1 })], { health: 'healthy' })));
    expect(looked.find((text) => text.startsWith('No findings.'))).toMatch(/6 gaps between training and held-out samples with their uncertainty, in 2 layers at 3 checkpoints, by Coding rate reduction\./);
    const nothing = paragraphs(blocksOf(reported([record({ split: 'train' })])));
    expect(nothing.find((text) => text.startsWith('No findings'))).toContain('because nothing could be looked at');
  });

  it('says beside a measure what is known to be weak about it', () => {
    const blocks = blocksOf(reported(series([1, 2])));
    expect(paragraphs(blocks)).toContain('Caveat of Coding rate reduction: Compares only within one probe, width and eps2; with fewer than 8 views it barely sees alignment.');
  });

  it('shows layers from shallow to deep, whatever the order of the records', () => {
    const { rows } = tableOf(blocksOf(reported([record({ layer: 'z', layerIndex: 0 }), record({ layer: 'a', layerIndex: 2 }), record({ layer: 'm', layerIndex: 1 })].reverse())), 'Coding rate reduction (nats), gap');
    expect(rows.map(({ header }) => plainText(header))).toEqual(['z', 'm', 'a']);
  });

  it('shows at most eight checkpoints, with the first, the last and those between which something began', () => {
    const epochs = Array.from({ length: 40 }, (_, at) => at);
    const onset = { axis: 'epoch', at: 17, low: 16, high: 17 } as const;
    const { columns, rows, caption } = tableOf(blocksOf(reported(series(epochs), { findings: [finding({ onset })] })), 'Coding rate reduction (nats), gap');
    expect(columns).toHaveLength(8);
    expect(columns).toEqual(expect.arrayContaining(['epoch 0', 'epoch 16', 'epoch 17', 'epoch 39']));
    expect(rows[0]?.cells.map(({ value }) => value)).toEqual(columns.map((label) => Number(plainText(label).slice('epoch '.length)) / 10));
    expect(plainText(caption)).toContain('at 8 of 40 checkpoints');
  });

  it('shades a gap by how far it is beyond its noise, and neither noise nor what lies below 0', () => {
    const uncertainty = { standardError: 1, low: -1, high: 1, replicates: 200 };
    const records = [1.9, 2, 4.5, 100, -9].map((value, at) => record({ epoch: at, value, uncertainty }));
    const { rows, shading } = tableOf(blocksOf(reported(records)), 'Coding rate reduction (nats), gap');
    expect(rows[0]?.cells.map(({ shade }) => shade)).toEqual([undefined, 1, 3, 6, undefined]);
    expect(shading).toContain('twice its noise');
    expect(tableOf(blocksOf(reported([record({ value: 0.01 })])), 'Coding rate reduction (nats), gap').shading).toBeUndefined();
  });

  it('has a dash where there is no value, and says where values do not compare', () => {
    const records = [...series([1, 2]), record({ epoch: 3, value: null, warnings: ['No rows.'] }), record({ epoch: 4, n: 32 })];
    const blocks = blocksOf(reported(records));
    expect(tableOf(blocks, 'Coding rate reduction (nats), gap').rows[0]?.cells.map(({ text }) => text)).toEqual(['0.1', '0.2', '\u2013', '0.25']);
    expect(paragraphs(blocks).filter((text) => text.startsWith('Do not compare across'))).toEqual(['Do not compare across the checkpoint at epoch 4: from there on it was measured on something else or in another way.']);
  });

  it('shows the first measure that has values where coding rate reduction has none, and weights where there is nothing else', () => {
    expect(sections(blocksOf(reported([record({ value: null }), record({ metric: 'rankme', split: 'train' })])))).toContain('RankMe');
    expect(sections(blocksOf(reported([record({ metric: 'ww_alpha', split: null })])))).toContain(metricInfo('ww_alpha')?.title);
  });

  it('has the last value of every measure in every layer, and tells those that a training recorded apart', () => {
    const ofTraining = record({ epoch: 9, source: 'training', sourceVersion: '', metric: 'coding_rate', split: 'train', value: 7 });
    const blocks = blocksOf(reported([...series([1, 2, 3]), record({ epoch: 3, metric: 'rankme', split: 'train', value: 5 }), ofTraining]));
    expect(tableOf(blocks, 'Memorization, gap, epoch 3').rows[0]?.cells.map(({ value }) => value)).toEqual([0.3]);
    expect(tableOf(blocks, 'Spectrum, training samples, epoch 3').rows[0]?.cells.map(({ value }) => value)).toEqual([5]);
    expect(tableOf(blocks, 'Recorded in training, training samples, epoch 9').rows[0]?.cells.map(({ value }) => value)).toEqual([7]);
  });

  it('puts warnings together that differ in their numbers alone, with their counts', () => {
    const records = [record({ warnings: ['Only 6 of 10.'] }), record({ epoch: 2, warnings: ['Only 7.5 of 10.'] }), record({ epoch: 3, value: null, warnings: ['No rows.'] })];
    const blocks = blocksOf(reported(records));
    expect(paragraphs(blocks)).toContain('Measurements without a value: 1 of 3. Warnings on measurements: 3.');
    expect(tableOf(blocks, 'Warnings').rows.map(({ header, cells }) => [plainText(header), cells[0]?.text])).toEqual([['For example: Only 6 of 10.', '2'], ['No rows.', '1']]);
  });

  it('lists what is wrong with files', () => {
    const problems = [{ file: 'probes/a.npz', place: 'byte 8', reason: 'is cut off', severity: 'error' }] as const;
    const { rows } = tableOf(blocksOf(reported([], { problems })), 'Files with problems');
    expect(rows.map(({ header, cells }) => [header, ...cells.map(({ text }) => text)].map(plainText))).toEqual([['probes/a.npz', 'error', 'byte 8', 'is cut off']]);
  });

  it('says of several runs first which there are', () => {
    const { title, blocks } = reportDocument([reported([], { name: 'a' }), reported([], { name: 'b', findings: [finding()], health: 'act' })], options);
    expect([title, blocks.map(({ kind }) => kind)]).toEqual(['Layer health of 2 runs', ['table', 'section', 'section']]);
    expect(tables(blocks)[0]?.rows.map(({ header, cells }) => [header, ...cells.map(({ text }) => text)].map(plainText))).toEqual([
      ['a', 'unknown', 'epoch 3', 'none'], ['b', 'act', 'epoch 3', 'Late layers memorize since epoch 3'],
    ]);
  });

  it('takes a run of which nothing is known', () => {
    const blocks = blocksOf(reported([], { epoch: null }));
    expect(facts(blocks)).toMatchObject({ 'How far': 'no file says', Files: 'none' });
    expect(tables(blocks)).toEqual([]);
    expect(paragraphs(blocks)).toContain('Nothing was measured.');
  });
});

describe('a number', () => {
  it('has four digits and the sign of minus wherever there is one', () => {
    expect([0.123456, -1234.56, -0.0000123456, 0].map(formatValue)).toEqual(['0.1235', '\u22121,235', '\u22121.235E\u22125', '0']);
  });
});

describe('places that are spread over a list', () => {
  it('are all of a short list, and of a long one the ends and what lies between evenly', () => {
    expect(spreadOver(3, 8)).toEqual([0, 1, 2]);
    expect(spreadOver(101, 5)).toEqual([0, 25, 50, 75, 100]);
    expect(spreadOver(101, 4, [-1, 7, 200])).toEqual([0, 7, 53, 100]);
  });
});
