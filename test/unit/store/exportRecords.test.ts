import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import type { MeasurementRecord, RunDetail } from '../../../src/protocol';
import { recordsToCsv, runToJson } from '../../../src/store/exportRecords';

const record: MeasurementRecord = {
  run: 'runs/a', source: 'probes/epoch=0012.npz', sourceVersion: 'f0', epoch: 12, step: null, layer: 'block "5", deep', layerIndex: 5,
  metric: 'coding_rate_reduction', split: 'gap', value: -0.123456789012345678, n: 1024, d: 32, views: 8, seed: null,
  options: { eps2: 0.5, normalized: true }, warnings: ['one,\nwith a line', 'two'], method: 1,
  uncertainty: { standardError: 0.01, low: -0.14, high: -0.1, replicates: 200 },
};

const rowsOf = (csv: string): Record<string, string>[] => parse(csv, { columns: true });

describe('records as CSV', () => {
  it('come back as they went in, with commas, quotes and line ends in their text', () => {
    const [row] = rowsOf(recordsToCsv([record]));
    expect(row).toMatchObject({
      run: 'runs/a', epoch: '12', step: '', layer: 'block "5", deep', value: String(record.value), standardError: '0.01', low95: '-0.14',
      standardDeviation: '', seed: '', 'option.eps2': '0.5', 'option.normalized': 'true', warnings: 'one,\nwith a line | two',
    });
    expect(Number(row?.['value'])).toBe(record.value);
  });

  it('have one column for each option of any record, empty where a record lacks it', () => {
    const rows = rowsOf(recordsToCsv([record, { ...record, options: { heads: 5 } }]));
    expect(rows.map((row) => [row['option.eps2'], row['option.heads']])).toEqual([['0.5', ''], ['', '5']]);
  });

  it('end every line with CRLF and have a header even when there is none of them', () => {
    expect(recordsToCsv([])).toMatch(/^run,source,[^\n]*\r\n$/);
    expect(recordsToCsv([record, record]).split('\r\n')).toHaveLength(4);
  });

  it.each(['=cmd()', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])('keep %j from being run as a formula', (layer) => {
    expect(rowsOf(recordsToCsv([{ ...record, layer }]))[0]?.['layer']).toBe(`'${layer}`);
  });

  it('leave negative numbers numbers', () => {
    expect(rowsOf(recordsToCsv([{ ...record, value: -1.5 }]))[0]?.['value']).toBe('-1.5');
  });
});

describe('a run as JSON', () => {
  it('is one document with everything that is known of the run', () => {
    const detail: RunDetail = {
      run: {
        id: 'x', name: 'runs/a', folder: '/runs/a', epoch: 12, step: null, modified: 0, files: [], problems: [], findings: [], health: 'unknown',
      },
      layers: ['block5'],
      records: [record],
      series: [{ tag: 'loss', source: 'log.txt', epochs: [0, 1], steps: [null, null], values: [1, null], nonFinite: 1 }],
    };
    expect(JSON.parse(runToJson(detail))).toEqual({ layerscope: 1, ...detail });
  });
});
