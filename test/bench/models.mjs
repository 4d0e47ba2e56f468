// Models that the worker runs itself, beside PyTorch on the same cores in the same run: features of 1,000 images of 64 px through ResNet-50, and the
// reconstruction loss of a masked autoencoder of ViT-Ti's width on 64 images of 64 px.
import { spawn, spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const cache = path.join(root, '.cache', 'bench');

/** A Python that has the modules (with commas between). */
export function findPython(modules = 'torch, torchvision') {
  const candidates = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter(Boolean);
  for (const candidate of candidates) {
    if (spawnSync(candidate, ['-W', 'ignore', '-c', `import ${modules}`], { stdio: 'ignore' }).status === 0) return candidate;
  }
  console.error(
    `The benchmark compares with PyTorch, and none of ${candidates.join(', ')} has ${modules.replace(', ', ' and ')}.\n` +
      `Install them (python3 -m venv .venv && .venv/bin/pip install ${modules.replace(',', '')}) and name that Python in the environment variable PYTHON.`,
  );
  process.exit(1);
}

export function converse(command, args, threads) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, BENCH_THREADS: String(threads) } });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error(`${command} ended before it answered.`);
      return JSON.parse(value);
    },
    end: () => child.stdin.end(),
  };
}

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
export const text = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(1));

/** Options: --images N (default 1000), --rounds N (default 5; they alternate between the two sides), --threads N (default 2). */
export async function main(options) {
  const option = (name, usual) => (options.includes(name) ? Number(options[options.indexOf(name) + 1]) : usual);
  const [count, rounds, threads] = [option('--images', 1000), option('--rounds', 5), option('--threads', Math.min(2, availableParallelism()))];
  const python = findPython();
  const bundle = path.join(root, 'node_modules', '.cache', 'layerscope-bench', 'models.cjs');
  await mkdir(cache, { recursive: true });
  await build({
    entryPoints: [path.join(here, 'modelsProcess.ts')], outfile: bundle, bundle: true, platform: 'node', target: 'node20', format: 'cjs', logLevel: 'warning',
    external: ['onnxruntime-node', 'onnxruntime-web', '@jsquash/*'],
  });
  const torch = converse(python, ['-W', 'ignore', path.join(here, 'twin_models.py')], threads);
  const own = converse(process.execPath, [bundle], threads);
  const { torch: version } = await torch.ask({ make: cache });
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads on both sides, Node ${process.versions.node}, PyTorch ${version}; medians of ${rounds} alternating rounds (and range; time of the processor over all threads)`);
  const cases = [
    { name: `ResNet-50, ${count} images of 64 px`, request: { features: [count, 64], batch: 64 }, modes: ['initialisers', 'inputs'] },
    { name: 'MAE of ViT-Ti width, loss of 64 images of 64 px', request: { loss: [64, 64] }, modes: ['inputs', 'initialisers'] },
  ];
  for (const { name, request, modes } of cases) {
    const sides = [{ label: 'PyTorch', ask: () => torch.ask(request) }];
    for (const mode of modes) sides.push({ label: `weights as ${mode}`, ask: () => own.ask({ ...request, batch: undefined, mode, folder: cache }) });
    for (const side of sides) [side.seconds, side.processor] = [[], []];
    // The first round of each is for warming up.
    for (let round = 0; round <= rounds; round++) {
      for (const side of sides) {
        side.answer = await side.ask();
        if (round === 0) continue;
        side.seconds.push(side.answer.seconds);
        side.processor.push(side.answer.processor);
      }
    }
    console.log(name);
    const reference = sides[0];
    for (const side of sides) {
      const seconds = median(side.seconds);
      const ratio = seconds / median(reference.seconds);
      // On a machine that does other work this is the one to believe.
      const processor = median(side.processor) / median(reference.processor);
      const more = side === reference ? '' : `, ratio ${ratio.toFixed(2)}, of the processor's time ${processor.toFixed(2)}, ready after ${text(side.answer.preparing * 1000)} ms, ${side.answer.batch} images a run, values differ by ${difference(side.answer, reference.answer).toExponential(1)}`;
      console.log(`  ${side.label.padEnd(26)} ${text(seconds * 1000).padStart(8)} ms (${text(Math.min(...side.seconds) * 1000)} .. ${text(Math.max(...side.seconds) * 1000)}; ${text(median(side.processor) * 1000)})${more}`);
    }
  }
  torch.end();
  own.end();
}

/** Relative, of sums of absolute values over a layer or of the loss. */
function difference(own, reference) {
  const pairs = reference.loss === undefined ? Object.entries(reference.sums).map(([layer, sum]) => [own.sums[layer], sum]) : [[own.loss, reference.loss]];
  return Math.max(...pairs.map(([a, b]) => Math.abs(a - b) / Math.abs(b)));
}
