import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { panelData } from '../../../src/report';
import { readData } from '../../../webview-ui/src/reportPage/readData';
import { detail, record } from './runs';

const records = [
  record({ details: { alpha: 1.5 } }),
  record({ epoch: 2, step: 7, value: null, warnings: ['No rows.'], seed: 3, standardDeviation: 0.1 }),
  ...Array.from({ length: 20 }, (_, at) => record({ epoch: null, source: `probe-${String(at)}.npz`, value: at / 7, split: null })),
].map(({ uncertainty, ...rest }, at) => (at % 3 === 0 ? rest : { ...rest, uncertainty: uncertainty! }));

describe('what a report carries for its panel', () => {
  it('is unpacked to the very records, each field there or not as it was', async () => {
    const details = [detail(records), detail([])];
    const packed = gzipSync(JSON.stringify(panelData(details))).toString('base64');
    const opened = await readData(packed);
    expect(opened.details).toStrictEqual(details);
    expect(opened.choice).toMatchObject({ runId: '1', metric: null });
  });

  it('is refused when it is cut off', async () => {
    const packed = gzipSync(JSON.stringify(panelData([detail(records)])));
    await expect(readData(packed.subarray(0, 100).toString('base64'))).rejects.toThrow();
  });
});
