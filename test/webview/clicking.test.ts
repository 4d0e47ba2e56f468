import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from './harness/chromium';
import { openPanel, settle, type PanelPage } from './harness/panelPage';
import { healthy, loadSample, makeSnapshot, memorizing } from './harness/samples';
import { allThemes } from './harness/themes';

const details = { [memorizing]: loadSample(memorizing), [healthy]: loadSample(healthy) };
let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

async function picture(panel: PanelPage, name: string): Promise<void> {
  await settle(panel.page);
  await panel.page.screenshot({ path: join(import.meta.dirname, 'screenshots', `${name}.png`), fullPage: true });
}

describe.each(allThemes)('in the $name theme', (theme) => {
  it.each([300, 900])('a person can click through the panel at %i px', async (width) => {
    const panel = await openPanel(browser, { theme, width, snapshot: makeSnapshot(details), details });
    const { page } = panel;
    const name = `${theme.name}-${width}`;
    await picture(panel, `${name}-gap`);

    const finding = page.locator('.finding-head');
    await finding.click();
    expect(await finding.getAttribute('aria-expanded')).toBe('true');
    expect(await page.locator('.finding-body').innerText()).toContain(details[memorizing]?.run.findings[0]?.advice[0]);
    await picture(panel, `${name}-finding`);
    await finding.click();

    await page.getByRole('radio', { name: 'Value', exact: true }).click();
    await page.getByRole('radio', { name: 'Linear', exact: true }).click();
    expect(await page.locator('#heat-map-title').innerText()).toContain('on training samples');
    await picture(panel, `${name}-value`);

    await page.getByLabel('Measure', { exact: true }).selectOption('alignment');
    expect(await page.locator('#heat-map-title').innerText()).toContain('Alignment');
    await page.getByLabel('Help on Alignment').click();

    await page.getByLabel('Measure', { exact: true }).selectOption('rankme');
    expect(await page.getByRole('radio', { name: 'Gap', exact: true }).isDisabled()).toBe(true);

    await page.getByRole('radio', { name: 'Table', exact: true }).click();
    await page.locator('#heat-map-table table').waitFor();
    await picture(panel, `${name}-table`);
    await page.getByRole('radio', { name: 'Chart', exact: true }).click();

    await page.getByLabel('Run', { exact: true }).selectOption(healthy);
    await page.locator('.no-finding').waitFor();
    await picture(panel, `${name}-healthy`);

    const said = await panel.said();
    const chosen = said.flatMap((message) => (message.kind === 'choose' ? [message.choice] : []));
    expect(chosen.map(({ show, axis, metric, asTable, runId }) => [show, axis, metric, asTable, runId])).toEqual([
      ['value', 'log', null, false, memorizing],
      ['value', 'linear', null, false, memorizing],
      ['value', 'linear', 'alignment', false, memorizing],
      ['value', 'linear', 'rankme', false, memorizing],
      ['value', 'linear', 'rankme', true, memorizing],
      ['value', 'linear', 'rankme', false, memorizing],
      ['value', 'linear', 'rankme', false, healthy],
    ]);
    expect(said).toContainEqual({ kind: 'openFinding', findingId: details[memorizing]?.run.findings[0]?.id });
    expect(said).toContainEqual({ kind: 'openHelp', page: 'alignment.md' });
    expect(said.filter((message) => message.kind === 'ready')).toHaveLength(1);

    // Nothing sticks out at the side.
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    expect(panel.faults).toEqual([]);
    await panel.close();
  });
});

describe('the charts', () => {
  it('show a layer as lines when its row is clicked, and hide it when it is clicked again', async () => {
    const panel = await openPanel(browser, { theme: allThemes[0]!, width: 300, snapshot: makeSnapshot(details), details });
    const layers = panel.page.locator('[data-test=line-key] .line-key-layer');
    expect(await layers.allInnerTexts()).toEqual(['block5', 'projector']);
    const box = await panel.page.locator('#heat-map').boundingBox();
    const row = { x: 200, y: 10 + (box!.height - 32) * (0.5 / 7) };
    await panel.page.locator('#heat-map').click({ position: row });
    expect(await layers.allInnerTexts()).toEqual(['block0', 'block5', 'projector']);
    await panel.page.locator('#heat-map').click({ position: row });
    expect(await layers.allInnerTexts()).toEqual(['block5', 'projector']);
    await panel.page.getByLabel('Remove block5 from the lines').click();
    expect(await layers.allInnerTexts()).toEqual(['projector']);
    const last = (await panel.said()).at(-1);
    expect(last).toMatchObject({ kind: 'choose', choice: { layers: ['projector'] } });
    await panel.close();
  });

  it('can be walked through by keyboard, with what is there in the value text', async () => {
    const panel = await openPanel(browser, { theme: allThemes[0]!, width: 300, snapshot: makeSnapshot(details), details });
    const map = panel.page.locator('#heat-map');
    await map.focus();
    await panel.page.keyboard.press('End');
    expect(await map.getAttribute('aria-valuetext')).toMatch(/^projector · epoch 600: 0\.5\d+ nats/);
    await panel.page.keyboard.press('Home');
    await panel.page.keyboard.press('ArrowRight');
    await panel.page.keyboard.press('ArrowUp');
    expect(await map.getAttribute('aria-valuetext')).toMatch(/^block5 · epoch 2:/);
    expect(await panel.page.locator('[data-test=line-key] .line-key-at').innerText()).toBe('epoch 2');
    expect(await panel.page.locator('[data-test=scalar-key] .scalar-key-at').innerText()).toBe('epoch 2');
    await panel.page.keyboard.press('ArrowUp');
    await panel.page.keyboard.press('Enter');
    expect(await panel.page.locator('[data-test=line-key] .line-key-layer').allInnerTexts()).toEqual(['block4', 'block5', 'projector']);
    const ring = await map.evaluate((element) => getComputedStyle(element).outlineColor);
    expect(ring).toBe('rgb(0, 120, 212)');
    await panel.close();
  });

  it('zoom together by dragging, and back', async () => {
    const panel = await openPanel(browser, { theme: allThemes[0]!, width: 900, snapshot: makeSnapshot(details), details });
    const box = (await panel.page.locator('#layer-lines').boundingBox())!;
    await panel.page.mouse.move(box.x + 500, box.y + 60);
    await panel.page.mouse.down();
    await panel.page.mouse.move(box.x + 600, box.y + 60, { steps: 4 });
    await panel.page.mouse.up();
    await panel.page.getByRole('button', { name: 'Whole run' }).waitFor();
    await picture(panel, 'dark-900-zoomed');
    await panel.page.getByRole('button', { name: 'Whole run' }).click();
    expect(await panel.page.getByRole('button', { name: 'Whole run' }).count()).toBe(0);
    expect(panel.faults).toEqual([]);
    await panel.close();
  });

  it('take the colours of a new theme at once', async () => {
    const panel = await openPanel(browser, { theme: allThemes[0]!, width: 300, snapshot: makeSnapshot(details), details });
    const pixel = (): Promise<number[]> =>
      panel.page.locator('#heat-map canvas[data-plot]').evaluate((canvas) => [...((canvas as HTMLCanvasElement).getContext('2d')?.getImageData(200, 60, 1, 1).data ?? [])]);
    const dark = await pixel();
    await panel.setTheme(allThemes[1]!);
    const light = await pixel();
    expect(Math.max(...dark.slice(0, 3))).toBeLessThan(90);
    expect(Math.min(...light.slice(0, 3))).toBeGreaterThan(200);
    await panel.close();
  });
});
