import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { workload, writeWorkload } from './workload.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const cache = path.join(root, '.cache', 'bench');
const cores = Math.min(2, availableParallelism());
/** What the twin has; `npm run bench -- suite` is about all. */
const families = ['alignment', 'coding_rate', 'rankme', 'random_label'];
const metrics = [
  'alignment', 'coding_rate', 'coding_rate_within', 'coding_rate_reduction', 'crr_normalized',
  'rankme', 'random_label_transfer', 'random_label_fit', 'random_label_control',
];

/** A Python that has what the twin needs. */
export function findPython() {
  const candidates = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter(Boolean);
  for (const candidate of candidates) {
    if (spawnSync(candidate, ['-c', 'import numpy, scipy, sklearn']).status === 0) return candidate;
  }
  console.error(
    `The benchmark compares with NumPy, SciPy and scikit-learn, and none of ${candidates.join(', ')} has them.\n` +
      'Install them (apt-get install python3-sklearn, or python3 -m venv .venv && .venv/bin/pip install numpy scipy scikit-learn threadpoolctl)\n' +
      'and name that Python in the environment variable PYTHON.',
  );
  process.exit(1);
}

/** A child that answers each line with a line. */
export function converse(command, args, env) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const waiting = [];
  const pending = [];
  createInterface({ input: child.stdout }).on('line', (line) => (waiting.shift() ?? ((early) => pending.push(early)))(line));
  child.on('exit', (code) => {
    if (waiting.length > 0) throw new Error(`${command} ended with ${code} before it answered.`);
  });
  const next = () => (pending.length > 0 ? Promise.resolve(pending.shift()) : new Promise((resolve) => waiting.push(resolve)));
  return {
    hello: next,
    ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return next().then((line) => JSON.parse(line));
    },
    end: () => child.stdin.end(),
  };
}

