import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { FromPanel, PanelChoice, PanelSnapshot, RunDetail, ToPanel } from '../../../src/protocol';
import type { ThemeFixture } from './themes';

const bundle = resolve(process.env['LAYERSCOPE_WEBVIEW_BUNDLE'] ?? join(import.meta.dirname, '../../../dist/webview'));
const origin = 'https://panel.test';
const nonce = 'dGVzdA';
const csp = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${origin}; img-src ${origin} data:; font-src ${origin}`;

/** The real bundle in a page as the product serves it, with a host that answers as the product's does. */
export interface PanelPage {
  readonly page: Page;
  /** Everything the page said so far. */
  said(): Promise<FromPanel[]>;
  send(message: ToPanel): Promise<void>;
  setTheme(theme: ThemeFixture): Promise<void>;
  /** What went wrong in the page: console errors, exceptions, refused resources and styles. */
  readonly faults: readonly string[];
  close(): Promise<void>;
}

export interface PanelPageOptions {
  readonly theme: ThemeFixture;
  readonly width: number;
  readonly height?: number;
  readonly snapshot: PanelSnapshot;
  /** What the host opens when a run is chosen. */
  readonly details?: Readonly<Record<string, RunDetail>>;
  /** What getState answers. */
  readonly stored?: unknown;
}

export async function openPanel(browser: Browser, options: PanelPageOptions): Promise<PanelPage> {
  const { theme, width, height = 1000, snapshot, details = {}, stored = null } = options;
  const context = await browser.newContext({ viewport: { width, height }, locale: 'en-US', deviceScaleFactor: 2 });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('requestfailed', (request) => faults.push(`request failed: ${request.url()}`));
  await page.route('**/*', async (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: html(theme) });
    if (pathname === '/host.js') return route.fulfill({ contentType: 'text/javascript', body: `(${host.toString()})()` });
    const name = pathname.slice(1);
    if (name !== 'layerHealth.js' && name !== 'layerHealth.css') return route.abort();
    return route.fulfill({ contentType: name.endsWith('.js') ? 'text/javascript' : 'text/css', body: await readFile(join(bundle, name)) });
  });
  await page.addInitScript((given) => Object.assign(window, { panelHost: { ...given, said: [] } }), { snapshot, details, stored });
  await page.goto(`${origin}/`);
  await page.locator('main[data-ready=true]').waitFor();
  await settle(page);
  return {
    page,
    faults,
    said: () => page.evaluate(() => (window as unknown as HostWindow).panelHost.said),
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

/** Until messages, effects and drawing are done. */
export async function settle(page: Page): Promise<void> {
  await page.evaluate(
    () =>
      new Promise<void>((done) => {
        let frames = 6;
        const step = (): void => void (frames-- > 0 ? requestAnimationFrame(step) : done());
        step();
      }),
  );
}

interface HostWindow {
  panelHost: {
    snapshot: PanelSnapshot;
    details: Record<string, RunDetail>;
    stored: unknown;
    said: FromPanel[];
  };
}

/** Runs in the page: what the extension host does for the panel. */
function host(): void {
  const state = (window as unknown as HostWindow).panelHost;
  const styles = document.querySelector<HTMLElement>('[data-theme-variables]');
  const variables = JSON.parse(styles?.dataset['themeVariables'] ?? '{}') as Record<string, string>;
  for (const [name, value] of Object.entries(variables)) document.documentElement.style.setProperty(`--vscode-${name}`, value);
  document.addEventListener('securitypolicyviolation', (event) => {
    console.error(`CSP refused ${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
  });
  const send = (data: ToPanel): void => void setTimeout(() => window.dispatchEvent(new MessageEvent('message', { data })));
  let choice: PanelChoice = state.snapshot.choice;
  Object.assign(window, {
    acquireVsCodeApi: () => {
      Object.assign(window, {
        acquireVsCodeApi: () => {
          throw new Error('An instance of the VS Code API has already been acquired');
        },
      });
      return {
        postMessage: (message: FromPanel) => {
          state.said.push(message);
          if (message.kind === 'ready') send(state.snapshot);
          if (message.kind === 'choose') {
            const detail = state.details[message.choice.runId ?? ''];
            if (detail && message.choice.runId !== choice.runId) send({ kind: 'choice', choice: message.choice, detail });
            choice = message.choice;
          }
        },
        getState: () => state.stored,
        setState: (stored: unknown) => {
          state.stored = stored;
        },
      };
    },
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
<link rel="stylesheet" href="/layerHealth.css">
<title>Layer health</title>
</head>
<body class="${theme.bodyClass}" data-theme-variables="${variables}">
<div id="root"></div>
<script nonce="${nonce}" src="/host.js"></script>
<script nonce="${nonce}" src="/layerHealth.js"></script>
</body>
</html>`;
}
