// One layer, family by family: the longest processor time (which other programs on the machine do not lengthen as they do time) between two calls of checkpoint(), where alone a measurement can be cancelled. Prints a line a family and part.
import { createEngine } from '../../src/linalg';
import { defaultMeasureOptions, measurePart, metricFamilies } from '../../src/metrics';
import type { LayerFeatures } from '../../src/metrics';
import { openProbe } from '../../src/runs/probe';

/** Milliseconds. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function main({ file, layer: name }: { readonly file: string; readonly layer: string }): Promise<void> {
  const engine = await createEngine('auto', { threads: 1 });
  const probe = await openProbe(file);
  const read: LayerFeatures = await probe.readLayer(name);
  const layer = { ...read, previous: { since: 'itself', layer: { ...read }, reason: '' }, deepest: { ...(await probe.readLayer(probe.layers.at(-1)?.name ?? name)) } };
  await probe.close();
  for (const part of ['train', 'held_out'] as const) {
    for (const family of metricFamilies) {
      const begin = performance.now();
      let last = processorTime();
      let longest = 0;
      let calls = 0;
      const checkpoint = (): void => {
        const now = processorTime();
        longest = Math.max(longest, now - last);
        last = now;
        calls += 1;
      };
      const metrics = family.shapes.map(({ metric }) => metric);
      await measurePart(layer, part, metrics, defaultMeasureOptions, { engine, checkpoint });
      longest = Math.max(longest, processorTime() - last);
      console.log(JSON.stringify({ family: family.id, part, seconds: (performance.now() - begin) / 1000, longest, calls, resident: process.resourceUsage().maxRSS / 1024 }));
    }
  }
}

void main(JSON.parse(process.argv[2] ?? '{}') as Parameters<typeof main>[0]);
