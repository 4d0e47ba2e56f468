import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { installServer } from './installServer.mjs';
import { eachLine, endGroup, removeFolder, startGroup, temporaryFolder } from './processes.mjs';

/** What keeps a fresh VS Code from opening anything but the workspace. */
const userSettings = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'git.enabled': false,
  'window.commandCenter': false,
  // It looks through all processes again and again, in the extension host; code-server can forward ports, so the first alone does not stop it.
  'remote.autoForwardPorts': false,
  'remote.autoForwardPortsSource': 'output',
};

/**
 * Starts the VS Code server on a free port, with a fresh folder for its data.
 * @param options.settings user settings on top of the quiet defaults.
 * @param options.trust whether VS Code asks if the authors of a folder are trusted; otherwise every folder is.
 * @param options.prepare called with the extensions folder before the server starts.
 * @returns its address, its folders, its last output and `stop()`, which ends it and removes its data.
 */
export async function startServer({ settings = {}, trust = false, prepare, log = console.log } = {}) {
  const installed = await installServer(log);
  const data = temporaryFolder('layerscope-vscode-');
  const extensions = path.join(data, 'exts');
  await mkdir(path.join(data, 'data', 'User'), { recursive: true });
  await mkdir(extensions, { recursive: true });
  await writeFile(path.join(data, 'data', 'User', 'settings.json'), JSON.stringify({ ...userSettings, ...settings }, null, 2));
  await prepare?.(extensions, installed);

  const child = startGroup(
    installed.node,
    [
      installed.main,
      ...['--host', '127.0.0.1', '--port', '0', '--without-connection-token', '--accept-server-license-terms'],
      // The page honours the payload (development path, tests) only with this flag.
      '--enable-smoke-test-driver',
      ...(trust ? [] : ['--disable-workspace-trust']),
      ...['--telemetry-level', 'off', '--server-data-dir', data, '--extensions-dir', extensions],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, EXTENSIONS_GALLERY: '{"serviceUrl":""}' } },
  );
  const output = [];
  const port = await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`The VS Code server ${why}. Its last words:\n${output.slice(-15).join('\n')}`));
    const timer = setTimeout(() => fail('did not answer within 60 s'), 60_000);
    const onLine = (line) => {
      output.push(line);
      if (output.length > 400) output.shift();
      const match = /listening on (?:port )?(\d+)/i.exec(line);
      if (match !== null) {
        clearTimeout(timer);
        resolve(Number(match[1]));
      }
    };
    eachLine(child.stdout, onLine);
    eachLine(child.stderr, onLine);
    child.once('error', reject);
    child.once('exit', (code) => fail(`ended with ${code}`));
  });
  return {
    port,
    data,
    extensions,
    output,
    /** Resolves when the server ends by itself. */
    ended: new Promise((resolve) => child.once('exit', resolve)),
    authority: `127.0.0.1:${port}`,
    version: installed.version,
    async stop() {
      await endGroup(child);
      removeFolder(data);
    },
  };
}
