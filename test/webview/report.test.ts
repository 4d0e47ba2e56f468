import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { AxeResults } from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReportedRun } from '../../src/report';
import { panelData, renderHtml, reportDocument, shareableRuns } from '../../src/report';
import { launchChromium } from './harness/chromium';
import { settle } from './harness/panelPage';
import { healthy, loadSample, memorizing, valueOf } from './harness/samples';

const bundle = resolve(process.env['LAYERSCOPE_WEBVIEW_BUNDLE'] ?? join(import.meta.dirname, '../../dist/webview'));
const samples = [memorizing, healthy].map(loadSample);
const hostile = '</script><img src=x onerror=alert(1)>';
let browser: Browser;
let folder: string;
let address: string;
let axe: string;

beforeAll(async () => {
  browser = await launchChromium();
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  folder = await mkdtemp(join(tmpdir(), 'layerscope-report-'));
  address = await writeReport('report.html');
});
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A report of the recorded runs, made of the real bundles as the command line makes it. */
async function writeReport(name: string, change: (page: string) => string = (page) => page): Promise<string> {
  const [panelStyle = '', style = '', script = '', panelScript = ''] = await Promise.all(['layerHealth.css', 'report.css', 'report.js', 'layerHealth.js'].map((file) => readFile(join(bundle, file), 'utf8')));
  const problems = [{ file: hostile, place: 'line 1', reason: hostile, severity: 'warning' }] as const;
  const details = shareableRuns(samples.map((detail, place) => (place === 1 ? { ...detail, run: { ...detail.run, problems } } : detail)));
  const runs = details.map((detail): ReportedRun => ({ detail, engine: { name: 'onnxruntime', version: '1.30.0' } }));
  const page = renderHtml(reportDocument(runs, { at: new Date('2026-03-01T09:30:00Z'), version: '1.2.3' }), {
    styles: [panelStyle, style],
    scripts: [script, panelScript],
    data: gzipSync(JSON.stringify(panelData(details))).toString('base64'),
    sha256: (text) => createHash('sha256').update(text).digest('base64'),
  });
  const file = join(folder, name);
  await writeFile(file, change(page));
  return pathToFileURL(file).href;
}

interface OpenReport {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Console errors and warnings (what the policy refuses is one), exceptions, and addresses that were asked for. */
  readonly faults: readonly string[];
}

async function openReport(options: BrowserContextOptions, url = address): Promise<OpenReport> {
  const context = await browser.newContext({ viewport: { width: 1200, height: 1000 }, locale: 'en-US', ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('request', (request) => {
    if (request.url() !== url) faults.push(`request: ${request.url()}`);
  });
  await page.goto(url);
  return { page, context, faults };
}

const readout = (page: Page): Promise<string> => page.locator('[data-test=heat-map-readout] .readout-value').innerText();
/** How different the pixels of the heat map are: a blank one has one colour. */
const colorsOf = (page: Page): Promise<number> =>
  page.locator('#heat-map canvas[data-plot]').evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });

describe.each(['light', 'dark'] as const)('a report opened from a file, %s', (colorScheme) => {
  it('draws the panel of the editor, in which another run can be chosen, and loads nothing', async () => {
    const { page, context, faults } = await openReport({ colorScheme });
    await page.locator('main[data-ready=true]').waitFor();
    await settle(page);
    expect(await page.locator('body').getAttribute('class')).toBe(`vscode-${colorScheme}`);
    expect(await page.locator('#heat-map-title').innerText()).toContain('Coding rate reduction gap');
    expect(await colorsOf(page)).toBeGreaterThan(10);
    const before = await readout(page);
    expect(before).toMatch(/^0\.5244/);
    await page.getByLabel('Run', { exact: true }).selectOption(healthy);
    await settle(page);
    expect(await readout(page)).not.toBe(before);
    expect(Number(await page.locator('[data-test=line-key] tbody td').first().innerText())).toBeCloseTo(valueOf(samples[1]!, { metric: 'coding_rate_reduction', split: 'gap', layer: await firstChosen(page), epoch: 600 }), 2);
    await page.getByLabel('Measure', { exact: true }).selectOption('alignment');
    await settle(page);
    expect(await page.locator('#heat-map-title').innerText()).toContain('Alignment gap');
    expect(faults).toEqual([]);
    await context.close();
  });

  it.each([400, 1200])('is accessible and no wider than the window, %i px', async (width) => {
    const { page, context } = await openReport({ colorScheme, viewport: { width, height: 1000 } });
    await page.locator('main[data-ready=true]').waitFor();
    await settle(page);
    await page.evaluate(() => document.querySelectorAll('details').forEach((each) => (each.open = true)));
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    // Playwright's evaluation is not held to the policy of the page.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run());
    expect(violations.map(({ id, nodes }) => `${id} at ${nodes.map((node) => node.target.join(' ')).join(', ')} (${nodes[0]?.failureSummary ?? ''})`)).toEqual([]);
    await context.close();
  });
});

