import { describe, expect, it } from 'vitest';
import { reportDocument } from '../../../src/report';
import { type Block, plainText, type Table } from '../../../src/report/blocks';
import { allBlocks, record, reported } from './runs';

const options = { at: new Date('2026-03-01T09:30:00Z'), version: '1.2.3' };
const documentOf = (...runs: Parameters<typeof reportDocument>[0]) => reportDocument(runs, options);
const comparisonOf = (...runs: Parameters<typeof reportDocument>[0]) => documentOf(...runs).blocks.find((block) => block.kind === 'section' && block.heading === 'Comparison');
const within = (block: Block | undefined) => allBlocks(block === undefined ? [] : [block]);
const tablesOf = (block: Block | undefined): Table[] => within(block).filter((each): each is Table => each.kind === 'table');
const words = (block: Block | undefined): string => within(block).flatMap((each) => (each.kind === 'paragraph' ? [plainText(each.text)] : [])).join('\n');

const low = record({ value: 0.1, uncertainty: { standardError: 0.03, low: 0, high: 0.2, replicates: 200 } });
const high = record({ value: 0.4, uncertainty: { standardError: 0.04, low: 0.3, high: 0.5, replicates: 200 } });

describe('The comparison in a report', () => {
  it('puts the runs side by side before each of them, with the difference to the first and its standard error', () => {
    const document = documentOf(reported([low], { name: 'first' }), reported([high], { name: 'second' }));
    expect(document.blocks.flatMap((block) => (block.kind === 'section' ? [plainText(block.heading)] : []))).toEqual(['Comparison', 'Run first', 'Run second']);
    const [table] = tablesOf(comparisonOf(reported([low], { name: 'first' }), reported([high], { name: 'second' })));
    expect([plainText(table!.caption), table!.columns.map(plainText)]).toEqual(['Coding rate reduction (nats), gap, at epoch 1', ['first', 'second', '\u2212 first']]);
    expect(table!.rows.map(({ header, cells }) => [plainText(header), ...cells.map(({ text, beside }) => `${plainText(text)} ${beside ?? ''}`)])).toEqual([
      ['block0', '0.1 \u00b1\u00a00.03', '0.4 \u00b1\u00a00.04', '0.3 \u00b1\u00a00.05'],
    ]);
    expect(table!.rows[0]!.cells.map(({ shade }) => (shade ?? 0) > 0)).toEqual([false, false, true]);
    expect(table!.shading).toContain('leaves out 0');
  });

  it('shades no difference whose interval holds 0', () => {
    const [table] = tablesOf(comparisonOf(reported([low]), reported([{ ...high, value: 0.15 }])));
    expect(table!.rows[0]!.cells.some(({ shade }) => (shade ?? 0) > 0)).toBe(false);
    expect(table!.shading).toBeUndefined();
  });

  it('says why values do not compare, and in which layers', () => {
    const others = ['block0', 'block1'].map((layer, layerIndex) => ({ ...high, layer, layerIndex, views: 2 }));
    const section = comparisonOf(reported([low, { ...low, layer: 'block1', layerIndex: 1 }], { name: 'first' }), reported(others, { name: 'second' }));
    expect(tablesOf(section)[0]!.rows.map(({ cells }) => plainText(cells[2]!.text))).toEqual(['\u2013', '\u2013']);
    expect(words(section)).toContain('No difference of second in block0, block1: views is 8 and 2.');
  });

  it('folds what is less important away, and is not there where there is nothing to compare', () => {
    const run = (name: string) => reported([low, record({ metric: 'rankme', split: 'train', value: 7 })], { name });
    const section = comparisonOf(run('first'), run('second'));
    expect(within(section).flatMap((block) => (block.kind === 'folded' ? [block.summary] : []))).toEqual(['1 other measure side by side']);
    expect(tablesOf(section)).toHaveLength(2);
    expect(comparisonOf(run('alone'))).toBeUndefined();
    expect(comparisonOf(reported([low]), reported([{ ...low, layer: 'conv' }]))).toBeUndefined();
    expect(comparisonOf(reported([low]), reported([]))).toBeUndefined();
  });
});
