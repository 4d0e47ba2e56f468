import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
// @ts-expect-error: a script of the build, in JavaScript
import { splitWhereAsked } from '../../scripts/hostBundle.mjs';

const root = path.resolve(__dirname, '../..');

describe('the bundle of the extension', () => {
  let outdir: string;

  beforeEach(async () => {
    outdir = await mkdtemp(path.join(tmpdir(), 'layerscope-bundle-'));
  });
  afterEach(() => rm(outdir, { recursive: true, force: true }));

  async function bundle(entryPoints: Record<string, string>) {
    const options = {
      entryPoints, outdir, bundle: true, platform: 'node', target: 'node20', format: 'cjs', minify: true, metafile: true, absWorkingDir: root,
      external: ['vscode', 'onnxruntime-node', 'onnxruntime-web', '@jsquash/*'],
    };
    return build((splitWhereAsked as (options: object) => BuildOptions)(options));
  }

  it('loads neither file formats nor algebra nor a parser when the extension is activated', async () => {
    const { metafile } = await bundle({ extension: 'src/extension.ts' });
    const outputs = metafile?.outputs ?? {};
    const first = Object.keys(outputs).find((file) => path.basename(file) === 'extension.js') ?? '';
    const loaded = new Set([first]);
    for (const file of loaded) {
      for (const { path: imported, kind, external } of outputs[file]?.imports ?? []) if (kind !== 'dynamic-import' && external !== true) loaded.add(imported);
    }
    const inputs = [...loaded].flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}));
    expect(inputs).toContain('src/views/session.ts');
    expect(inputs.filter((file) => /^src\/(linalg|landscape|models|monitor)\//.test(file))).toEqual([]);
    expect(inputs.filter((file) => /node_modules\/(?!birpc\/)/.test(file))).toEqual([]);
  });

  it('puts what is imported when asked into CommonJS files of its own, and removes those of the last build', async () => {
    await bundle({ extension: 'src/extension.ts' });
    await bundle({ extension: 'src/extension.ts' });
    const parts = await readdir(path.join(outdir, 'extension'));
    expect(parts.filter((name) => name.startsWith('recorderEdit-'))).toHaveLength(1);
    const part = path.join(outdir, 'extension', parts.find((name) => name.startsWith('recorderEdit-')) ?? '');
    const { planRecorder } = createRequire(__filename)(part) as { planRecorder: unknown };
    expect(planRecorder).toBeTypeOf('function');
    expect(await readFile(path.join(outdir, 'extension.js'), 'utf8')).toMatch(/require\("\.\/extension\/recorderEdit-/);
  });
});
