// Bundles the extension, the worker, the compute thread, the command line and the panel into dist/, and packs the training side beside them.
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, context } from 'esbuild';
import { splitWhereAsked } from './hostBundle.mjs';
import { updateKernels } from './kernels.mjs';
import { buildWheel } from './wheel.mjs';

process.chdir(path.resolve(fileURLToPath(import.meta.url), '../..'));
const watch = process.argv.includes('--watch');
const production = process.argv.includes('--production');

const shared = {
  bundle: true,
  sourcemap: !production,
  minify: production,
  logLevel: 'info',
  legalComments: 'none',
};
const node = {
  ...shared,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // vscode is given by the host; what carries a native library or a WebAssembly file stays a package.
  external: ['vscode', 'onnxruntime-node', 'onnxruntime-web', '@jsquash/*'],
  outdir: 'dist',
};

const bundles = [
  splitWhereAsked({ ...node, entryPoints: { extension: 'src/extension.ts' } }),
  {
    ...node,
    entryPoints: {
      worker: 'src/worker/main.ts',
      computeThread: 'src/worker/computeThread.ts',
      landscapeThread: 'src/worker/landscape/landscapeThread.ts',
    },
  },
  { ...node, entryPoints: { cli: 'src/cli/main.ts' }, banner: { js: '#!/usr/bin/env node' } },
  {
    ...shared,
    platform: 'browser',
    target: 'es2022',
    format: 'iife',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    entryPoints: { layerHealth: 'webview-ui/src/layerHealth.tsx', landscape: 'webview-ui/src/landscape.tsx', report: 'webview-ui/src/report.ts' },
    outdir: 'dist/webview',
  },
];

// A production build goes into the package: nothing older may be left beside it.
if (production) await rm('dist', { recursive: true, force: true });
await mkdir('dist', { recursive: true });
await buildWheel(path.join('dist', 'companion'));
if (await updateKernels()) console.log('src/linalg/kernelsBinary.ts was made anew from src/linalg/kernels.');
if (watch) {
  for (const options of bundles) await (await context(options)).watch();
} else {
  try {
    await Promise.all(bundles.map((options) => build(options)));
  } catch (error) {
    // esbuild has printed what is wrong and where.
    if (error.errors === undefined) throw error;
    process.exit(1);
  }
}
await linkCommandLine();

/** Puts `layerscope` where npx looks first; npm links the bins of dependencies there, but not a package's own. */
async function linkCommandLine() {
  const folder = path.join('node_modules', '.bin');
  const link = path.join(folder, 'layerscope');
  await mkdir(folder, { recursive: true });
  await rm(link, { force: true });
  if (process.platform === 'win32') {
    await writeFile(`${link}.cmd`, '@node "%~dp0\\..\\..\\dist\\cli.js" %*\r\n');
    return;
  }
  await symlink(path.join('..', '..', 'dist', 'cli.js'), link);
  if (!watch) await chmod(path.join('dist', 'cli.js'), 0o755);
}
