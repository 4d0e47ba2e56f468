import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MeasurementRecord, PanelSnapshot, RunDetail } from '../../src/protocol';
import { launchChromium } from './harness/chromium';
import { openPanel, settle, type PanelPage } from './harness/panelPage';
import { defaultChoice, loadSample, makeSnapshot, memorizing } from './harness/samples';
import { darkModern, lightModern } from './harness/themes';

const sample = loadSample(memorizing);
let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

/** The sample run, changed. */
function changed(change: { readonly run?: Partial<RunDetail['run']>; readonly records?: (record: MeasurementRecord) => MeasurementRecord | null } & Partial<Pick<RunDetail, 'layers' | 'series'>>): RunDetail {
  const { run = {}, records = (record) => record, ...rest } = change;
  return { ...sample, ...rest, run: { ...sample.run, ...run }, records: sample.records.flatMap((record) => records(record) ?? []) };
}

async function openWith(detail: RunDetail | null, more: Partial<PanelSnapshot> = {}, width = 300): Promise<PanelPage> {
  const snapshot = { ...makeSnapshot(detail ? { [memorizing]: detail } : {}, more.choice), ...more };
  return openPanel(browser, { theme: width === 300 ? darkModern : lightModern, width, height: 700, snapshot });
}

async function finish(panel: PanelPage, name: string): Promise<void> {
  await settle(panel.page);
  await panel.page.screenshot({ path: join(import.meta.dirname, 'screenshots', `state-${name}.png`), fullPage: true });
  expect(panel.faults).toEqual([]);
  await panel.close();
}

