// The loss surface of a masked autoencoder of ViT-Ti's width, 64 images of 64 px, beside the same loop in PyTorch on the same cores in the same run.
import { availableParallelism, cpus, loadavg } from 'node:os';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { converse, findPython, median, text } from './models.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const cache = path.join(root, '.cache', 'bench');
const targets = { ratio: 1, megabytes: 2000 };

/** Options: --grid N (default 25), --images N (default 64), --rounds N (default 3; they alternate between the two sides), --threads N (default 2). */
export async function main(options) {
  const option = (name, usual) => (options.includes(name) ? Number(options[options.indexOf(name) + 1]) : usual);
  const [grid, count, rounds] = [option('--grid', 25), option('--images', 64), option('--rounds', 3)];
  const threads = option('--threads', Math.min(2, availableParallelism()));
  const python = findPython('torch');
  const bundle = path.join(root, 'node_modules', '.cache', 'layerscope-bench', 'landscape.cjs');
  await mkdir(cache, { recursive: true });
  await build({
    entryPoints: [path.join(here, 'landscapeProcess.ts')], outfile: bundle, bundle: true, platform: 'node', target: 'node20', format: 'cjs', logLevel: 'warning',
    external: ['onnxruntime-node', 'onnxruntime-web', '@jsquash/*'],
  });
  const torch = converse(python, ['-W', 'ignore', path.join(here, 'twin_landscape.py')], threads);
  const own = converse(process.execPath, [bundle], threads);
  const { torch: version } = await torch.ask({ make: cache, count });
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads on both sides, load ${loadavg()[0].toFixed(1)} before the run, Node ${process.versions.node}, ` +
      `PyTorch ${version}; a surface of ${grid} x ${grid}, ${count} images of 64 px; medians of ${rounds} alternating rounds (and range; time of the processor over all threads)`,
  );
  const sides = [
    { label: 'PyTorch: directions and loop', ask: (points) => torch.ask({ grid: points }) },
    { label: 'ours: reading, directions, loop, records', ask: (points) => own.ask({ folder: cache, count, grid: points }) },
  ];
  // Warms both up.
  for (const side of sides) await side.ask(3);
  for (const side of sides) Object.assign(side, { seconds: [], processor: [], memory: 0 });
  for (let round = 0; round < rounds; round++) {
    for (const side of sides) {
      const answer = await side.ask(grid);
      if (answer.points !== grid * grid) throw new Error(`${side.label} computed ${answer.points} points of ${grid * grid}.`);
      side.seconds.push(answer.seconds);
      side.processor.push(answer.processor);
      side.memory = Math.max(side.memory, answer.maxResidentBytes);
    }
  }
  torch.end();
  own.end();
  for (const { label, seconds, processor, memory } of sides) {
    const each = (median(seconds) * 1000) / (grid * grid);
    console.log(
      `  ${label.padEnd(42)} ${text(median(seconds))} s (${text(Math.min(...seconds))} .. ${text(Math.max(...seconds))}; ${text(median(processor))}), ` +
        `${text(each)} ms a point, largest resident memory ${Math.round(memory / 2 ** 20)} MB`,
    );
  }
  const ratio = median(sides[1].seconds) / median(sides[0].seconds);
  const isSmall = sides[1].memory < targets.megabytes * 2 ** 20;
  console.log(`Ratio ${ratio.toFixed(2)} (target: at most ${targets.ratio}: ${ratio <= targets.ratio ? 'met' : 'missed'}); memory below ${targets.megabytes} MB: ${isSmall ? 'met' : 'missed'}.`);
}
