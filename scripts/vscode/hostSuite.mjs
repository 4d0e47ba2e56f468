import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { downloadDesktop } from './desktop.mjs';
import { root } from './paths.mjs';
import { removeFolder, temporaryFolder } from './processes.mjs';
import { sampleWorkspace } from './sampleWorkspace.mjs';
import { startServer } from './server.mjs';
import { isNoise, openWorkbench, within } from './workbench.mjs';

const bundle = path.join(root, 'out', 'test', 'host', 'index.js');
/** Everything the suite prints for people begins with this, so that it can be told from what VS Code itself logs. */
const marker = '[test] ';

/**
 * Runs the mocha suite of test/host in a real extension host on a copy of the sample runs: in the desktop VS Code where it can be
 * downloaded and shown, otherwise in the VS Code server.
 * @param options.entry what exports `run()`, relative to the checkout.
 * @param options.workspace folder to open (default: the copy of the sample runs).
 * @param options.limit milliseconds.
 * @returns what the suite wrote to the file that LAYERSCOPE_TEST_RESULTS names, and where it ran.
 */
export async function runHostSuite({ entry = 'test/host/index.ts', workspace, limit = 600_000, log = console.log } = {}) {
  await build({
    entryPoints: { suite: path.join(root, entry) },
    outdir: path.dirname(bundle),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'inline',
    logLevel: 'warning',
    // mocha loads its reporters by name.
    external: ['vscode', 'mocha', 'onnxruntime-node', 'onnxruntime-web'],
  });
  // Source maps are honoured in what is loaded after they were switched on.
  await writeFile(bundle, "process.setSourceMapsEnabled(true);\nexports.run = () => require('./suite.js').run();\n");
  const sample = workspace === undefined ? await sampleWorkspace() : undefined;
  const folder = workspace ?? sample.folder;
  const scratch = temporaryFolder('layerscope-host-');
  const results = path.join(scratch, 'results.json');
  process.env.LAYERSCOPE_TEST_RESULTS = results;
  try {
    const desktop = await downloadDesktop(log);
    const note = desktop.executable === undefined ? await inServer(folder, desktop.reason, limit, log) : await inDesktop(desktop.executable, folder, scratch, log);
    if (!existsSync(results)) throw new Error('The suite ended without results.');
    return { ...JSON.parse(await readFile(results, 'utf8')), note };
  } finally {
    delete process.env.LAYERSCOPE_TEST_RESULTS;
    sample?.remove();
    removeFolder(scratch);
  }
}

async function inDesktop(executable, workspace, scratch, log) {
  log('Running the suite in the desktop VS Code of @vscode/test-electron.');
  await mkdir(path.join(scratch, 'profile'), { recursive: true });
  const launchArgs = [workspace, '--disable-workspace-trust', '--skip-welcome', '--disable-extensions', `--user-data-dir=${path.join(scratch, 'profile')}`];
  await runTests({ vscodeExecutablePath: executable, extensionDevelopmentPath: root, extensionTestsPath: bundle, launchArgs }).catch((error) => log(error.message));
  return 'desktop VS Code';
}

async function inServer(workspace, reason, limit, log) {
  const server = await startServer({ log });
  log(`Running the suite in the VS Code ${server.version} server: ${reason}.`);
  const other = [];
  const onLog = (type, args) => {
    const text = args.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' ');
    if (text.startsWith(marker)) log(text.slice(marker.length));
    else if (!isNoise(text)) other.push(`  ${type}: ${text.slice(0, 400)}`);
  };
  const workbench = await openWorkbench(server, { folder: workspace, extension: root, tests: bundle, onLog });
  try {
    const code = await within(workbench.exit, limit, 'the suite');
    if (code !== 0) log((await workbench.failure(new Error(`The test host ended with ${code}. What VS Code logged last:\n${other.slice(-12).join('\n')}`), 'host')).message);
  } catch (error) {
    throw await workbench.failure(error, 'host');
  } finally {
    await workbench.close();
    await server.stop();
  }
  return `VS Code ${server.version} server`;
}
