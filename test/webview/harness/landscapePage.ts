import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { FromLandscape, LandscapeArrangement, LandscapeSnapshot, LandscapeSurface, ToLandscape } from '../../../src/protocol';
import { readSurfaceFile } from '../../../src/formats/surfaceFile';
import { settle } from './panelPage';
import type { ThemeFixture } from './themes';

const bundle = resolve(process.env['LAYERSCOPE_WEBVIEW_BUNDLE'] ?? join(import.meta.dirname, '../../../dist/webview'));
const origin = 'https://panel.test';
const nonce = 'dGVzdA';
// As src/views/landscapePanel.ts serves it.
const csp = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${origin}; img-src ${origin} data:; font-src ${origin}`;
const surfaceFolder = join(import.meta.dirname, '../../fixtures/surfaces');

/** Surfaces of test/fixtures/make_surfaces.py, read by the product's own reader. */
export async function loadSurfaces(...names: string[]): Promise<LandscapeSurface[]> {
  return (await Promise.all(names.map((name) => readSurfaceFile(join(surfaceFolder, name))))).flat();
}

/** The real bundle of the loss-surface panel in a page as the product serves it. */
export interface LandscapePage {
  readonly page: Page;
  said(): Promise<FromLandscape[]>;
  /** What the page would find after a reload. */
  stored(): Promise<LandscapeArrangement | null>;
  send(message: ToLandscape): Promise<void>;
  setTheme(theme: ThemeFixture): Promise<void>;
  /** Console errors and warnings, exceptions, refused resources and styles. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

export interface LandscapePageOptions {
  readonly theme: ThemeFixture;
  readonly width: number;
  readonly surfaces: readonly LandscapeSurface[];
  readonly files?: readonly string[];
  readonly progress?: LandscapeSnapshot['progress'];
  readonly order?: LandscapeSnapshot['order'];
  readonly stored?: Partial<LandscapeArrangement>;
  readonly reducedMotion?: boolean;
  /** A browser without WebGL. */
  readonly withoutWebGl?: boolean;
}

export async function openLandscape(browser: Browser, options: LandscapePageOptions): Promise<LandscapePage> {
  const { theme, width, surfaces, files = [], progress = null, order = null, stored = null, reducedMotion = false, withoutWebGl = false } = options;
  const context = await browser.newContext({
    viewport: { width, height: 1000 }, locale: 'en-US', deviceScaleFactor: 2, reducedMotion: reducedMotion ? 'reduce' : 'no-preference',
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    // The software renderer of a browser without a graphics card tells how slow it is.
    if ((message.type() === 'error' || message.type() === 'warning') && !/GPU stall due to ReadPixels|software WebGL/i.test(message.text())) faults.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('requestfailed', (request) => faults.push(`request failed: ${request.url()}`));
  await page.route('**/*', async (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: html(theme) });
    if (pathname === '/host.js') return route.fulfill({ contentType: 'text/javascript', body: `(${host.toString()})()` });
    const name = pathname.slice(1);
    if (name !== 'landscape.js' && name !== 'landscape.css') return route.abort();
    return route.fulfill({ contentType: name.endsWith('.js') ? 'text/javascript' : 'text/css', body: await readFile(join(bundle, name)) });
  });
  const snapshot: LandscapeSnapshot = { kind: 'surfaces', surfaces, files, progress, order };
  await page.addInitScript((given) => Object.assign(window, { landscapeHost: { ...given, said: [] } }), { snapshot, stored: stored && { version: 1, ...stored }, withoutWebGl });
  await page.goto(`${origin}/`);
  await page.locator('main[data-ready=true]').waitFor();
  await settle(page);
  return {
    page,
    faults,
    said: () => page.evaluate(() => (window as unknown as HostWindow).landscapeHost.said),
    stored: () => page.evaluate(() => (window as unknown as HostWindow).landscapeHost.stored),
    send: async (message) => {
      await page.evaluate((data) => window.dispatchEvent(new MessageEvent('message', { data })), message);
      await settle(page);
    },
    setTheme: async (next) => {
      await page.evaluate(
        ({ variables, bodyClass }) => {
          for (const [name, value] of Object.entries(variables)) document.documentElement.style.setProperty(`--vscode-${name}`, value);
          document.body.className = bodyClass;
        },
        next,
      );
      await settle(page);
    },
    close: () => context.close(),
  };
}

interface HostWindow {
  landscapeHost: { snapshot: LandscapeSnapshot; stored: LandscapeArrangement | null; withoutWebGl: boolean; said: FromLandscape[] };
}

/** Runs in the page: what the extension host does for the panel. */
function host(): void {
  const state = (window as unknown as HostWindow).landscapeHost;
  const styles = document.querySelector<HTMLElement>('[data-theme-variables]');
  const variables = JSON.parse(styles?.dataset['themeVariables'] ?? '{}') as Record<string, string>;
  for (const [name, value] of Object.entries(variables)) document.documentElement.style.setProperty(`--vscode-${name}`, value);
  document.addEventListener('securitypolicyviolation', (event) => {
    console.error(`CSP refused ${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
  });
  if (state.withoutWebGl) {
    const getContext = HTMLCanvasElement.prototype.getContext as (this: HTMLCanvasElement, kind: string, options?: unknown) => unknown;
    HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, kind: string, options?: unknown) {
      return kind.startsWith('webgl') ? null : getContext.call(this, kind, options);
    } as typeof HTMLCanvasElement.prototype.getContext;
  }
  Object.assign(window, {
    acquireVsCodeApi: () => ({
      postMessage: (message: FromLandscape) => {
        state.said.push(message);
        if (message.kind === 'ready') setTimeout(() => window.dispatchEvent(new MessageEvent('message', { data: state.snapshot })));
      },
      getState: () => state.stored,
      setState: (stored: LandscapeArrangement) => {
        state.stored = stored;
      },
    }),
  });
}

function html(theme: ThemeFixture): string {
  const variables = JSON.stringify(theme.variables).replace(/"/g, '&quot;');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${csp}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/landscape.css">
<title>Loss surfaces</title>
</head>
<body class="${theme.bodyClass}" data-theme-variables="${variables}">
<div id="root"></div>
<script nonce="${nonce}" src="/host.js"></script>
<script nonce="${nonce}" src="/landscape.js"></script>
</body>
</html>`;
}
