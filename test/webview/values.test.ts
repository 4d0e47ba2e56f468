import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeColorScale } from '../../webview-ui/src/colorScale';
import { formatValue } from '../../webview-ui/src/format';
import type { Split } from '../../src/protocol';
import { launchChromium } from './harness/chromium';
import { axisOf, cellCenter, epochsOf, pixelsOf, plotOf } from './harness/geometry';
import { openPanel, settle } from './harness/panelPage';
import { healthy, loadSample, makeSnapshot, memorizing, valueOf } from './harness/samples';
import { darkModern, lightHighContrast, lightModern } from './harness/themes';

const details = { [memorizing]: loadSample(memorizing), [healthy]: loadSample(healthy) };
const run = details[memorizing]!;
const epochs = epochsOf(run);
let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

/** Text and exact value of every cell below the heading, row by row. */
async function readTable(page: Awaited<ReturnType<typeof openPanel>>['page'], id: string) {
  return page.locator(`#${id} table`).evaluate((table) => ({
    caption: table.querySelector('caption')?.textContent ?? '',
    columns: [...table.querySelectorAll('thead tr:last-child th')].map((cell) => cell.textContent ?? ''),
    scopes: [...table.querySelectorAll('th')].map((cell) => cell.getAttribute('scope')),
    rows: [...table.querySelectorAll('tbody tr')].map((row) => ({
      header: row.querySelector('th')?.textContent ?? '',
      cells: [...row.querySelectorAll('td')].map((cell) => ({ text: cell.textContent ?? '', value: cell.querySelector('data')?.getAttribute('value') ?? null })),
    })),
  }));
}

describe('the accessible table', () => {
  it.each([
    ['coding_rate_reduction', 'gap', 'gap'],
    ['alignment', 'gap', 'gap'],
    ['random_label_transfer', 'value', 'train'],
    ['rankme', 'value', 'train'],
  ] as const)('of %s (%s) holds every record of the run, with n, views, method and warnings', async (metric, show, split) => {
    const panel = await openPanel(browser, { theme: darkModern, width: 300, snapshot: makeSnapshot(details, { metric, show, asTable: true }), details });
    const table = await readTable(panel.page, 'heat-map-table');
    expect(table.columns).toEqual(['epoch', ...run.layers, 'n', 'views', 'method', 'warnings']);
    expect(table.scopes).not.toContain(null);
    expect(table.rows.map((row) => Number(row.header))).toEqual(epochs);
    for (const [index, row] of table.rows.entries()) {
      const epoch = epochs[index]!;
      const expected = run.layers.map((layer) => valueOf(run, { metric, split, layer, epoch }));
      expect(row.cells.slice(0, run.layers.length).map((cell) => Number(cell.value))).toEqual(expected);
      expect(row.cells.slice(0, run.layers.length).map((cell) => cell.text)).toEqual(expected.map(formatValue));
      const records = run.records.filter((record) => record.metric === metric && record.split === split && record.epoch === epoch);
      const [n, views, method, warnings] = row.cells.slice(run.layers.length);
      expect([n?.value, views?.value, method?.value].map(Number)).toEqual([records[0]?.n, records[0]?.views, records[0]?.method]);
      for (const warning of new Set(records.flatMap((record) => record.warnings))) expect(warnings?.text).toContain(warning);
    }
    expect(panel.faults).toEqual([]);
    await panel.close();
  });

  it('of chosen layers holds train and held-out', async () => {
    const snapshot = makeSnapshot(details, { show: 'value', asTable: true, layers: ['block0', 'projector'] });
    const panel = await openPanel(browser, { theme: darkModern, width: 900, snapshot, details });
    const table = await readTable(panel.page, 'lines-table');
    expect(table.columns).toEqual(['epoch', 'train', 'held-out', 'train', 'held-out', 'n', 'views', 'method', 'warnings']);
    const splits: Split[] = ['train', 'held_out'];
    for (const [index, row] of table.rows.entries()) {
      const expected = ['block0', 'projector'].flatMap((layer) =>
        splits.map((split) => valueOf(run, { metric: 'coding_rate_reduction', split, layer, epoch: epochs[index]! })),
      );
      expect(row.cells.slice(0, 4).map((cell) => Number(cell.value))).toEqual(expected);
    }
    await panel.close();
  });

  it('of the log holds the logged points, the latest page first', async () => {
    const panel = await openPanel(browser, { theme: darkModern, width: 900, snapshot: makeSnapshot(details, { asTable: true }), details });
    await panel.page.getByLabel('Logged quantity').selectOption({ label: 'train_loss' });
    const series = run.series.find((one) => one.tag === 'train_loss')!;
    const table = await readTable(panel.page, 'scalars-table');
    expect(table.rows.map((row) => Number(row.cells[0]?.value))).toEqual(series.values.slice(-100));
    expect(table.rows.map((row) => Number(row.header))).toEqual(series.epochs.slice(-100));
    await panel.close();
  });
});

