import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MeasurementRecord, RunDetail } from '../../src/protocol';
import { launchChromium } from './harness/chromium';
import { openPanel, settle, type PanelPage } from './harness/panelPage';
import { healthy, loadSample, makeSnapshot, memorizing } from './harness/samples';
import { darkModern, lightModern } from './harness/themes';

const sample = loadSample(memorizing);
const [finding] = sample.run.findings;
const others = [{ ...finding!, metrics: ['alignment'] }];
const withoutFinding = { ...sample.run, findings: [], health: 'healthy' } as const;

/** What the panel opens on, by what the run has. */
const cases: Readonly<Record<string, { readonly detail: RunDetail; readonly title: string }>> = {
  finding: { detail: { ...sample, run: { ...sample.run, findings: others } }, title: 'Alignment gap' },
  'no-value': {
    detail: {
      ...sample, run: withoutFinding,
      records: sample.records.map((record): MeasurementRecord => (record.metric === 'coding_rate_reduction' ? { ...record, value: null, warnings: ['No sample is labelled.'] } : record)),
    },
    title: 'Random-label transfer gap',
  },
  'left-out': { detail: { ...sample, run: withoutFinding, records: sample.records.filter(({ metric }) => metric === 'rankme') }, title: 'RankMe' },
  'one-part': { detail: { ...sample, run: { ...withoutFinding, health: 'unknown' }, records: sample.records.filter(({ split }) => split === 'train') }, title: 'Coding rate reduction' },
};

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

const titleOf = (panel: PanelPage): Promise<string> => panel.page.locator('#heat-map-title').evaluate((title) => title.firstChild?.textContent ?? '');
const metricOf = (panel: PanelPage): Promise<string> => panel.page.locator('.metric-select').inputValue();

describe('the panel opens on', () => {
  for (const [name, { detail, title }] of Object.entries(cases)) {
    it.each([
      { theme: darkModern, width: 300 },
      { theme: lightModern, width: 300 },
      { theme: darkModern, width: 1100 },
      { theme: lightModern, width: 1100 },
    ])(`${title} (${name}), $theme.name, $width wide`, async ({ theme, width }) => {
      const details = { [memorizing]: detail };
      const panel = await openPanel(browser, { theme, width, snapshot: makeSnapshot(details), details });
      expect(await titleOf(panel)).toBe(title);
      expect(await panel.page.locator('#heat-map-summary').textContent()).toMatch(new RegExp(`^${title} of 7 layers at 12 checkpoints: from `));
      await panel.page.screenshot({ path: join(import.meta.dirname, 'screenshots', `opening-${name}-${theme.name}-${width}.png`), fullPage: true });
      expect((await panel.said()).map(({ kind }) => kind)).toEqual(['ready']);
      expect(panel.faults).toEqual([]);
      await panel.close();
    });
  }

  it('what the person chose, and says why there is no gap where all probes hold one part', async () => {
    const details = { [memorizing]: cases['one-part']!.detail };
    const panel = await openPanel(browser, { theme: darkModern, width: 300, snapshot: makeSnapshot(details, { metric: 'alignment' }), details });
    expect(await titleOf(panel)).toBe('Alignment');
    expect(await panel.page.getByRole('radio', { name: 'Gap', exact: true }).isDisabled()).toBe(true);
    expect(await panel.page.locator('.metric .segmented').getAttribute('title')).toContain('one part');
    await panel.close();
  });
});

describe('what is drawn', () => {
  const delta = { runId: memorizing, layers: sample.layers, voidedSources: [], voidedLogs: [], records: [], series: [], run: { ...sample.run, findings: others } };
  const before: RunDetail = { ...sample, run: withoutFinding };

  it('goes to what was found, until the person does something', async () => {
    const details = { [memorizing]: before, [healthy]: cases['left-out']!.detail };
    const untouched = await openPanel(browser, { theme: darkModern, width: 300, snapshot: makeSnapshot(details), details });
    expect(await metricOf(untouched)).toBe('coding_rate_reduction');
    await untouched.send({ kind: 'run', delta });
    expect(await metricOf(untouched)).toBe('alignment');
    await untouched.close();

    const touched = await openPanel(browser, { theme: darkModern, width: 300, snapshot: makeSnapshot(details), details });
    await touched.page.locator('#heat-map').focus();
    await touched.page.keyboard.press('ArrowLeft');
    await touched.send({ kind: 'run', delta });
    expect(await metricOf(touched)).toBe('coding_rate_reduction');
    await touched.close();
  });

  it('stays what the person chose when values and findings arrive', async () => {
    const details = { [memorizing]: before };
    const panel = await openPanel(browser, { theme: darkModern, width: 300, snapshot: makeSnapshot(details), details });
    await panel.page.getByLabel('Measure', { exact: true }).selectOption('rankme');
    await settle(panel.page);
    await panel.send({ kind: 'run', delta });
    expect(await metricOf(panel)).toBe('rankme');
    expect((await panel.said()).at(-1)).toMatchObject({ kind: 'choose', choice: { metric: 'rankme' } });
    await panel.close();
  });
});
