// The engines side by side: what one thread of each does. TensorFlow takes part where it is installed (npm run engine:tensorflow).
import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');

/** Options: --rounds N (default 3). */
export async function main(options) {
  const rounds = options.includes('--rounds') ? options[options.indexOf('--rounds') + 1] : '3';
  const script = path.join(root, '.cache', 'bench', 'engineTimes.mjs');
  await build({
    entryPoints: [path.join(here, 'engineTimes.ts')], outfile: script,
    bundle: true, platform: 'node', target: 'node20', format: 'esm', external: ['onnxruntime-node', 'onnxruntime-web'], logLevel: 'warning',
    banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
  });
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores. Processor time; the least of some tries, in ${rounds} rounds.`);
  const env = { ...process.env, TF_NUM_INTRAOP_THREADS: '1', TF_CPP_MIN_LOG_LEVEL: '2' };
  process.exitCode = spawnSync(process.execPath, [script, rounds], { cwd: root, stdio: 'inherit', env }).status ?? 1;
}
