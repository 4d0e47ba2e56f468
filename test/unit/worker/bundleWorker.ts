import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';

/**
 * Bundles the worker and its threads as the build does, into a folder of its own below the repository,
 * so that the engine's package is found.
 */
export async function bundleWorker(): Promise<{ readonly workerPath: string; readonly threadPath: string; remove(): Promise<void> }> {
  const root = path.resolve(import.meta.dirname, '../../..');
  await mkdir(path.join(root, 'out'), { recursive: true });
  const folder = await mkdtemp(path.join(root, 'out', 'worker-'));
  await build({
    entryPoints: {
      worker: path.join(root, 'src/worker/main.ts'),
      computeThread: path.join(root, 'src/worker/computeThread.ts'),
      landscapeThread: path.join(root, 'src/worker/landscape/landscapeThread.ts'),
    },
    bundle: true, platform: 'node', target: 'node20', format: 'cjs', external: ['onnxruntime-node', 'onnxruntime-web', '@jsquash/*'], outdir: folder, logLevel: 'error',
  });
  return {
    workerPath: path.join(folder, 'worker.js'),
    threadPath: path.join(folder, 'computeThread.js'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
