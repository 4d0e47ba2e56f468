// Layers through the product's own compute pool, reading included: one alone, or all at once. Started as a child process: lines in, lines out.
import { createInterface } from 'node:readline';
import { defaultMeasureOptions } from '../../src/metrics';
import { createComputePool } from '../../src/worker/computePool';

interface Request {
  readonly file: string;
  readonly layers: readonly string[];
  readonly metrics: readonly string[];
  /** A probe that stands for the checkpoint before; null: there is none. */
  readonly previous: string | null;
}

const pool = createComputePool({ threadPath: process.argv[2] as string, threads: Number(process.argv[3]) });
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const { file, layers, metrics, previous: before } = JSON.parse(line) as Request;
  const previous = before === null ? null : { file: before, fileVersion: '', fingerprint: 'previous' };
  const { signal } = new AbortController();
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const measured = await Promise.all(layers.map((layer) => pool.measure({ kind: 'features', file, layer, metrics, options: defaultMeasureOptions, previous }, signal)));
  const used = process.cpuUsage(cpu);
  const seconds = (performance.now() - start) / 1000;
  const maxResidentBytes = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ seconds, cpu: (used.user + used.system) / 1e6, records: measured.flat().length, maxResidentBytes }));
}
await pool.close();