async function firstChosen(page: Page): Promise<string> {
  return (await page.locator('[data-test=line-key] tbody th').first().innerText()).trim();
}

describe('a report', () => {
  it('is drawn anew when the colours of the system change', async () => {
    const { page, context, faults } = await openReport({ colorScheme: 'light' });
    await page.locator('main[data-ready=true]').waitFor();
    await settle(page);
    const color = (): Promise<string> => page.locator('body').evaluate((body) => `${getComputedStyle(body).backgroundColor} ${body.className}`);
    expect(await color()).toBe('rgb(255, 255, 255) vscode-light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await settle(page);
    expect(await color()).toBe('rgb(27, 27, 27) vscode-dark');
    expect(faults).toEqual([]);
    await context.close();
  });

  it('offers nothing that a file cannot do', async () => {
    const { page, context } = await openReport({});
    await page.locator('main[data-ready=true]').waitFor();
    await settle(page);
    await page.locator('.finding-head').click();
    expect(await page.locator('.finding-body').isVisible()).toBe(true);
    const named = ['.export', '.help', '.problems', '.freshness .button'];
    await page.getByLabel('Run', { exact: true }).selectOption(healthy);
    await settle(page);
    expect(await page.locator('#root .problems').count()).toBe(1);
    for (const one of named) expect(await page.locator(`#root ${one}`).filter({ visible: true }).count(), one).toBe(0);
    await context.close();
  });

  it('says everything without scripts', async () => {
    const { page, context, faults } = await openReport({ javaScriptEnabled: false });
    expect(await page.locator('h1').innerText()).toBe('Layer health of 2 runs');
    expect(await page.locator('.finding-act h4').innerText()).toBe('act: Late layers memorize since epoch 200');
    const lastOf = (section: string) => {
      const table = page.locator(`${section} table`, { hasText: 'Coding rate reduction (nats), gap' }).filter({ hasText: 'epoch 600' }).first();
      return table.locator('tr', { hasText: 'projector' }).locator('data').last().getAttribute('value');
    };
    const [value, other] = samples.map((detail) => valueOf(detail, { metric: 'coding_rate_reduction', split: 'gap', layer: 'projector', epoch: 600 }));
    expect(await lastOf('#run-1')).toBe(String(value));
    expect(await lastOf('#comparison')).toBe(String(other! - value!));
    expect(await page.locator('th code', { hasText: hostile }).innerText()).toBe(hostile);
    expect(await page.locator('img').count()).toBe(0);
    expect(faults).toEqual([]);
    await context.close();
  });

  it('runs nothing that got into its text, as its policy knows its own scripts alone', async () => {
    const url = await writeReport('tampered.html', (page) => page.replace('<h1>', '<script>document.title = "taken"</script><img src="x" onerror="document.title = \'taken\'"><h1>'));
    const { page, context, faults } = await openReport({}, url);
    await page.locator('main[data-ready=true]').waitFor();
    expect(await page.title()).toBe('Layer health of 2 runs');
    expect(faults.filter((fault) => fault.includes('Content Security Policy'))).not.toEqual([]);
    await context.close();
  });

  it('says so in place of the panel when the file is incomplete', async () => {
    const url = await writeReport('cut.html', (page) => page.replace(/(id="report-data">.{1000}).*?</s, '$1<'));
    const { page, context } = await openReport({}, url);
    await page.locator('#interactive-note', { hasText: 'cannot be shown' }).waitFor();
    expect(await page.locator('.finding-act').count()).toBe(1);
    await context.close();
  });

  it('leaves out the panel and keeps the shading where it is printed', async () => {
    const { page, context } = await openReport({});
    await page.locator('main[data-ready=true]').waitFor();
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('#root').isVisible()).toBe(false);
    expect(await page.locator('[class^=shade-]').first().evaluate((cell) => getComputedStyle(cell).printColorAdjust)).toBe('exact');
    await context.close();
  });
});
