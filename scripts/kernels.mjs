// Compiles src/linalg/kernels (AssemblyScript) to WebAssembly and writes it into src/linalg/kernelsBinary.ts, in text, so that every bundler
// and test runner finds it without a loader. The result is committed; a test compares it with what this script makes.
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const folder = path.join(root, 'src', 'linalg', 'kernels');
const binary = path.join(root, 'src', 'linalg', 'kernelsBinary.ts');
const flags = ['--optimizeLevel', '3', '--shrinkLevel', '0', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--disableWarning', '112'];

/** What the binary is made from: sources, compiler and its flags. */
async function readSources() {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts')).sort();
  const sources = new Map();
  for (const name of names) sources.set(name, (await readFile(path.join(folder, name), 'utf8')).replaceAll('\r\n', '\n'));
  const { version } = JSON.parse(await readFile(path.join(root, 'node_modules', 'assemblyscript', 'package.json'), 'utf8'));
  const hash = createHash('sha256').update(JSON.stringify([version, flags, [...sources]]));
  return { sources, version, hash: hash.digest('hex').slice(0, 32) };
}

async function compile(sources) {
  const { default: asc } = await import('assemblyscript/asc');
  let module;
  const { error, stderr } = await asc.main(['index.ts', '--outFile', 'kernels.wasm', ...flags], {
    readFile: (name) => sources.get(path.basename(name)) ?? null,
    writeFile: (name, contents) => {
      module = contents;
    },
    listFiles: () => [],
  });
  if (error || !module) throw new Error(`The kernels do not compile: ${error?.message ?? 'no module was written'}\n${stderr}`);
  return module;
}

/** The text of kernelsBinary.ts as the sources make it. */
export async function buildKernels() {
  const { sources, version, hash } = await readSources();
  const lines = Buffer.from(await compile(sources)).toString('base64').match(/.{1,120}/g);
  return [
    `// Made by scripts/kernels.mjs with AssemblyScript ${version} from src/linalg/kernels. Sources: ${hash}`,
    '',
    '/** The WebAssembly module of the kernels, in base64. */',
    'export const kernelsBinary =',
    `${lines.map((line) => `  '${line}'`).join(' +\n')};`,
    '',
  ].join('\n');
}

/** Compiles when the sources, the compiler or its flags are not those of the file that is there. */
export async function updateKernels() {
  const { hash } = await readSources();
  const present = await readFile(binary, 'utf8').catch(() => '');
  if (present.split('\n', 1)[0]?.endsWith(` ${hash}`)) return false;
  await writeFile(binary, await buildKernels());
  return true;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  console.log((await updateKernels()) ? `Wrote ${path.relative(root, binary)}.` : 'The kernels are up to date.');
}
