// Opens the extension on the sample runs or on a folder in a real VS Code, or takes a picture of it there.
import { statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { desktopCode, downloadDesktop, hasDisplay } from './vscode/desktop.mjs';
import { chooseRun, fitHeight, openContainer, setPanelWidth, shrinkRunsTree, waitForPicture } from './vscode/panel.mjs';
import { root } from './vscode/paths.mjs';
import { removeFolder, run, temporaryFolder } from './vscode/processes.mjs';
import { sampleRunToShow, sampleWorkspace } from './vscode/sampleWorkspace.mjs';
import { startServer } from './vscode/server.mjs';
import { expectTheme, openWorkbench, workbenchUrl } from './vscode/workbench.mjs';

/** Their names in the settings, and the files of VS Code that hold them. */
const themes = {
  light: { id: 'Default Light Modern', file: 'light_modern.json' },
  dark: { id: 'Default Dark Modern', file: 'dark_modern.json' },
  hc: { id: 'Default High Contrast', file: 'hc_black.json' },
  'hc-light': { id: 'Default High Contrast Light', file: 'hc_light.json' },
};

/** npm starts scripts in the checkout, wherever it was called. */
const start = process.env.INIT_CWD ?? process.cwd();

const usage = `npm run demo                       opens VS Code on a copy of the sample runs
npm run demo -- FOLDER             opens it on a folder of yours, as it is
npm run demo -- --server           uses the VS Code server even where a desktop VS Code is available
npm run demo -- --screenshot FILE  writes a picture of the open panel and exits
  --complete                       waits until everything is measured, not only what the findings rest on
  --theme ${Object.keys(themes).join('|')}   colour theme (default dark)
  --width N                        width of the side bar in pixels (default 400)
  --height N                       height of the window in pixels (default: as much as the panel needs)
  --no-build                       uses dist/ as it is`;

const { values, positionals } = parse({
  allowPositionals: true,
  options: {
    screenshot: { type: 'string' },
    complete: { type: 'boolean', default: false },
    theme: { type: 'string', default: 'dark' },
    width: { type: 'string', default: '400' },
    height: { type: 'string' },
    server: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
if (!Object.hasOwn(themes, values.theme)) fail(`--theme ${values.theme}: one of ${Object.keys(themes).join(', ')} is expected.`);
const theme = themes[values.theme];
const [width, height] = ['width', 'height'].map((name) => {
  if (values[name] === undefined) return undefined;
  const pixels = Number(values[name]);
  if (!(pixels >= 200)) fail(`--${name} ${values[name]}: a number of pixels from 200 on is expected.`);
  return pixels;
});
if (positionals.length > 1) fail(`${positionals.join(' ')}: one folder is expected, or none for the sample runs.`);
const own = positionals.length === 1 ? folderAt(positionals[0]) : undefined;

if (!values['no-build']) {
  console.log('Building ...');
  if ((await run(process.execPath, [path.join(root, 'scripts', 'build.mjs')], { cwd: root })) !== 0) process.exit(1);
}
const workspace = own === undefined ? await sampleWorkspace() : { folder: own, remove: () => undefined };
const content = own ?? 'the sample runs';
/** Of a folder that a person opens, VS Code asks whether its authors are trusted; the sample is ours, and a picture is taken without anybody to ask. */
const trust = own !== undefined && values.screenshot === undefined;
try {
  if (values.screenshot !== undefined) await takePicture(path.resolve(start, values.screenshot));
  else if (values.server || !(await openDesktop())) await serve();
} finally {
  workspace.remove();
}

function parse(config) {
  try {
    return parseArgs(config);
  } catch (error) {
    return fail(`${error.message}\n\n${usage}`);
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

function folderAt(name) {
  const folder = path.resolve(start, name);
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) fail(`There is no folder ${folder}.`);
  if (!found.isDirectory()) fail(`${folder} is a file; the folder that holds the runs is expected.`);
  return folder;
}

async function takePicture(file) {
  const begin = Date.now();
  const server = await startServer({ settings: { 'workbench.colorTheme': theme.id } });
  try {
    console.log(`Opening VS Code ${server.version} (server, headless) on ${content} ...`);
    const workbench = await openWorkbench(server, { folder: workspace.folder, extension: linkTo(root, server.data), width: Math.max(1280, width + 480), height });
    const { page } = workbench;
    try {
      await openContainer(page);
      await expectTheme(page, theme.file);
      await setPanelWidth(page, width);
      if (own === undefined) await chooseRun(page, sampleRunToShow);
      await waitForPicture(page, { complete: values.complete, onProgress: tellNowAndThen() });
      await shrinkRunsTree(page);
      if (height === undefined) await fitHeight(page);
      await page.screenshot({ path: file });
      console.log(`Wrote ${file} after ${((Date.now() - begin) / 1000).toFixed(0)} s`);
    } catch (error) {
      throw await workbench.failure(error, 'demo');
    } finally {
      await workbench.close();
    }
  } finally {
    await server.stop();
  }
}

/**
 * Another path of the checkout. The server lies below the checkout (in `.cache/`), and VS Code takes every theme below the folder of an extension
 * under development for one of that extension: it would draw the first that is as light or dark as the page instead of the one in the settings.
 */
function linkTo(folder, parent) {
  const link = path.join(parent, 'extension');
  symlinkSync(folder, link, 'junction');
  return link;
}

/** Prints what it is called with, at most every two seconds. */
function tellNowAndThen() {
  let last = 0;
  return (words) => {
    if (Date.now() - last < 2000) return;
    last = Date.now();
    console.log(`  ${words}`);
  };
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
  console.log(`Opening ${executable} on ${content}; click the Layerscope icon in the activity bar. Close its window to end the demo.`);
  const args = [`--extensionDevelopmentPath=${root}`, `--user-data-dir=${profile}`, ...(trust ? [] : ['--disable-workspace-trust']), '--skip-welcome', '--new-window', '--wait', workspace.folder];
  await run(executable, args, { shell: executable.endsWith('.cmd') });
  removeFolder(profile);
  return true;
}

async function serve() {
  const server = await startServer({ trust, settings: { 'workbench.colorTheme': theme.id } });
  console.log(`\nOpen this address in a browser on this machine and click the Layerscope icon in the activity bar:\n\n  ${workbenchUrl(server, { folder: workspace.folder, extension: linkTo(root, server.data) })}\n\nPress Ctrl+C to end the demo.`);
  await server.ended;
}
