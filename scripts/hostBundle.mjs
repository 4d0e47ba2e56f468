import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { transform } from 'esbuild';

/** Where the parts that wait lie, inside dist/. */
const waiting = 'extension';

/**
 * Options to bundle the extension so that what it imports when asked, `await import(…)`, is a file of its own: every window pays for activation, and
 * most never open a surface or preview a recorder. esbuild splits ES modules only, the extension host requires CommonJS, so each part is turned
 * into CommonJS after it was split.
 * @param options esbuild's, for a CommonJS bundle with `outdir`
 */
export function splitWhereAsked({ sourcemap, ...options }) {
  return {
    ...options,
    // The second pass reads the map of the first from the text, and writes its own there.
    sourcemap: sourcemap ? 'inline' : false,
    format: 'esm',
    splitting: true,
    chunkNames: `${waiting}/[name]-[hash]`,
    write: false,
    plugins: [{ name: 'common-js', setup: (build) => build.onEnd(({ outputFiles }) => writeCommonJs(outputFiles ?? [], options, sourcemap)) }],
  };
}

async function writeCommonJs(files, { outdir, target, minify }, sourcemap) {
  if (files.length === 0) return;
  // The names of parts carry a hash: those of the last build would stay for ever.
  await rm(path.join(outdir, waiting), { recursive: true, force: true });
  await Promise.all(
    files.map(async ({ path: file, text }) => {
      const { code } = await transform(text, {
        format: 'cjs',
        platform: 'node',
        target,
        minify,
        sourcemap: sourcemap ? 'inline' : false,
        supported: { 'dynamic-import': false },
      });
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, code);
    }),
  );
}