describe('the panel says', () => {
  it('that it is still looking', async () => {
    const panel = await openWith(null, { scanned: false, folders: ['/home/me/experiments'] });
    expect(await panel.page.locator('main').innerText()).toMatch(/Looking for runs[^]*\/home\/me\/experiments/);
    expect(await panel.page.locator('main').innerText()).not.toContain('No training run found');
    await finish(panel, 'looking');
  });

  it('what it looked for and where when nothing was found, with two ways to begin', async () => {
    const panel = await openWith(null, { folders: ['/home/me/experiments'] });
    expect(await panel.page.locator('main').innerText()).toMatch(/No training run found[^]*safetensors[^]*\/home\/me\/experiments/);
    await panel.page.getByRole('button', { name: 'Open a sample run' }).click();
    await panel.page.getByRole('button', { name: 'Record your own training' }).click();
    await panel.page.getByRole('button', { name: 'Look again' }).click();
    expect((await panel.said()).slice(1)).toEqual([{ kind: 'openSample' }, { kind: 'openHelp', page: 'recording.md' }, { kind: 'refresh' }]);
    await finish(panel, 'nothing-found');
  });

  it('why a folder could not be searched when nothing was found', async () => {
    const panel = await openWith(null, { folders: ['/home/me/here', '/mnt/gone'], folderProblems: [{ folder: '/mnt/gone', reason: 'does not exist (any more)' }] });
    const rows = await panel.page.locator('.folders li').allInnerTexts();
    expect(rows.map((row) => row.trim())).toEqual(['/home/me/here', '/mnt/gone: does not exist (any more)']);
    await finish(panel, 'folder-missing');
  });

  it('why nothing can be measured in a run, and still shows its log', async () => {
    const files = sample.run.files.filter((file) => file.kind === 'log');
    const panel = await openWith(changed({ run: { files, findings: [], health: 'unknown', note: 'The run has a log but no probe files.' }, records: () => null, layers: [] }));
    expect(await panel.page.locator('main').innerText()).toContain('The run has a log but no probe files.');
    expect(await panel.page.locator('#heat-map').count()).toBe(0);
    expect(await panel.page.locator('#scalar-lines').count()).toBe(1);
    await finish(panel, 'nothing-to-measure');
  });

  it('how far measuring is, and cancels it', async () => {
    const panel = await openWith(sample, { progress: { runId: memorizing, done: 14, total: 19, current: 'epoch=0150 · block3' } });
    expect(await panel.page.locator('.progress-words').innerText()).toBe('measuring 14 of 19');
    await panel.page.getByRole('button', { name: 'Cancel' }).click();
    expect((await panel.said()).at(-1)).toEqual({ kind: 'cancel' });
    await panel.send({ kind: 'progress', progress: null });
    expect(await panel.page.locator('progress').count()).toBe(0);
    expect(await panel.page.locator('.freshness').innerText()).toBe('All 12 checkpoints measured');
    await finish(panel, 'measured');
  });

  it('that checkpoints wait, and measures them', async () => {
    const files = sample.run.files.map((file) => (file.epoch !== null && file.epoch >= 400 && file.kind === 'probe' ? { ...file, state: 'found' as const } : file));
    const panel = await openWith(changed({ run: { files }, records: (record) => (record.epoch! >= 400 ? null : record) }));
    expect(await panel.page.locator('.freshness').innerText()).toContain('3 of 12 checkpoints not fully measured yet');
    expect(await panel.page.locator('.legend').innerText()).toContain('not measured');
    await panel.page.getByRole('button', { name: 'Measure', exact: true }).click();
    expect((await panel.said()).at(-1)).toEqual({ kind: 'measure' });
    await finish(panel, 'stale');
  });

  it('what is wrong with a file, and opens it', async () => {
    const problems = [
      { file: 'probes/epoch=0300.safetensors', place: 'byte 8', reason: 'The header says 4,000,000 bytes but the file has 1,024.', severity: 'error' as const },
      { file: 'log.txt', place: 'line 12', reason: 'Not a JSON object; the line was skipped.', severity: 'warning' as const },
    ];
    const files = sample.run.files.map((file) => (file.path === problems[0]?.file ? { ...file, state: 'problem' as const } : file));
    const panel = await openWith(changed({ run: { problems, files }, records: (record) => (record.epoch === 300 ? null : record) }));
    await panel.page.locator('.problems summary').click();
    expect(await panel.page.locator('.problems').innerText()).toMatch(/2 problems[^]*epoch=0300[^]*byte 8[^]*The header says[^]*line 12/);
    await panel.page.getByRole('button', { name: 'log.txt' }).click();
    expect((await panel.said()).at(-1)).toEqual({ kind: 'openFile', path: 'log.txt' });
    expect(await panel.page.locator('.legend').innerText()).toContain('cannot be measured');
    await panel.page.getByRole('radio', { name: 'Table', exact: true }).click();
    const row = panel.page.locator('#heat-map-table tbody tr', { has: panel.page.locator('th', { hasText: /^300$/ }) });
    expect(await row.innerText()).toMatch(/cannot be measured[^]*The header says 4,000,000 bytes/);
    await finish(panel, 'problem');
  });

  it('the reason of a cell that cannot be measured, on hover and in the table', async () => {
    const broken = (record: MeasurementRecord): MeasurementRecord =>
      record.epoch === 32 && record.layer === 'projector' ? { ...record, value: null, warnings: ['All features are zero.'] } : record;
    const panel = await openWith(changed({ records: broken }));
    await panel.page.locator('#heat-map').focus();
    for (const key of ['Home', 'ArrowRight', 'ArrowRight', 'ArrowRight']) await panel.page.keyboard.press(key);
    expect(await panel.page.locator('[data-test=heat-map-readout]').innerText()).toMatch(/projector · epoch 32[^]*cannot be measured[^]*All features are zero\./);
    await finish(panel, 'cannot-be-measured');
  });

  it('where values stop comparing', async () => {
    const panel = await openWith(changed({ records: (record) => (record.epoch! >= 64 ? { ...record, options: { ...record.options, eps2: 0.1 } } : record) }), {}, 900);
    expect(await panel.page.locator('.break-note').innerText()).toBe('Values before and from epoch 64 do not compare: eps2 0.5 → 0.1.');
    await finish(panel, 'break');
  });

  it('that measuring has stopped, why, and starts it again', async () => {
    const panel = await openWith(sample, { worker: { state: 'failed', engine: null, message: 'The process ended three times within a minute.', restarts: 3 } });
    expect(await panel.page.locator('.banner').innerText()).toContain('The process ended three times within a minute.');
    await panel.page.getByRole('button', { name: 'Restart' }).click();
    await panel.page.getByRole('button', { name: 'Show log' }).click();
    expect((await panel.said()).slice(1)).toEqual([{ kind: 'restartWorker' }, { kind: 'showLog' }]);
    await panel.send({ kind: 'worker', status: { state: 'running', engine: null, message: '', restarts: 0 } });
    expect(await panel.page.locator('.banner').count()).toBe(0);
    await finish(panel, 'worker-back');
  });

  it('why no engine could be loaded', async () => {
    const engine = { name: 'unavailable', version: '', reason: 'onnxruntime-node has no binary for this platform.' } as const;
    const panel = await openWith(sample, { worker: { state: 'running', engine, message: '', restarts: 0 } });
    expect(await panel.page.locator('.banner').innerText()).toMatch(/Measuring is not possible[^]*no binary for this platform/);
    await finish(panel, 'no-engine');
  });
});

