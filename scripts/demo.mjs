// Opens the extension on the sample runs in a real VS Code, or takes a picture of it there.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { desktopCode, downloadDesktop, hasDisplay } from './vscode/desktop.mjs';
import { openContainer, setPanelWidth, waitForMeasurements } from './vscode/panel.mjs';
import { root } from './vscode/paths.mjs';
import { removeFolder, run, temporaryFolder } from './vscode/processes.mjs';
import { sampleWorkspace } from './vscode/sampleWorkspace.mjs';
import { startServer } from './vscode/server.mjs';
import { openWorkbench, workbenchUrl } from './vscode/workbench.mjs';

const themes = {
  light: 'Default Light Modern',
  dark: 'Default Dark Modern',
  hc: 'Default High Contrast',
  'hc-light': 'Default High Contrast Light',
};

const usage = `npm run demo                       opens VS Code on the sample runs
npm run demo -- --server           uses the VS Code server even where a desktop VS Code is available
npm run demo -- --screenshot FILE  writes a picture of the open panel and exits
  --theme ${Object.keys(themes).join('|')}   colour theme (default dark)
  --width N                        width of the side bar in pixels (default 400)
  --height N                       height of the window in pixels (default 1000)
  --no-build                       uses dist/ as it is`;

const { values } = parseArgs({
  options: {
    screenshot: { type: 'string' },
    theme: { type: 'string', default: 'dark' },
    width: { type: 'string', default: '400' },
    height: { type: 'string', default: '1000' },
    server: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
if (themes[values.theme] === undefined) throw new Error(`--theme ${values.theme}: one of ${Object.keys(themes).join(', ')} is expected.`);
const [width, height] = ['width', 'height'].map((name) => {
  const pixels = Number(values[name]);
  if (!(pixels >= 200)) throw new Error(`--${name} ${values[name]}: a number of pixels from 200 on is expected.`);
  return pixels;
});

if (!values['no-build']) {
  console.log('Building ...');
  if ((await run(process.execPath, [path.join(root, 'scripts', 'build.mjs')], { cwd: root })) !== 0) process.exit(1);
}
const workspace = await sampleWorkspace();
try {
  if (values.screenshot !== undefined) await takePicture(path.resolve(values.screenshot));
  else if (values.server || !(await openDesktop())) await serve();
} finally {
  workspace.remove();
}

async function takePicture(file) {
  const server = await startServer({ settings: { 'workbench.colorTheme': themes[values.theme] } });
  try {
    console.log(`Opening VS Code ${server.version} (server, headless) on the sample runs ...`);
    const workbench = await openWorkbench(server, { folder: workspace.folder, extension: root, width: Math.max(1280, width + 480), height });
    try {
      await openContainer(workbench.page);
      await setPanelWidth(workbench.page, width);
      console.log('Waiting for the measurements ...');
      await waitForMeasurements(workbench.page);
      await workbench.page.screenshot({ path: file });
      console.log(`Wrote ${file}`);
    } catch (error) {
      throw await workbench.failure(error, 'demo');
    } finally {
      await workbench.close();
    }
  } finally {
    await server.stop();
  }
}

/** Opens a desktop window and waits until it is closed; false when there is none to open. */
async function openDesktop() {
  let executable = hasDisplay() ? desktopCode() : undefined;
  if (executable === undefined) {
    const download = await downloadDesktop();
    if (download.executable === undefined) {
      console.log(`No desktop VS Code: ${download.reason}. Using the VS Code server instead.`);
      return false;
    }
    executable = download.executable;
  }
  const profile = temporaryFolder('layerscope-profile-');
  console.log(`Opening ${executable} on the sample runs; click the Layerscope icon in the activity bar. Close its window to end the demo.`);
  const args = [`--extensionDevelopmentPath=${root}`, `--user-data-dir=${profile}`, '--disable-workspace-trust', '--skip-welcome', '--new-window', '--wait', workspace.folder];
  await run(executable, args, { shell: executable.endsWith('.cmd') });
  removeFolder(profile);
  return true;
}

async function serve() {
  const server = await startServer({ settings: { 'workbench.colorTheme': themes[values.theme] } });
  console.log(`\nOpen this address in a browser on this machine and click the Layerscope icon in the activity bar:\n\n  ${workbenchUrl(server, { folder: workspace.folder, extension: root })}\n\nPress Ctrl+C to end the demo.`);
  await server.ended;
}
