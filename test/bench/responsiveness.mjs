import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { workload, writeWorkload } from './workload.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const cache = path.join(root, '.cache', 'bench');
const targets = { checkpoint: 100, cancel: 200, loop: 50 };
const wide = { samples: 1024, views: 8, width: 2048, layers: 2 };
const points = 2_000_000;

const judge = (met) => (met ? 'met' : 'MISSED');
const ms = (value) => `${value.toFixed(0)} ms`;

/** Answers with the lines (JSON) that a script prints. */
function linesOf(script, argument) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, JSON.stringify(argument)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
    child.on('exit', (code) => (code === 0 ? resolve(lines) : reject(new Error(`${path.basename(script)} ended with ${code}`))));
  });
}

async function bundle() {
  const shared = { bundle: true, platform: 'node', target: 'node20', outdir: cache, external: ['onnxruntime-node', 'onnxruntime-web'], logLevel: 'warning' };
  await build({
    ...shared,
    format: 'cjs',
    entryPoints: {
      computeThread: path.join(root, 'src/worker/computeThread.ts'),
      linalg: path.join(root, 'src/linalg/index.ts'),
      checkpointGaps: path.join(here, 'checkpointGaps.ts'),
      cancelling: path.join(here, 'cancelling.ts'),
      watchedWorker: path.join(here, 'watchedWorker.ts'),
      loopDelay: path.join(here, 'loopDelay.ts'),
    },
    outExtension: { '.js': '.cjs' },
  });
  // The worker looks for its compute thread beside itself, by this name.
  const link = path.join(cache, 'computeThread.js');
  rmSync(link, { force: true });
  symlinkSync('computeThread.cjs', link);
}

async function benchGaps(name, file, layer) {
  const families = await linesOf(path.join(cache, 'checkpointGaps.cjs'), { file, layer });
  console.log(`\n${name}: longest processor time between two calls of checkpoint(), by family, on one thread (target ${targets.checkpoint} ms)`);
  console.table(
    families.filter(({ longest }) => longest > 10).map(({ family, part, seconds, longest, calls }) => ({
      family, part, 'takes ms': Math.round(seconds * 1000), 'longest ms': Math.round(longest), calls, target: judge(longest <= targets.checkpoint),
    })),
  );
  console.log(`Families that are not named never work for 10 ms without a call. Largest resident memory ${Math.max(...families.map(({ resident }) => resident)).toFixed(0)} MB.`);
}

async function benchCancelling(name, file, layer, threads, count) {
  const rounds = await linesOf(path.join(cache, 'cancelling.cjs'), { file, layer, threads, rounds: count, thread: path.join(cache, 'computeThread.cjs') });
  const of = (what) => rounds.map((round) => round[what]).sort((a, b) => a - b);
  const [answered, free] = [of('answered'), of('free')];
  const worst = Math.max(...free);
  console.log(
    `${name}, ${threads} thread${threads > 1 ? 's' : ''}, ${rounds.length} cancellations at different moments of all measures of a layer: the caller is answered after ` +
      `${answered.at(-1).toFixed(1)} ms at most; all threads are free after ${ms(free[free.length >> 1])} in the middle, ${ms(worst)} at most (target ${targets.cancel} ms): ${judge(worst <= targets.cancel)}. ` +
      `All measures of the layer take ${(rounds[0].whole / 1000).toFixed(1)} s; largest resident memory ${Math.max(...of('resident')).toFixed(0)} MB.`,
  );
}

/** A run with a log of two million points, beside the probe. */
function writeRun(folder, probes) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, 'run', 'probes'), { recursive: true });
  for (const [at, probe] of probes.entries()) copyFileSync(probe, path.join(folder, 'run', 'probes', `epoch=${at + 1}.safetensors`));
  const lines = [];
  for (let step = 0; step < points / 4; step++) lines.push(`{"step": ${step}, "loss": ${(1 / (1 + step)).toPrecision(6)}, "lr": 0.001, "grad": ${((step * 7919) % 1000) / 1000}, "acc": 0.5}`);
  writeFileSync(path.join(folder, 'run', 'log.jsonl'), `${lines.join('\n')}\n`);
}

async function benchLoop(probe) {
  const folder = path.join(cache, 'responsive-run');
  writeRun(folder, [probe]);
  rmSync(path.join(cache, 'responsive-many'), { recursive: true, force: true });
  const phases = await linesOf(path.join(cache, 'loopDelay.cjs'), { folder, worker: path.join(cache, 'watchedWorker.cjs'), points });
  console.log(`\nThe worker's file-following loop, a run with a log of ${points.toLocaleString('en')} points and a probe of W1: the longest that it was held up, by the clock and in processor time of its thread (which other programs do not lengthen)`);
  console.table(phases.map(({ phase, seconds, longest, work, over }) => ({
    phase, seconds: seconds.toFixed(1), 'longest ms': longest.toFixed(0), 'longest work ms': work.toFixed(0), 'over 50 ms': over, target: judge(work <= targets.loop),
  })));
}

/** Options: --only gaps|cancel|loop, --shape w1|wide, --rounds N (cancellations; default 12). */
export async function main(options) {
  const option = (name) => (options.includes(name) ? options[options.indexOf(name) + 1] : null);
  const [only, shape] = [option('--only'), option('--shape')];
  const rounds = Number(option('--rounds') ?? 12);
  await bundle();
  const { createEngine } = (await import(path.join(cache, 'linalg.cjs'))).default;
  const engine = await createEngine();
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, load average ${loadavg()[0].toFixed(1)}.`);
  const shapes = [['W1 (4096 x 768)', 'w1', workload], ['8192 x 2048', 'wide', wide]].filter(([, name]) => shape === null || shape === name);
  for (const [title, , size] of shapes) {
    const file = await writeWorkload(cache, engine, size);
    if (only === null || only === 'gaps') await benchGaps(title, file, 'layer0');
    if (only === null || only === 'cancel') for (const threads of [1, 2]) await benchCancelling(title, file, 'layer0', threads, rounds);
  }
  if (only === null || only === 'loop') await benchLoop(await writeWorkload(cache, engine));
}
