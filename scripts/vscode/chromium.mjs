import { existsSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { aptInstall } from './apt.mjs';
import { root } from './paths.mjs';
import { onPath, run } from './processes.mjs';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge'];
const usualPlaces = {
  darwin: ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium'],
  win32: ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((name) =>
    process.env[name] === undefined ? [] : [path.join(process.env[name], 'Google', 'Chrome', 'Application', 'chrome.exe')],
  ),
};

/** Keeps the browser from asking hosts that have nothing to do with the test. */
export const quietFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let found;

/** Path of a Chromium that runs; installs one, visibly, when the machine has none. LAYERSCOPE_CHROMIUM names one and wins. */
export function findChromium(log = console.log) {
  found ??= find(log);
  return found;
}

async function find(log) {
  const named = process.env.LAYERSCOPE_CHROMIUM;
  if (named !== undefined && named !== '') {
    if (!(await runs(named))) throw new Error(`LAYERSCOPE_CHROMIUM=${named} does not run (${named} --version failed).`);
    return named;
  }
  const there = await present();
  if (there !== undefined) return there;
  const tried = [];
  for (const way of [downloadWithPlaywright, installWithApt]) {
    tried.push(await way(log));
    const now = await present();
    if (now !== undefined) return now;
  }
  throw new Error(`No Chromium was found and none could be installed (${tried.join('; ')}). Install Chromium or Chrome, or set LAYERSCOPE_CHROMIUM to its path.`);
}

async function present() {
  for (const file of [onPath(...names), ...(usualPlaces[process.platform] ?? []), chromium.executablePath()]) {
    if (file !== undefined && file !== '' && existsSync(file) && (await runs(file))) return file;
  }
  return undefined;
}

/** A downloaded browser whose system libraries are missing exists but does not run. On Windows and macOS a start shows a window, so existing must do. */
async function runs(file) {
  if (process.platform !== 'linux') return existsSync(file);
  try {
    return (await run(file, ['--version', '--no-sandbox'], { timeout: 20_000, onLine: () => undefined })) === 0;
  } catch {
    return false;
  }
}

async function downloadWithPlaywright(log) {
  try {
    await fetch('https://cdn.playwright.dev/', { method: 'HEAD', signal: AbortSignal.timeout(8000) });
  } catch {
    return 'Playwright\'s download host is out of reach';
  }
  log('Installing Chromium with Playwright (once) ...');
  const code = await run(process.execPath, [path.join(root, 'node_modules', 'playwright-core', 'cli.js'), 'install', 'chromium', '--no-shell'], { timeout: 240_000 });
  return code === 0 ? 'Playwright\'s Chromium was installed but does not run here' : `playwright-core install chromium ended with ${code}`;
}

async function installWithApt(log) {
  const problem = await aptInstall(['chromium', 'fonts-dejavu-core'], 'Chromium', log);
  return problem ?? 'the Chromium of apt-get does not run here';
}