/** All layers of the file through as many compute threads as there are cores, as the product does; one layer each warms the threads up. */
async function throughput(script, file, layers) {
  const queue = [...layers];
  const workers = Array.from({ length: cores }, () => new Worker(script, { workerData: { file, families } }));
  const answer = (worker) => new Promise((resolve) => worker.once('message', resolve));
  await Promise.all(workers.map(answer));
  await Promise.all(
    workers.map((worker) => {
      worker.postMessage(layers[0]);
      return answer(worker);
    }),
  );
  const start = performance.now();
  await Promise.all(
    workers.map(
      (worker) =>
        new Promise((resolve, reject) => {
          worker.on('error', reject);
          const give = () => {
            const layer = queue.shift() ?? null;
            worker.postMessage(layer);
            if (layer === null) resolve();
          };
          worker.on('message', give);
          give();
        }),
    ),
  );
  return (performance.now() - start) / 1000;
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const total = (values) => values.reduce((sum, value) => sum + value, 0);
const milliseconds = (seconds) => `${(1000 * seconds).toFixed(0)} ms`;

/** Options: --python-threads N (default: as many as cores, at most 2), --layers N. */
export async function main(options) {
  const option = (name, otherwise) => (options.includes(name) ? Number(options[options.indexOf(name) + 1]) : otherwise);
  const pythonThreads = option('--python-threads', cores);
  const python = findPython();
  const bundle = { bundle: true, platform: 'node', target: 'node20', outdir: cache, external: ['onnxruntime-node', 'onnxruntime-web', '@jsquash/*'], logLevel: 'warning' };
  await build({
    ...bundle,
    entryPoints: [path.join(here, 'measureProcess.ts'), path.join(here, 'measurePool.ts')],
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  await build({
    ...bundle,
    entryPoints: { linalg: path.join(root, 'src/linalg/index.ts'), computeThread: path.join(root, 'src/worker/computeThread.ts') },
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
  });
  const script = path.join(cache, 'measureProcess.mjs');
  const { createEngine } = (await import(path.join(cache, 'linalg.cjs'))).default;
  const file = await writeWorkload(cache, await createEngine());
  const layers = Array.from({ length: Math.min(workload.layers, option('--layers', workload.layers)) }, (_, index) => `layer${index}`);

  console.log(`Workload W1: ${layers.length} layers of ${workload.samples * workload.views} rows (${workload.samples} samples x ${workload.views} views, half held out) x ${workload.width}, F16, made by a seeded generator.`);
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores; Python has ${pythonThreads} threads, ours one a layer. Runs alternate; medians over layers.`);
  const threads = Object.fromEntries(['OPENBLAS', 'OMP', 'MKL', 'BLIS'].map((name) => [`${name}_NUM_THREADS`, String(pythonThreads)]));
  const ours = converse(process.execPath, [script], {});
  const pool = converse(process.execPath, [path.join(cache, 'measurePool.mjs'), path.join(cache, 'computeThread.cjs'), String(cores)], {});
  const theirs = converse(python, [path.join(here, 'twin_measure.py')], threads);
  await ours.hello();
  await pool.hello();
  console.log(await theirs.hello());

  const pairs = [];
  // The first layer warms both up and does not count.
  for (const layer of [layers[0], ...layers]) {
    pairs.push({
      ours: await ours.ask({ file, layer, families }),
      theirs: await theirs.ask({ file, layer }),
      pool: await pool.ask({ file, layers: [layer], metrics, previous: null }),
    });
  }
  ours.end();
  pool.end();
  theirs.end();
  const counted = pairs.slice(1);

  const of = (side, family, what) =>
    counted.map((pair) => (family === 'all' ? total(Object.values(pair[side].families).map((one) => one[what])) : pair[side].families[family][what]));
  const rows = [...families, 'all'].map((family) => {
    const [own, ownCpu, engine] = ['seconds', 'cpu', 'engine'].map((what) => of('ours', family, what));
    const [other, otherCpu] = ['seconds', 'cpu'].map((what) => of('theirs', family, what));
    return {
      measure: family,
      'ours ms': Math.round(1000 * median(own)),
      'in engine': `${((100 * total(engine)) / total(own)).toFixed(0)} %`,
      'python ms': Math.round(1000 * median(other)),
      'ours/python': (median(own) / median(other)).toFixed(2),
      'ours cpu ms': Math.round(1000 * median(ownCpu)),
      'python cpu ms': Math.round(1000 * median(otherCpu)),
    };
  });
  console.table(rows);
  const worst = worstDifferences(counted);
  console.log(`Engine: ${counted[0].ours.engine}, 1 thread. Reading a layer: ours ${milliseconds(median(counted.map((pair) => pair.ours.read)))}, Python ${milliseconds(median(counted.map((pair) => pair.theirs.read)))}.`);
  console.log('The control of random labels is one for all layers with as many components: ours fits it once a thread, Python with every layer.');
  console.log(`Python without what only the intervals need: ${milliseconds(median(counted.map(({ theirs: one }) => total(Object.values(one.families).map(({ seconds }) => seconds)) - one.intervals)))}; ours always has them.`);
  console.log(`Largest differences between the two: ${worst}.`);

  const seconds = await throughput(script, file, layers);
  const pythonSeconds = total(counted.map(({ theirs: one }) => total(Object.values(one.families).map((each) => each.seconds)) + one.read));
  const resident = process.resourceUsage().maxRSS / 1024;
  const each = (value) => milliseconds(value / layers.length);
  const oneLayer = median(counted.map((pair) => pair.pool.seconds));
  const pythonLayer = median(counted.map(({ theirs: one }) => total(Object.values(one.families).map((each) => each.seconds)) + one.read));
  console.log(`One layer alone on 1 of our threads, Python on ${pythonThreads}: ratio ${rows.at(-1)['ours/python']}.`);
  console.log(
    `One layer alone on the same ${cores} cores, reading included: ours ${milliseconds(oneLayer)} (parts side by side, as the product works), ` +
      `Python ${milliseconds(pythonLayer)}; ratio ${(oneLayer / pythonLayer).toFixed(2)}.`,
  );
  console.log(
    `Whole file of ${layers.length} layers on the same ${cores} cores, reading included: ours ${each(seconds)} a layer (${cores} compute threads side by side, ` +
      `as the product works), Python ${each(pythonSeconds)} a layer (${pythonThreads} threads inside its products); ratio ${(seconds / pythonSeconds).toFixed(2)}.`,
  );
  console.log(`Largest resident memory: one process, one thread ${(Math.max(...pairs.map((pair) => pair.ours.maxResidentBytes)) / 2 ** 20).toFixed(0)} MB; this process with ${cores} threads ${resident.toFixed(0)} MB (target: below 1500).`);
}

/** By metric, relative to the value of the twin (absolute for the random-label scores). */
function worstDifferences(pairs) {
  const worst = new Map();
  for (const { ours, theirs } of pairs) {
    for (const [key, value] of Object.entries(theirs.values)) {
      const metric = key.split(' ')[0];
      const difference = Math.abs(ours.values[key] - value) / (metric.startsWith('random') ? 1 : Math.abs(value));
      worst.set(metric, Math.max(worst.get(metric) ?? 0, difference));
    }
  }
  return [...worst].map(([metric, difference]) => `${metric} ${difference.toExponential(1)}`).join(', ');
}
