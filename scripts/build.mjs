// Bundles the extension, the worker, the compute thread, the command line and the panel into dist/.
import { chmod, mkdir, rm } from 'node:fs/promises';
import { build, context } from 'esbuild';

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
  // vscode is given by the host; onnxruntime-node carries a native library and stays a package.
  external: ['vscode', 'onnxruntime-node'],
  outdir: 'dist',
};

const bundles = [
  {
    ...node,
    entryPoints: {
      extension: 'src/extension.ts',
      worker: 'src/worker/main.ts',
      computeThread: 'src/worker/computeThread.ts',
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
    entryPoints: { layerHealth: 'webview-ui/src/layerHealth.tsx' },
    outdir: 'dist/webview',
  },
];

await rm('dist', { recursive: true, force: true });
await mkdir('dist', { recursive: true });
if (watch) {
  for (const options of bundles) await (await context(options)).watch();
} else {
  await Promise.all(bundles.map((options) => build(options)));
  await chmod('dist/cli.js', 0o755);
}
