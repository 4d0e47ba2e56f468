import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { MeasurementRecord, PanelSnapshot, ScalarSeries } from '../../src/protocol';
import { launchChromium } from './harness/chromium';
import { openPanel, settle } from './harness/panelPage';
import { loadSample, makeSnapshot, memorizing } from './harness/samples';
import { darkModern } from './harness/themes';

const checkpoints = 5000;
const layers = 100;
const points = 1_000_000;

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

it('a run of 5,000 checkpoints, 100 layers and a million log points is drawn, said to be aggregated, and followed by the cursor at once', async () => {
  const sample = loadSample(memorizing);
  const panel = await openPanel(browser, { theme: darkModern, width: 300, snapshot: makeSnapshot({ [memorizing]: sample }) });
  const { page } = panel;
  // Values of the recorded run, repeated: only the size is made up. Built in the page, for it is too large to send.
  const snapshot = makeSnapshot({ [memorizing]: sample });
  const drawn = await page.evaluate(
    async ({ snapshot, checkpoints, layers, points }: { snapshot: PanelSnapshot; checkpoints: number; layers: number; points: number }) => {
      const detail = snapshot.detail!;
      const gaps = detail.records.filter((record) => record.metric === 'coding_rate_reduction' && record.split === 'gap');
      const records: MeasurementRecord[] = [];
      for (let epoch = 0; epoch < checkpoints; epoch++) {
        for (let layerIndex = 0; layerIndex < layers; layerIndex++) {
          records.push({ ...gaps[(epoch * layers + layerIndex) % gaps.length]!, run: 'large', source: `probes/epoch=${epoch}.npz`, epoch, step: epoch, layer: `encoder.block${layerIndex}.mlp`, layerIndex, n: 2560, d: 8 });
        }
      }
      const logged = detail.series.find((series) => series.tag === 'train_loss')!.values;
      const places = Array.from({ length: points }, (_, i) => (i * checkpoints) / points);
      const series: ScalarSeries = { tag: 'loss', source: 'log.txt', epochs: places, steps: places, values: places.map((_, i) => logged[i % logged.length] ?? null), nonFinite: 0 };
      const large = {
        ...detail,
        run: { ...detail.run, id: 'large', name: 'large', findings: [], files: [] },
        layers: Array.from({ length: layers }, (_, i) => `encoder.block${i}.mlp`),
        records,
        series: [series],
      };
      const start = performance.now();
      const data = { ...snapshot, runs: [large.run], detail: large, choice: { ...snapshot.choice, runId: 'large' } };
      window.dispatchEvent(new MessageEvent('message', { data }));
      for (let frame = 0; frame < 2; frame++) await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      return performance.now() - start;
    },
    { snapshot, checkpoints, layers, points },
  );
  await settle(page);
  expect(await page.locator('.heat-map').innerText()).toMatch(/one cell is the mean of up to \d+/);

  const box = (await page.locator('#heat-map').boundingBox())!;
  const moves = await page.evaluate(async ({ x, y }) => {
    const canvas = document.querySelector('#heat-map canvas[data-plot]')!;
    const times: number[] = [];
    for (let i = 0; i < 15; i++) {
      const start = performance.now();
      canvas.dispatchEvent(new PointerEvent('pointermove', { clientX: x + 100 + 8 * i, clientY: y + 100 + 5 * i }));
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b);
  }, box);
  await page.screenshot({ path: join(import.meta.dirname, 'screenshots', 'large.png'), fullPage: true });
  console.log(`first drawing ${Math.round(drawn)} ms, cursor ${Math.round(moves[7]!)} ms (median)`);
  // Generous, for a busy machine: a few frames for the cursor, a few seconds for half a million records.
  expect(moves[7]).toBeLessThan(100);
  expect(drawn).toBeLessThan(15_000);
  expect(panel.faults).toEqual([]);
  await panel.close();
}, 120_000);
