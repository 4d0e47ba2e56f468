import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MeasurementRecord, RunDetail } from '../../src/protocol';
import { launchChromium } from './harness/chromium';
import { openPanel } from './harness/panelPage';
import { loadSample, makeSnapshot, memorizing } from './harness/samples';
import { darkModern } from './harness/themes';

const layers = ['early', 'late'];
const records = [0, 1, 2, 3].flatMap((epoch) =>
  layers.flatMap((layer, layerIndex) =>
    (['train', 'held_out', 'gap'] as const).map((split): MeasurementRecord => ({
      run: memorizing, source: 'training', sourceVersion: '', epoch, step: 50 * epoch, layer, layerIndex, metric: 'coding_rate_reduction', split,
      value: split === 'gap' ? epoch * layerIndex : 5 + epoch, n: 1_000_000, d: 64, views: 2, seed: null, options: { eps2: 0.5, normalisation: 'l2', partition: 'views' }, warnings: [], method: 1,
    })),
  ),
);
const sample = loadSample(memorizing);
const both: RunDetail = { ...sample, records: [...sample.records, ...records] };
const alone: RunDetail = { ...sample, run: { ...sample.run, files: sample.run.files.filter(({ kind }) => kind === 'log'), findings: [], health: 'unknown' }, layers: [], weightLayers: [], records };
const title = 'Coding rate reduction (recorded in training)';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

describe('what a training recorded, in the panel', () => {
  it('is a measure of its own, with its own layers and moments', async () => {
    const details = { [memorizing]: both };
    const panel = await openPanel(browser, { theme: darkModern, width: 320, snapshot: makeSnapshot(details, { asTable: true }), details });
    const rows = panel.page.locator('#heat-map-table tbody tr');
    const measured = await rows.count();
    await panel.page.locator('.metric-select').selectOption({ label: title });
    await panel.page.locator('#heat-map-table th', { hasText: 'late' }).waitFor();
    expect(measured).toBe(sample.run.files.filter(({ kind }) => kind === 'probe').length);
    expect(await rows.locator('th').allTextContents()).toEqual(['0', '1', '2', '3']);
    expect(await rows.nth(3).locator('td').allTextContents()).toEqual(['0', '3', '1,000,000', '2', '1', '']);
    expect(panel.faults).toEqual([]);
    await panel.close();
  });

  it('is drawn at once where the run has no probes', async () => {
    const details = { [memorizing]: alone };
    const panel = await openPanel(browser, { theme: darkModern, width: 320, snapshot: makeSnapshot(details), details });
    expect(await panel.page.locator('.metric-select option').allTextContents()).toEqual([title]);
    const label = await panel.page.locator('.charts [role=slider]').first().getAttribute('aria-label');
    expect(label).toContain(`Heat map of ${title} gap. `);
    await panel.page.locator('.charts [role=slider]').first().focus();
    await panel.page.keyboard.press('End');
    await panel.page.locator('.readout', { hasText: /epoch 3/ }).first().waitFor();
    expect(panel.faults).toEqual([]);
    await panel.close();
  });
});
