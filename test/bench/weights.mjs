// The WeightWatcher family over a checkpoint of the size of ViT-B, beside WeightWatcher itself on the same cores in the same run.
import { spawn, spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { vitBase, writeVitBase } from './weightsFile.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const cache = path.join(root, '.cache', 'bench');
const cores = Math.min(2, availableParallelism());
/** Odd, for the medians. */
const rounds = 3;
const metrics = ['ww_alpha', 'ww_alpha_hat', 'ww_log_alpha_norm', 'ww_stable_rank', 'ww_entropy', 'mp_spikes', 'mp_softrank', 'spectral_norm', 'frobenius_norm', 'nonfinite_count'];

function findPython() {
  const candidates = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter(Boolean);
  for (const candidate of candidates) {
    if (spawnSync(candidate, ['-c', 'import weightwatcher, torch, safetensors'], { stdio: 'ignore' }).status === 0) return candidate;
  }
  console.error(
    `The benchmark compares with WeightWatcher, and none of ${candidates.join(', ')} has it.\n` +
      'Install it (python3 -m venv .venv && .venv/bin/pip install torch weightwatcher==0.7.7) and name that Python in the environment variable PYTHON.',
  );
  process.exit(1);
}

function converse(command, args, env) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], env: { ...process.env, ...env } });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command} ended before it answered.`);
    return value;
  };
  return {
    hello: next,
    ask: async (request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return JSON.parse(await next());
    },
    end: () => child.stdin.end(),
  };
}

const total = (values) => values.reduce((sum, value) => sum + value, 0);

/**
 * Options: --blocks N of 12 (default 3: for all of them WeightWatcher needs several minutes, and blocks are alike); both sides take these, the patch
 * embedding and the head.
 */
export async function main(options) {
  const blocks = options.includes('--blocks') ? Number(options[options.indexOf('--blocks') + 1]) : 3;
  const python = findPython();
  const bundle = { bundle: true, platform: 'node', target: 'node20', format: 'cjs', external: ['onnxruntime-node', 'onnxruntime-web', '@jsquash/*'], logLevel: 'warning' };
  await build({ ...bundle, entryPoints: { computeThread: path.join(root, 'src/worker/computeThread.ts'), weightsPool: path.join(root, 'src/worker/computePool.ts') }, outdir: cache });
  const { createComputePool } = (await import(path.join(cache, 'weightsPool.js'))).default;
  const file = await writeVitBase(cache);
  const layers = vitBase(blocks);
  const parameters = total(layers.map(([, shape]) => shape.reduce((product, length) => product * length, 1)));
  console.log(`${layers.length} layers with ${(parameters / 1e6).toFixed(1)} million weights of a ViT-B sized checkpoint in float32, made by a seeded generator.`);
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}; both sides have ${cores} threads. ${rounds} rounds, in which the two take turns, after one that warms both up; medians.`);

  const threads = Object.fromEntries(['OPENBLAS', 'OMP', 'MKL'].map((name) => [`${name}_NUM_THREADS`, String(cores)]));
  const theirs = converse(python, [path.join(here, 'twin_weights.py')], threads);
  console.log(await theirs.hello());
  const pool = createComputePool({ threadPath: path.join(cache, 'computeThread.js'), threads: cores });
  const references = { previous: null, first: null };
  const never = new AbortController().signal;
  const measure = async (names) => {
    const [start, used] = [performance.now(), process.cpuUsage()];
    const records = await Promise.all(names.map((layer) => pool.measure({ kind: 'weights', file, layer, metrics, references }, never)));
    const { user, system } = process.cpuUsage(used);
    return { seconds: (performance.now() - start) / 1000, cpu: (user + system) / 1e6, records: records.flat() };
  };
  const names = layers.map(([name]) => name);
  const pairs = [];
  for (let round = 0; round <= rounds; round++) {
    pairs.push({ ours: await measure(names), theirs: await theirs.ask({ file, layers: names }) });
    // Threads of OpenBLAS go on spinning for a while after their work.
    await setTimeout(1500);
    process.stderr.write(`round ${round} of ${rounds}\n`);
  }
  theirs.end();
  await pool.close();
  const counted = pairs.slice(1);

  const median = (of) => counted.map(of).sort((x, y) => x - y)[counted.length >> 1];
  const own = { seconds: median(({ ours }) => ours.seconds), cpu: median(({ ours }) => ours.cpu) };
  const rows = [
    ['WeightWatcher analyze() (no Marchenko-Pastur fit)', median((pair) => pair.theirs.default.seconds), median((pair) => pair.theirs.default.cpu)],
    ['WeightWatcher analyze(mp_fit=True): what we compute', median((pair) => pair.theirs.same.seconds), median((pair) => pair.theirs.same.cpu)],
  ];
  console.table([
    { what: 'Layerscope, everything, with reading', seconds: own.seconds.toFixed(2), 'cpu seconds': own.cpu.toFixed(2) },
    ...rows.map(([what, seconds, cpu]) => ({
      what, seconds: seconds.toFixed(2), 'cpu seconds': cpu.toFixed(2), 'ours/theirs': (own.seconds / seconds).toFixed(3), 'cpu ours/theirs': (own.cpu / cpu).toFixed(3),
    })),
  ]);
  console.log(`WeightWatcher's times are without reading. Target: at most 0.1 of the time for the same values.`);
  console.log(`Largest resident memory of our process: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB.`);
  compare(counted.slice(0, 1));
}

/** Largest relative differences. The bulk of square matrices is left out: there the two differ on purpose (docs/metrics/weights.md). */
function compare(pairs) {
  const columns = { ww_alpha: 'alpha', ww_alpha_hat: 'alpha_weighted', ww_log_alpha_norm: 'log_alpha_norm', ww_stable_rank: 'stable_rank', ww_entropy: 'entropy', mp_softrank: 'mp_softrank', mp_spikes: 'num_spikes' };
  const worst = {};
  let sameXmin = 0;
  let layers = 0;
  for (const { ours, theirs } of pairs) {
    for (const record of ours.records) {
      const reference = theirs.values[record.layer];
      const column = columns[record.metric];
      if (!reference || !column || record.value === null || (record.metric.startsWith('mp_') && record.n === record.d)) continue;
      if (record.metric === 'ww_alpha') {
        layers += 1;
        if (Math.abs(record.details.xmin / reference.xmin - 1) < 1e-6) sameXmin += 1;
      }
      worst[record.metric] = Math.max(worst[record.metric] ?? 0, Math.abs(record.value - reference[column]) / Math.max(Math.abs(reference[column]), 1e-12));
    }
  }
  console.log(`Same xmin in ${sameXmin} of ${layers} layers. Largest relative differences: ${Object.entries(worst).map(([metric, difference]) => `${metric} ${difference.toExponential(1)}`).join(', ')}.`);
}
