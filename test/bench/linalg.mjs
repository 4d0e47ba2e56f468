// Decompositions beside LAPACK: each operation alone on one of our threads, and as many at once as there are cores, as layers are measured.
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { converse, findPython } from './measure.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const cache = path.resolve(here, '../../.cache/bench');
const cores = Math.min(2, availableParallelism());
const operations = ['gram', 'cholesky', 'eigenvalues', 'eigenvectors'];
const shapes = [
  { rows: 2048, columns: 768 },
  { rows: 8192, columns: 2048 },
];

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const milliseconds = (seconds) => Number((1000 * seconds).toFixed(seconds < 0.1 ? 1 : 0));

/** Options: --python-threads N (default: as many as cores, at most 2), --rounds N (default 9), --small (2048 x 768 only). */
export async function main(options) {
  const option = (name, otherwise) => (options.includes(name) ? Number(options[options.indexOf(name) + 1]) : otherwise);
  const pythonThreads = option('--python-threads', cores);
  const rounds = option('--rounds', 9);
  const python = findPython();
  await build({
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['onnxruntime-node', 'onnxruntime-web'],
    logLevel: 'warning',
    entryPoints: [path.join(here, 'linalgProcess.ts')],
    outdir: cache,
    outExtension: { '.js': '.mjs' },
    banner: { js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);" },
  });
  const threads = Object.fromEntries(['OPENBLAS', 'OMP', 'MKL', 'BLIS'].map((name) => [`${name}_NUM_THREADS`, String(pythonThreads)]));
  const ours = Array.from({ length: cores }, () => converse(process.execPath, [path.join(cache, 'linalgProcess.mjs')], {}));
  const theirs = converse(python, [path.join(here, 'twin_linalg.py')], threads);
  const engines = await Promise.all(ours.map((one) => one.hello()));
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${cores} cores used. Ours: ${engines[0]}, 1 thread each. ${await theirs.hello()}, ${pythonThreads} threads.`);
  console.log(`Runs alternate; medians of ${rounds} (smallest in brackets). ${cores} at once: ours side by side, LAPACK one after the other.`);

  const rows = [];
  for (const { rows: n, columns: d } of options.includes('--small') ? shapes.slice(0, 1) : shapes) {
    for (const operation of operations) {
      const request = { operation, rows: n, columns: d };
      const taken = { alone: [], cpu: [], together: [], python: [], pythonCpu: [] };
      let difference = 0;
      for (let round = -1; round < rounds; round++) {
        const alone = await ours[0].ask(request);
        const python = await theirs.ask(request);
        const start = performance.now();
        await Promise.all(ours.map((one) => one.ask(request)));
        const together = (performance.now() - start) / 1000;
        difference = Math.max(difference, Math.abs(alone.value / python.value - 1));
        // The first round warms all up and does not count.
        if (round < 0) continue;
        taken.alone.push(alone.seconds);
        taken.cpu.push(alone.cpu);
        taken.pythonCpu.push(python.cpu);
        taken.python.push(python.seconds);
        taken.together.push(together);
      }
      const both = (values) => `${milliseconds(median(values))} (${milliseconds(Math.min(...values))})`;
      const ratio = (values, factor) => (median(values) / (factor * median(taken.python))).toFixed(2);
      rows.push({
        operation,
        size: operation === 'gram' ? `${n} x ${d}` : `${d} x ${d}`,
        'ours ms': both(taken.alone),
        'LAPACK ms': both(taken.python),
        ratio: ratio(taken.alone, 1),
        'cpu, ours': milliseconds(median(taken.cpu)),
        LAPACK: milliseconds(median(taken.pythonCpu)),
        [`${cores} at once ms`]: both(taken.together),
        [`ratio of ${cores}`]: ratio(taken.together, cores),
        difference: difference.toExponential(1),
      });
    }
  }
  for (const one of ours) one.end();
  theirs.end();
  console.table(rows);
}
