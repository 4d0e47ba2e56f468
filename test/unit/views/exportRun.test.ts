import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { exportRun } from '../../../src/views/exportRun';
import { aDetail, aRecord, aRun, aSeries } from './samples';

const nasty = aRecord({
  layer: 'say "hi", twice\nplease', value: null, warnings: ['fewer than 8 views', 'a,b'], options: { eps2: 0.1, normalized: true },
  uncertainty: { standardError: 0.25, low: 1, high: 2, replicates: 200 },
});
const detail = aDetail(aRun('a', { name: 'lab/..//run: 1?' }), { records: [aRecord({ value: 0.1 + 0.2 }), nasty], series: [aSeries('loss', [1])] });

describe('an exported run', () => {
  it('is a CSV that another reader reads back to the same values', () => {
    const rows = parse(exportRun(detail, 'csv').text, { columns: true }) as Record<string, string>[];
    expect(rows).toHaveLength(2);
    expect(Number(rows[0]?.['value'])).toBe(0.1 + 0.2);
    expect(rows[1]).toMatchObject({
      layer: nasty.layer, value: '', warnings: 'fewer than 8 views | a,b', 'option.eps2': '0.1', 'option.normalized': 'true', standardError: '0.25', low95: '1',
    });
    expect(rows[0]?.['option.normalized']).toBe('');
  });

  it('is a JSON document with everything that is known of the run', () => {
    expect(JSON.parse(exportRun(detail, 'json').text)).toEqual({ layerscope: 1, ...JSON.parse(JSON.stringify(detail)) });
  });

  it('gets a file name that every platform accepts', () => {
    expect(exportRun(detail, 'csv').fileName).toBe('lab-..-run_ 1_.csv');
    expect(exportRun(aDetail(aRun('a', { name: '..' })), 'json').fileName).toBe('run.json');
  });
});
