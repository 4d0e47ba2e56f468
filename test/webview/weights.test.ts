import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MeasurementRecord, RunDetail, RunFile } from '../../src/protocol';
import { launchChromium } from './harness/chromium';
import { openPanel, type PanelPage } from './harness/panelPage';
import { loadSample, makeSnapshot, memorizing } from './harness/samples';
import { darkModern } from './harness/themes';

const epochs = [0, 10, 50, 100, 200, 400];
const weightLayers = ['patch_embed.proj', ...[0, 1, 2].flatMap((block) => ['attn.qkv', 'attn.proj', 'mlp.fc1', 'mlp.fc2'].map((part) => `blocks.${block}.${part}`)), 'head'];
const checkpoint = (epoch: number): string => `checkpoints/checkpoint-${epoch}.pth`;

function weightRecord(metric: string, layer: string, layerIndex: number, epoch: number): MeasurementRecord {
  const base = {
    run: memorizing, source: checkpoint(epoch), sourceVersion: `sha1:${epoch}`, epoch, step: null, layer, layerIndex, metric, split: null, n: 2304, d: 768, views: 1,
    seed: null, method: 1,
  };
  if (layer === 'head') return { ...base, d: 10, value: null, options: {}, warnings: ['Only 10 eigenvalues; their distribution needs 50 at least.'] };
  if (metric === 'drift_prev') return { ...base, value: epoch === 0 ? null : 1 / epoch, options: { since: `sha1:${epochs[epochs.indexOf(epoch) - 1] ?? ''}` }, warnings: epoch === 0 ? ['There is no earlier checkpoint.'] : [] };
  return { ...base, value: 7 - Math.log10(epoch + 1) - 0.1 * layerIndex, options: {}, warnings: [], details: { sigma: 0.2, xmin: 0.5, distance: 0.03, tail: 310, eigenvalues: 768 } };
}

const files: RunFile[] = epochs.map((epoch) => ({
  kind: 'checkpoint', path: checkpoint(epoch), format: 'PyTorch checkpoint', bytes: 1, modified: 0, epoch, step: null, state: 'measured', layers: weightLayers.length,
}));
const records = ['ww_alpha', 'drift_prev'].flatMap((metric) => epochs.flatMap((epoch) => weightLayers.map((layer, index) => weightRecord(metric, layer, index, epoch))));
const sample = loadSample(memorizing);
const both: RunDetail = { ...sample, run: { ...sample.run, files: [...sample.run.files, ...files] }, weightLayers, records: [...sample.records, ...records] };
const alone: RunDetail = { ...sample, run: { ...sample.run, files, findings: [], health: 'unknown' }, layers: [], weightLayers, records, series: [] };

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

const columns = (panel: PanelPage): Promise<string[]> => panel.page.locator('#heat-map-table thead tr:last-child th').allTextContents();
const conditions = ['n', 'views', 'method', 'warnings'];

describe('weights in the panel', () => {
  it('have rows of their own beside a run that has probes, too', async () => {
    const details = { [memorizing]: both };
    const panel = await openPanel(browser, { theme: darkModern, width: 320, snapshot: makeSnapshot(details, { asTable: true }), details });
    expect(await columns(panel)).toEqual(['epoch', ...sample.layers, ...conditions]);
    expect(await panel.page.locator('.metric-select optgroup').evaluateAll((groups) => groups.map((group) => (group as HTMLOptGroupElement).label))).toEqual([
      'Memorization', 'Spectrum', 'Clusters', 'Geometry', 'Comparison', 'Labels', 'Weights',
    ]);
    expect(await panel.page.locator('input[name=show]').count()).toBe(2);
    await panel.page.locator('.metric-select').selectOption('ww_alpha');
    await panel.page.locator('#heat-map-table th', { hasText: 'blocks.2.mlp.fc2' }).waitFor();
    expect(await columns(panel)).toEqual(['epoch', ...weightLayers, ...conditions]);
    expect(await panel.page.locator('input[name=show]').count()).toBe(0);
    expect(panel.faults).toEqual([]);
    await panel.close();
  });

  it('are shown at once where a run has nothing else, with what the fit found and why a layer has no value', async () => {
    const details = { [memorizing]: alone };
    const panel = await openPanel(browser, { theme: darkModern, width: 320, height: 1400, snapshot: makeSnapshot(details), details });
    expect(await panel.page.locator('.metric-select').inputValue()).toBe('ww_alpha');
    expect(await panel.page.locator('[data-test=heat-map-readout]').textContent()).toContain('Only 10 eigenvalues');
    await panel.page.locator('#heat-map').focus();
    await panel.page.keyboard.press('ArrowUp');
    const readout = (await panel.page.locator('[data-test=heat-map-readout]').textContent()) ?? '';
    expect(readout.replace(/\u00a0/g, ' ')).toMatch(/2,?304 by 768 · sigma 0\.2 · xmin 0\.5 /);
    await panel.page.screenshot({ path: join(import.meta.dirname, 'screenshots', 'weights.png'), fullPage: true });
    expect(panel.faults).toEqual([]);
    await panel.close();
  });

  it('join a drift over checkpoints that it is measured from', async () => {
    const details = { [memorizing]: alone };
    const panel = await openPanel(browser, { theme: darkModern, width: 320, snapshot: makeSnapshot(details, { metric: 'drift_prev' }), details });
    expect(await panel.page.locator('.break-note').count()).toBe(0);
    expect(panel.faults).toEqual([]);
    await panel.close();
  });
});
