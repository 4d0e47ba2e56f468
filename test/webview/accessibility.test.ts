import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from './harness/chromium';
import { openPanel } from './harness/panelPage';
import { loadSample, makeSnapshot, memorizing } from './harness/samples';
import { allThemes } from './harness/themes';

const details = { [memorizing]: loadSample(memorizing) };
let browser: Browser;
let axe: string;
beforeAll(async () => {
  browser = await launchChromium();
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
});
afterAll(() => browser?.close());

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const results = await page.evaluate(() => (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run());
  return results.violations.map(({ id, impact, nodes }) => `${impact}: ${id} at ${nodes.map((node) => node.target.join(' ')).join(', ')} (${nodes[0]?.failureSummary ?? ''})`);
}

describe.each(allThemes)('in the $name theme', (theme) => {
  it.each([300, 900])('axe finds nothing at %i px, neither in charts nor in tables', async (width) => {
    const panel = await openPanel(browser, { theme, width, snapshot: makeSnapshot(details), details });
    await panel.page.locator('.finding-head').click();
    expect(await violations(panel.page)).toEqual([]);
    await panel.page.getByRole('radio', { name: 'Table', exact: true }).click();
    expect(await violations(panel.page)).toEqual([]);
    await panel.close();
  });
});

it('every control can be reached with the tab key, one stop a group', async () => {
  const panel = await openPanel(browser, { theme: allThemes[0]!, width: 300, snapshot: makeSnapshot(details), details });
  const stops: string[] = [];
  for (let i = 0; i < 20; i++) {
    await panel.page.keyboard.press('Tab');
    const name = await panel.page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return '';
      const input = element as HTMLInputElement;
      return element.id || element.getAttribute('aria-label') || input.name || element.className || element.textContent || '';
    });
    if (!name) break;
    stops.push(name);
  }
  expect(stops).toEqual([
    'Run',
    'finding-head',
    'Measure',
    'show',
    'Help on Coding rate reduction',
    'axis',
    'form',
    'heat-map',
    'layer-lines',
    'Remove block5 from the lines',
    'Remove projector from the lines',
    'Logged quantity',
    'Smoothing',
    'scalar-lines',
    'link-button',
    'link-button',
  ]);
  await panel.close();
});
