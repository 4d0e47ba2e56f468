// One layer at a time through the product's own compute pool, reading included. Started as a child process: lines in, lines out.
import { createInterface } from 'node:readline';
import { defaultMeasureOptions, metricCatalog } from '../../src/metrics';
import { createComputePool } from '../../src/worker/computePool';

const pool = createComputePool({ threadPath: process.argv[2] as string, threads: Number(process.argv[3]) });
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const { file, layer } = JSON.parse(line) as { file: string; layer: string };
  const start = performance.now();
  await pool.measure({ kind: 'features', file, layer, metrics: metricCatalog.map(({ id }) => id), options: defaultMeasureOptions }, new AbortController().signal);
  console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000 }));
}
await pool.close();
