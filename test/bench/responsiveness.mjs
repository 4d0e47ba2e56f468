import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { labelledWorkloads, writePreviousWorkload, writeWorkload } from './workload.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const cache = path.join(root, '.cache', 'bench');
const targets = { checkpoint: 100, cancel: 200, loop: 50 };
const points = 2_000_000;

const judge = (met) => (met ? 'met' : 'MISSED');
const sorted = (values) => [...values].sort((a, b) => a - b);
const median = (values) => sorted(values)[values.length >> 1] ?? 0;
const largest = (values) => sorted(values).at(-1) ?? 0;

/** Answers with the lines (JSON) that a script prints. */
function linesOf(script, argument) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--enable-source-maps', path.join(cache, script), JSON.stringify(argument)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
    child.on('exit', (code) => (code === 0 ? resolve(lines) : reject(new Error(`${script} ended with ${code}`))));
  });
}

async function bundle() {
  const entries = ['checkpointGaps', 'cancelling', 'watchedThread', 'watchedWorker', 'loopDelay'].map((name) => [name, path.join(here, `${name}.ts`)]);
  await build({
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'linked',
    outdir: cache,
    external: ['onnxruntime-node', 'onnxruntime-web', '@jsquash/*'],
    logLevel: 'warning',
    outExtension: { '.js': '.cjs' },
    entryPoints: { ...Object.fromEntries(entries), linalg: path.join(root, 'src/linalg/index.ts'), computeThread: path.join(root, 'src/worker/computeThread.ts') },
  });
  // The worker looks for its compute thread beside itself, by this name.
  copyFileSync(path.join(cache, 'computeThread.cjs'), path.join(cache, 'computeThread.js'));
}

async function benchGaps(title, request) {
  const lines = await linesOf('checkpointGaps.cjs', request);
  const families = [...new Set(lines.map(({ family }) => family))];
  console.log(`\n${title}, a part of a layer: the longest processor time between two calls of checkpoint(), in the middle of ${request.rounds} rounds (target ${targets.checkpoint} ms)`);
  const rows = families.flatMap((family) => {
    const rounds = lines.filter((line) => line.family === family);
    const stretches = [...new Set(rounds.flatMap((round) => round.stretches.map(({ stretch }) => stretch)))].map((stretch) => {
      const times = rounds.map((round) => round.stretches.find((each) => each.stretch === stretch)?.longest ?? 0);
      return { family, 'takes ms': Math.round(1000 * median(rounds.map(({ seconds }) => seconds))), 'longest ms': Math.round(median(times)), between: stretch };
    });
    return stretches.filter((row) => row['longest ms'] > targets.checkpoint / 2).sort((a, b) => b['longest ms'] - a['longest ms']);
  });
  console.table(rows.map((row) => ({ ...row, target: judge(row['longest ms'] <= targets.checkpoint) })));
  console.log(`Families that are not named never work for ${targets.checkpoint / 2} ms without a call. Largest resident memory ${largest(lines.map(({ resident }) => resident)).toFixed(0)} MB.`);
}

async function benchCancelling(title, request) {
  const lines = await linesOf('cancelling.cjs', request);
  const threads = `${request.threads} thread${request.threads > 1 ? 's' : ''}`;
  console.log(`\n${title}, ${threads}: how long after a cancellation all threads are free, at random moments of a layer's measures; by the clock, and in processor time of the process, which other programs on the machine do not lengthen (target ${targets.cancel} ms)`);
  console.table([...new Set(lines.map(({ group }) => group))].map((group) => {
    const own = lines.filter((line) => line.group === group);
    const of = (what) => own.map((line) => line[what]);
    return {
      group, cancellations: own.length, 'clock ms, middle': Math.round(median(of('free'))), 'most': Math.round(largest(of('free'))),
      'processor ms, middle': Math.round(median(of('work'))), 'most ': Math.round(largest(of('work'))), target: judge(largest(of('work')) <= targets.cancel),
    };
  }));
  console.log(`The caller is answered after ${largest(lines.map(({ answered }) => answered)).toFixed(1)} ms at most. Largest resident memory ${largest(lines.map(({ resident }) => resident)).toFixed(0)} MB.`);
}