describe('deltas', () => {
  it('add a checkpoint and a log point, and announce only a new finding', async () => {
    const before = changed({ run: { findings: [], health: 'healthy', files: sample.run.files.filter((file) => file.epoch !== 600) }, records: (record) => (record.epoch === 600 ? null : record) });
    const panel = await openWith(before);
    const announcer = panel.page.locator('[data-test=announcer]');
    const added = sample.records.filter((record) => record.epoch === 600);
    expect(await panel.page.locator('[data-test=heat-map-readout]').innerText()).toContain('epoch 500');
    const delta = { runId: memorizing, layers: sample.layers, voidedSources: [], voidedLogs: [], records: added };
    await panel.send({ kind: 'run', delta: { ...delta, run: { ...sample.run, findings: [] }, series: [] } });
    expect(await panel.page.locator('[data-test=heat-map-readout]').innerText()).toContain('epoch 600');
    expect(await announcer.innerText()).toBe('');
    const point = { tag: 'train_loss', source: 'log.txt', epochs: [601], steps: [1202], values: [0.5], nonFinite: 0 };
    await panel.send({ kind: 'run', delta: { ...delta, run: sample.run, records: [], series: [point] } });
    expect(await announcer.innerText()).toBe(`${sample.run.findings[0]?.severity}: ${sample.run.findings[0]?.title}`);
    await panel.page.getByLabel('Logged quantity').selectOption({ label: 'train_loss' });
    expect(await panel.page.locator('[data-test=scalar-key]').innerText()).toMatch(/epoch 601[^]*0\.5/);
    await finish(panel, 'delta');
  });

  it('take back the records of a file that was rewritten', async () => {
    const panel = await openWith(changed({}), { choice: { ...defaultChoice, asTable: true } });
    const source = sample.records.find((record) => record.epoch === 600)!.source;
    await panel.send({
      kind: 'run',
      delta: { runId: memorizing, run: sample.run, layers: sample.layers, voidedSources: [source], records: [], voidedLogs: ['log.txt'], series: [] },
    });
    expect(await panel.page.locator('#heat-map-table tbody tr').last().innerText()).toMatch(/^600\s+not measured/);
    expect(await panel.page.locator('#scalars-table').count()).toBe(0);
    await finish(panel, 'voided');
  });

  it('let the host choose', async () => {
    const panel = await openWith(sample);
    await panel.send({ kind: 'choice', choice: { ...defaultChoice, metric: 'rankme', show: 'value', asTable: true } });
    expect(await panel.page.locator('#heat-map-title').innerText()).toContain('RankMe');
    expect(await panel.page.locator('#heat-map-table').count()).toBe(1);
    expect((await panel.said()).filter((message) => message.kind === 'choose')).toEqual([]);
    const stored = await panel.page.evaluate(() => (window as unknown as { panelHost: { stored: unknown } }).panelHost.stored);
    expect(stored).toMatchObject({ version: 1, choice: { metric: 'rankme', asTable: true } });
    await panel.close();
  });
});
