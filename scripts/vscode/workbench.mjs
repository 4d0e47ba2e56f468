import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { findChromium, quietFlags } from './chromium.mjs';
import { cache } from './paths.mjs';

/** The address that opens `folder` with an extension under development and, given `tests`, runs them. */
export function workbenchUrl(server, { folder, extension, tests }) {
  const remote = (file) => `vscode-remote://${server.authority}${file.split(path.sep).join('/')}`;
  const payload = [
    ...(extension === undefined ? [] : [['extensionDevelopmentPath', remote(extension)]]),
    ...(tests === undefined ? [] : [['extensionTestsPath', remote(tests)]]),
    ['skipWelcome', 'true'],
  ];
  return `http://${server.authority}/?folder=${encodeURIComponent(folder)}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
}

/**
 * Opens the workbench of a started server in headless Chromium.
 * @returns the page; `exit`, the exit code that a test run reports; `failure(error)`, which adds the last state and saves a picture; and `close()`.
 */
export async function openWorkbench(server, { width = 1280, height = 900, onLog = () => undefined, ...target }) {
  const browser = await chromium.launch({ executablePath: await findChromium(), args: quietFlags });
  const context = await browser.newContext({ viewport: { width, height }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const messages = [];
  page.on('console', (message) => messages.push(`[${message.type()}] ${message.text()}`));
  page.on('pageerror', (error) => messages.push(`[page error] ${error.message}`));
  page.on('crash', () => messages.push('[crash] the page crashed'));

  let ended;
  const exit = new Promise((resolve) => (ended = resolve));
  await page.exposeFunction('codeAutomationLog', (type, args) => onLog(type, args));
  await page.exposeFunction('codeAutomationExit', (code) => ended(code));
  await page.goto(workbenchUrl(server, target));
  await page.waitForSelector('.monaco-workbench', { timeout: 60_000 });

  return {
    page,
    exit,
    messages,
    /** An error that says how far it came, with a picture in `.cache/`. */
    async failure(error, name = 'workbench') {
      const picture = path.join(cache, `${name}-failed.png`);
      await mkdir(cache, { recursive: true });
      const saved = await page.screenshot({ path: picture }).then(() => `picture: ${path.relative(process.cwd(), picture)}`, (reason) => `no picture: ${reason.message}`);
      const tell = (source, lines) => lines.filter((line) => line !== '' && !isNoise(line)).slice(-12).map((line) => `  ${source}: ${line.slice(0, 300)}`);
      const state = [...tell('page', messages), ...tell('server', server.output)];
      return new Error(`${error.message}\n${state.join('\n')}\n  ${saved}`, { cause: error });
    },
    async close() {
      await browser.close();
    },
  };
}

/** Waits until the workbench is drawn in a theme of VS Code, named by its file; fails, naming the one that is drawn, where that does not happen. */
export async function expectTheme(page, file, limit = 20_000) {
  // Of a theme that is loaded, the class names the extension and the file it is from.
  const wanted = `theme-defaults-themes-${file.replace('.', '-')}`;
  await page.locator(`.monaco-workbench[class*="${wanted}"]`).waitFor({ timeout: limit }).catch(async (cause) => {
    const [, other] = /-themes-(\S+)-json/.exec((await page.locator('.monaco-workbench').getAttribute('class')) ?? '') ?? [];
    throw new Error(`VS Code does not draw the colour theme that was asked for (${file}) but ${other === undefined ? 'none' : `${other}.json`}`, { cause });
  });
}

/** What VS Code says in every run: that native parts which it does not need are not installed, and how it connects. */
const noise = new RegExp(
  [
    'spdlog|watchdog|bindings file|vsda|kerberos|tries: \\[|^\\s*at |^\\s*[\\]}]|^\\s*→',
    'gallery|AccountPolicyGate|AgentHost|authentication provider|builtin extensions cache|workbench contribution',
    'reconnection-grace-time|Creating a socket|connection token|ServiceWorker|Service Worker|status of 404|its sandbox attribute',
    '\\[test\\]',
  ].join('|'),
);

export function isNoise(text) {
  return noise.test(text);
}

/** Waits for a promise at most `limit` milliseconds. */
export function within(promise, limit, what) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${what} took longer than ${limit / 1000} s`)), limit)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