/** A run with a log of two million points, beside two probes. */
function writeRun(folder, probes) {
  rmSync(path.dirname(folder), { recursive: true, force: true });
  mkdirSync(path.join(folder, 'run', 'probes'), { recursive: true });
  for (const [at, probe] of probes.entries()) copyFileSync(probe, path.join(folder, 'run', 'probes', `epoch=${at + 1}.safetensors`));
  const lines = [];
  for (let step = 0; step < points / 4; step++) lines.push(`{"step": ${step}, "loss": ${(1 / (1 + step)).toPrecision(6)}, "lr": 0.001, "grad": ${((step * 7919) % 1000) / 1000}, "acc": 0.5}`);
  writeFileSync(path.join(folder, 'run', 'log.jsonl'), `${lines.join('\n')}\n`);
}

async function benchLoop(file, previous, measuring) {
  const folder = path.join(cache, 'responsive', 'long');
  writeRun(folder, [previous, file]);
  const phases = await linesOf('loopDelay.cjs', { folder, worker: path.join(cache, 'watchedWorker.cjs'), points, measuring });
  console.log(`\nThe worker's file-following loop: how long it was held up between two ticks, by the clock and in processor time of its thread, which other programs do not lengthen (target ${targets.loop} ms)`);
  console.table(phases.map(({ phase, seconds, used, longest, thousandth, work, workThousandth, over, memory }) => ({
    phase, seconds: seconds.toFixed(1), 'in use': `${(100 * used).toFixed(0)} %`, 'clock ms, most': longest.toFixed(0), '99.9 %': thousandth.toFixed(0),
    'processor ms, most': work.toFixed(0), '99.9 % ': workThousandth.toFixed(0), 'over 50 ms': over, MB: memory.toFixed(0), target: judge(work <= targets.loop),
  })));
  const { lag, progress, cancel } = phases.at(-1);
  console.log(
    `While measuring: lines of the log arrived after ${lag.toFixed(0)} ms at most (it is polled every second). ${progress.messages} messages of progress, the first after ${progress.first.toFixed(0)} ms, ` +
      `at most ${progress.gap.toFixed(0)} ms apart. A cancellation was answered after ${cancel.answered.toFixed(0)} ms and shown after ${cancel.ended.toFixed(0)} ms (target ${targets.cancel} ms: ${judge(cancel.ended <= targets.cancel)}).`,
  );
}

/**
 * How soon a measurement stops that is cancelled, and how long the worker's loop is ever held up.
 * Options: --only gaps|cancel|loop, --shape W1|W2 (layers of 4096 x 768, of 8192 x 2048), --rounds N (cancellations of each group, default 8; of gaps 3
 * at most), --seconds N (of each group at most, default 10), --groups Spectrum,Labels (which are cancelled). Where VS Code or Chrome is to show where
 * the loop's time goes: LAYERSCOPE_BENCH_PROFILES=folder.
 */
export async function main(options) {
  const option = (name) => (options.includes(name) ? options[options.indexOf(name) + 1] : null);
  const [only, shape, groups] = [option('--only'), option('--shape'), option('--groups')?.split(',')];
  const [rounds, seconds] = [Number(option('--rounds') ?? 8), Number(option('--seconds') ?? 10)];
  await bundle();
  const { createEngine } = (await import(path.join(cache, 'linalg.cjs'))).default;
  const engine = await createEngine();
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, load average ${loadavg()[0].toFixed(1)}.`);
  const titles = { W1: 'Layers of 4096 x 768', W2: 'Layers of 8192 x 2048' };
  for (const [name, title] of Object.entries(titles).filter(([each]) => shape === null || shape === each)) {
    if (only === 'loop') break;
    const size = labelledWorkloads[name];
    const file = await writeWorkload(cache, engine, size);
    const request = { file, previous: await writePreviousWorkload(file), layer: 'layer0' };
    if (only !== 'cancel') await benchGaps(title, { ...request, rounds: Math.min(3, rounds) });
    if (only === 'gaps') continue;
    const thread = path.join(cache, 'watchedThread.cjs');
    for (const threads of [1, 2]) await benchCancelling(title, { ...request, width: size.width, threads, thread, rounds, seconds, ...(groups && { groups }) });
  }
  if (only !== null && only !== 'loop') return;
  const file = await writeWorkload(cache, engine, labelledWorkloads.W1);
  await benchLoop(file, await writePreviousWorkload(file), 4 * seconds);
}