describe('the log', () => {
  it('is drawn smoothed over its points when asked, and tells the logged values all the same', async () => {
    const panel = await openPanel(browser, { theme: darkModern, width: 300, snapshot: makeSnapshot(details), details });
    const { page } = panel;
    await page.getByLabel('Logged quantity').selectOption({ label: 'train_loss' });
    await settle(page);
    const canvas = page.locator('#scalar-lines canvas').first();
    const [before, told] = [await canvas.screenshot(), await page.locator('[data-test=scalar-key]').innerText()];
    await page.getByLabel('Smoothing').selectOption('0.9');
    await settle(page);
    expect((await canvas.screenshot()).equals(before)).toBe(false);
    expect(await page.locator('[data-test=scalar-key]').innerText()).toBe(told);
    await page.screenshot({ path: join(import.meta.dirname, 'screenshots', 'dark-300-smoothed.png'), fullPage: true });
    await page.getByLabel('Smoothing').selectOption('0');
    await settle(page);
    expect((await canvas.screenshot()).equals(before)).toBe(true);
    await panel.close();
  });
});

describe('the heat map', () => {
  it.each([
    { theme: darkModern, show: 'gap', axisKind: 'log', width: 300 },
    { theme: lightModern, show: 'gap', axisKind: 'linear', width: 900 },
    { theme: darkModern, show: 'value', axisKind: 'linear', width: 300 },
    { theme: lightHighContrast, show: 'value', axisKind: 'log', width: 900 },
  ] as const)('paints every cell in the colour of its record ($theme.name, $show, $axisKind, $width px)', async ({ theme, show, axisKind, width }) => {
    const panel = await openPanel(browser, { theme, width, snapshot: makeSnapshot(details, { show, axis: axisKind }), details });
    const split = show === 'gap' ? 'gap' : 'train';
    const cells = run.layers.flatMap((layer, row) =>
      epochs.map((epoch, column) => ({ row, column, value: valueOf(run, { metric: 'coding_rate_reduction', split, layer, epoch }) })),
    );
    const values = cells.map((cell) => cell.value);
    const scale = makeColorScale(Math.min(...values), Math.max(...values), { aroundZero: show === 'gap', dark: theme === darkModern });
    const axis = axisOf(run, axisKind);
    const plot = await plotOf(panel.page, 'heat-map');
    // A column of two pixels has no pixel that is only its own.
    const scaleX = (plot.right - plot.left) / (axis.max - axis.min);
    const wide = cells.filter(({ column }) => ((axis.edges[column + 1] ?? 0) - (axis.edges[column] ?? 0)) * scaleX >= 4);
    expect(wide.length).toBeGreaterThanOrEqual(run.layers.length * (axisKind === 'log' ? epochs.length : 9));
    const painted = await pixelsOf(panel.page, 'heat-map', wide.map(({ row, column }) => cellCenter(plot, axis, run.layers.length, row, column)));
    for (const [index, cell] of wide.entries()) {
      const expected = scale.color(cell.value);
      const difference = Math.max(...expected.map((channel, i) => Math.abs(channel - (painted[index]?.[i] ?? 255))));
      expect(difference, `layer ${cell.row}, checkpoint ${cell.column}: ${expected.join()} drawn as ${painted[index]?.join()}`).toBeLessThanOrEqual(1);
    }
    await panel.close();
  });

  it('says under the pointer what the record says, and moves one cursor in all charts', async () => {
    const panel = await openPanel(browser, { theme: darkModern, width: 300, snapshot: makeSnapshot(details), details });
    const axis = axisOf(run, 'log');
    const plot = await plotOf(panel.page, 'heat-map');
    const box = (await panel.page.locator('#heat-map').boundingBox())!;
    for (const [row, column] of [
      [6, 5],
      [0, 2],
      [5, 11],
    ] as const) {
      const { x, y } = cellCenter(plot, axis, run.layers.length, row, column);
      await panel.page.mouse.move(box.x + x, box.y + y);
      await settle(panel.page);
      const layer = run.layers[row]!;
      const epoch = epochs[column]!;
      const value = valueOf(run, { metric: 'coding_rate_reduction', split: 'gap', layer, epoch });
      const readout = await panel.page.locator('[data-test=heat-map-readout]').innerText();
      expect(readout).toContain(`${layer} · epoch ${epoch}`);
      expect(readout).toContain(`${formatValue(value)} nats`);
      expect(readout).toContain('16\u00a0views');
      expect(await panel.page.locator('.line-key-at').innerText()).toBe(`epoch ${epoch}`);
      expect(await panel.page.locator('.scalar-key-at').innerText()).toBe(`epoch ${epoch}`);
    }
    await panel.close();
  });

  it('lies exactly above the lines and the log', async () => {
    const panel = await openPanel(browser, { theme: darkModern, width: 300, snapshot: makeSnapshot(details), details });
    const plots = await Promise.all(['heat-map', 'layer-lines', 'scalar-lines'].map((chart) => plotOf(panel.page, chart)));
    expect(new Set(plots.map((plot) => plot.left)).size).toBe(1);
    expect(new Set(plots.map((plot) => plot.right)).size).toBe(1);
    await panel.close();
  });
});
