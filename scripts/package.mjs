// Makes the VSIX for the platform it runs on, and says what is in it and how large it is.
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createVSIX } from '@vscode/vsce';
import yauzl from 'yauzl';
import { cache, root } from './vscode/paths.mjs';
import { run } from './vscode/processes.mjs';

const megabyte = 1e6;
const limits = { sample: 6 * megabyte, 'linux-x64': 30 * megabyte };

const { values } = parseArgs({ options: { out: { type: 'string' }, 'no-build': { type: 'boolean', default: false } } });
const target = `${process.platform}-${process.arch}`;
const binary = path.join('node_modules', 'onnxruntime-node', 'bin', 'napi-v6', process.platform, process.arch);
const hasBinary = existsSync(path.join(root, binary));
if (!hasBinary) console.log(`onnxruntime-node carries no binary for ${target} (${binary} is missing): the package computes with wasm.`);

if (!values['no-build']) {
  const code = await run(process.execPath, [path.join(root, 'scripts', 'build.mjs'), '--production'], { cwd: root });
  if (code !== 0) process.exit(1);
}

const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
const file = path.resolve(values.out ?? path.join(root, `layerscope-${target}-${version}.vsix`));
await mkdir(path.dirname(file), { recursive: true });
await mkdir(cache, { recursive: true });
const ignoreFile = path.join(cache, 'vscodeignore');
const allowed = await readFile(path.join(root, '.vscodeignore'), 'utf8');
await writeFile(ignoreFile, hasBinary ? `${allowed}!${binary.split(path.sep).join('/')}/**\n` : allowed);
await createVSIX({
  cwd: root,
  target,
  packagePath: file,
  ignoreFile,
  dependencies: true,
  allowMissingRepository: true,
  rewriteRelativeLinks: false,
  skipLicense: false,
});

const entries = await listZip(file);
const groups = new Map();
for (const entry of entries) groups.set(groupOf(entry.name), (groups.get(groupOf(entry.name)) ?? 0) + entry.bytes);
for (const [group, bytes] of [...groups].sort((a, b) => b[1] - a[1])) console.log(`  ${(bytes / megabyte).toFixed(2).padStart(7)} MB  ${group}`);
const total = (await stat(file)).size;
console.log(`${path.relative(process.cwd(), file)}: ${(total / megabyte).toFixed(1)} MB, ${entries.length} files, ${target}`);

const wrong = entries.filter(({ name }) => /\.(ts|tsx|map|mts)$/.test(name)).map(({ name }) => `${name} does not belong into the package`);
if (!entries.some(({ name }) => name.startsWith('extension/media/sample/'))) wrong.push('the sample runs are missing');
if (entries.filter(({ name }) => name.endsWith('.whl')).length !== 1) wrong.push('exactly one wheel of the training side is needed');
if (entries.filter(({ name }) => name.startsWith('extension/companion/templates/')).length !== 2) wrong.push('the two scripts that the editor writes are needed');
if (entries.filter(({ name }) => name.endsWith('.wasm') && groupOf(name) === 'engine (wasm)').length !== 1) wrong.push('exactly one WebAssembly file of the wasm engine is needed');
if ((groups.get('sample runs') ?? 0) > limits.sample) wrong.push(`the sample runs take more than ${limits.sample / megabyte} MB`);
if (total > (limits[target] ?? Infinity)) wrong.push(`the package is larger than ${limits[target] / megabyte} MB`);
if (wrong.length > 0) throw new Error(wrong.join('\n'));

function groupOf(name) {
  if (name.startsWith('extension/node_modules/onnxruntime-web/')) return 'engine (wasm)';
  if (name.startsWith('extension/node_modules/')) return 'engine (onnxruntime)';
  if (name.startsWith('extension/media/sample/')) return 'sample runs';
  if (name.startsWith('extension/dist/companion/') || name.startsWith('extension/companion/')) return 'training side';
  if (name.startsWith('extension/dist/')) return 'code';
  return 'manifest, documents, pictures';
}

/** Names and compressed sizes of the files of a zip archive. */
function listZip(archive) {
  return new Promise((resolve, reject) => {
    yauzl.open(archive, { lazyEntries: false }, (error, zip) => {
      if (error) return reject(error);
      const found = [];
      zip.on('entry', (entry) => found.push({ name: entry.fileName, bytes: entry.compressedSize }));
      zip.on('error', reject);
      zip.on('end', () => resolve(found));
    });
  });
}
