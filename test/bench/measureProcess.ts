// One compute process of the benchmark: reads a layer of the probe and measures it as the product's compute thread does, family by family.
// Started as a child process: lines in, lines out.
import { createInterface } from 'node:readline';
import { createEngine } from '../../src/linalg';
import { OnnxRuntimeEngine } from '../../src/linalg/onnxRuntimeEngine';
import { defaultMeasureOptions, measureLayer, metricFamilies } from '../../src/metrics';
import { openProbe } from '../../src/runs/probe';

interface Answer {
  readonly layer: string;
  /** Seconds. */
  readonly read: number;
  readonly families: Record<string, { readonly seconds: number; readonly cpu: number; readonly engine: number }>;
  readonly values: Record<string, number | null>;
  readonly engine: string;
  readonly maxResidentBytes: number;
}

const engine = await createEngine('auto', { threads: Number(process.env.LAYERSCOPE_BENCH_THREADS ?? 1) });
const productMilliseconds = () => (engine instanceof OnnxRuntimeEngine ? engine.productMilliseconds : 0);

async function measure(file: string, name: string, ids: readonly string[]): Promise<Answer> {
  const start = performance.now();
  const probe = await openProbe(file);
  try {
    const layer = await probe.readLayer(name);
    const read = (performance.now() - start) / 1000;
    const families: Answer['families'] = {};
    const values: Answer['values'] = {};
    for (const family of metricFamilies.filter(({ id }) => ids.includes(id))) {
      const begin = performance.now();
      const products = productMilliseconds();
      const before = process.cpuUsage();
      const measurements = await measureLayer(layer, family.shapes.map(({ metric }) => metric), defaultMeasureOptions, { engine, checkpoint: () => undefined });
      const used = process.cpuUsage(before);
      families[family.id] = {
        seconds: (performance.now() - begin) / 1000,
        cpu: (used.user + used.system) / 1e6,
        engine: (productMilliseconds() - products) / 1000,
      };
      for (const { metric, split, value } of measurements) values[`${metric} ${split}`] = value;
    }
    const maxResidentBytes = process.resourceUsage().maxRSS * 1024;
    return { layer: name, read, families, values, engine: `${engine.name} ${engine.version}`, maxResidentBytes };
  } finally {
    await probe.close();
  }
}

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const { file, layer, families } = JSON.parse(line) as { file: string; layer: string; families: readonly string[] };
  console.log(JSON.stringify(await measure(file, layer, families)));
}
