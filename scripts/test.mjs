// Everything that is checked before a change goes in, in the order in which a mistake is found soonest.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { failure } from './testCounts.mjs';
import { runHostSuite } from './vscode/hostSuite.mjs';
import { cache, root } from './vscode/paths.mjs';
import { npm, run } from './vscode/processes.mjs';
import { findPythonWithTorch } from './vscode/python.mjs';

process.chdir(root);
const script = (...args) => run(process.execPath, args, { cwd: root });
const bin = (name) => path.join('node_modules', name);

/** Each answers with `{ passed, failed, skipped, note, failures }`; a check that counts no tests answers with nothing or throws. */
const stages = {
  lint: () => check(npm(['run', '--silent', 'lint'], { cwd: root })),
  typecheck: () => check(npm(['run', '--silent', 'typecheck'], { cwd: root })),
  unit: () => vitest('unit', 'vitest.config.mjs'),
  build: () => check(script('scripts/build.mjs')),
  webview: () => vitest('webview', 'test/webview/vitest.config.ts'),
  host,
  vsix: async () => {
    await check(script('scripts/package.mjs', '--out', path.join(cache, 'layerscope.vsix')));
    return vitest('vsix', 'test/host/vitest.config.mjs', 'vsix');
  },
  companion,
};
/** These look at dist/. */
const needsBuild = ['webview', 'host', 'companion'];

const { values } = parseArgs({ options: { only: { type: 'string' }, help: { type: 'boolean', default: false } } });
if (values.help) {
  console.log(`npm test                     all stages: ${Object.keys(stages).join(', ')}\nnpm test -- --only a,b       only these`);
  process.exit(0);
}
const chosen = new Set(values.only?.split(',') ?? Object.keys(stages));
for (const name of chosen) if (stages[name] === undefined) throw new Error(`--only ${name}: one of ${Object.keys(stages).join(', ')} is expected.`);
if (needsBuild.some((name) => chosen.has(name))) chosen.add('build');

const results = [];
for (const [name, stage] of Object.entries(stages)) {
  if (!chosen.has(name)) continue;
  console.log(`\n=== ${name} ===`);
  const begin = Date.now();
  const result = await stage().catch((error) => {
    console.error(error.stack ?? String(error));
    return { failed: 1, failures: [failure(name, error.stack ?? error)] };
  });
  const seconds = (Date.now() - begin) / 1000;
  results.push({ name, seconds, passed: 0, failed: 0, skipped: 0, failures: [], ...result });
}

console.log('\n=== summary ===');
for (const { name, seconds, passed, failed, skipped, note } of results) {
  const counted = passed + failed + skipped > 0 ? `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}` : 'ok';
  console.log(`${name.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s   ${counted}${note ? ` (${note})` : ''}`);
}
const total = add(...results);
// A long log is read from its end, or cut there.
for (const { name, failures } of results) for (const text of failures) console.log(`\n${name} FAILED ${text}`);
if (total.failures.length > 0) console.log('');
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;

function add(...parts) {
  const sum = (key) => parts.reduce((all, part) => all + (part[key] ?? 0), 0);
  const notes = parts.map((part) => part.note).filter(Boolean);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped'), note: notes.join('; '), failures: parts.flatMap((part) => part.failures ?? []) };
}

async function check(exit) {
  const code = await exit;
  if (code !== 0) throw new Error(`It ended with exit code ${code}.`);
}

/** Runs vitest with a configuration and counts its tests. */
async function vitest(name, config, ...filters) {
  const counts = path.join(cache, `vitest-${name}.json`);
  await mkdir(cache, { recursive: true });
  await rm(counts, { force: true });
  process.env.LAYERSCOPE_TEST_COUNTS = counts;
  const args = ['run', '--config', config, '--reporter=default', '--reporter=./scripts/testCounts.mjs', ...filters];
  const code = await script(path.join(bin('vitest'), 'vitest.mjs'), ...args);
  if (!existsSync(counts)) throw new Error(`vitest ended with exit code ${code} and counted nothing.`);
  const result = JSON.parse(await readFile(counts, 'utf8'));
  return code === 0 || result.failed > 0 ? result : { ...result, failed: 1, failures: [`vitest ended with exit code ${code}, though no test failed.`] };
}

/** One suite of the extension host trains a tiny network with the companion; without a Python for that, it says so and leaves it out. */
async function host() {
  process.env.LAYERSCOPE_TEST_PYTHON = (await findPythonWithTorch()).python ?? '';
  return add(await runHostSuite(), await vitest('host', 'test/host/vitest.config.mjs', 'page'));
}

/** The training side has its own tests; they need a Python with PyTorch, which using the extension does not. */
async function companion() {
  if (!existsSync('companion/tests')) return { note: 'no tests yet' };
  const { python, problem } = await findPythonWithTorch();
  if (python === undefined) return { note: `left out: no Python with torch and pytest (${problem})` };
  const lines = [];
  const code = await run(python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'tests'], { cwd: path.join(root, 'companion'), env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }, onLine: (line) => (lines.push(line), console.log(line)) });
  const count = (word) => Number(new RegExp(`(\\d+) ${word}`).exec(lines.at(-1) ?? '')?.[1] ?? 0);
  const failed = count('failed') + count('error');
  const failures = lines.filter((line) => /^(?:FAILED|ERROR) /.test(line)).map((line) => line.replace(/^(?:FAILED|ERROR) /, ''));
  if (code === 0 || failed > 0) return { passed: count('passed'), failed, skipped: count('skipped'), failures };
  return { passed: count('passed'), failed: 1, skipped: count('skipped'), failures: [`pytest ended with exit code ${code}, though no test failed.`] };
}
