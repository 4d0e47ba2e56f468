import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { chooseRun, chooseSegment, waitForMeasurements } from '../../scripts/vscode/panel.mjs';
import { root } from '../../scripts/vscode/paths.mjs';
import { sampleWorkspace } from '../../scripts/vscode/sampleWorkspace.mjs';
import { startServer } from '../../scripts/vscode/server.mjs';
import { openWorkbench } from '../../scripts/vscode/workbench.mjs';
import { expectFinding, expectTable, healthy, measureWithCommandLine, memorizing, openMeasured } from './sampleChecks.mjs';

/** What a person sees and clicks in the workbench. */
describe('The workbench on the sample runs', () => {
  let workspace;
  let server;
  let workbench;
  let panel;
  const outside = [];
  /** VS Code serves what a webview loads under a made-up host, from inside the browser. */
  const inside = /^(http:\/\/127\.0\.0\.1[:/]|data:|blob:|vscode-|https:\/\/[^/]+\.vscode-resource\.vscode-cdn\.net\/)/;

  const pictureOfFailure = () => onTestFailed(async ({ task }) => console.error((await workbench.failure(new Error(task.name), 'page')).message));

  beforeAll(async () => {
    workspace = await sampleWorkspace();
    server = await startServer();
    workbench = await openWorkbench(server, { folder: workspace.folder, extension: root, height: 1100 });
    workbench.page.on('request', (request) => {
      if (!inside.test(request.url())) outside.push(request.url());
    });
    try {
      panel = await openMeasured(workbench.page);
    } catch (error) {
      throw await workbench.failure(error, 'page');
    }
  });
  afterAll(async () => {
    await workbench?.close();
    await server?.stop();
    workspace?.remove();
  });

  test('the panel says first that the late layers of the memorizing run memorize, with evidence and advice', async () => {
    pictureOfFailure();
    await expectFinding(panel);
    expect(await panel.locator('.health-word').innerText()).toMatch(/watch|act/);
  });

  test('the table of the heat map holds the numbers that the command line prints', async () => {
    pictureOfFailure();
    const records = await measureWithCommandLine(memorizing, 'coding_rate_reduction');
    await expectTable(panel, records, 'coding_rate_reduction', 'gap');
  });

  test('the heat map is drawn, and not in one colour', async () => {
    pictureOfFailure();
    await chooseSegment(panel, 'form', 'Chart');
    const canvas = panel.locator('#heat-map canvas').first();
    await canvas.waitFor();
    const colours = await canvas.evaluate((element) => {
      const { data } = element.getContext('2d').getImageData(0, 0, element.width, element.height);
      const seen = new Set();
      for (let at = 0; at < data.length; at += 4) seen.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
      return seen.size;
    });
    expect(colours).toBeGreaterThan(20);
  });

  test('the Runs tree lists both runs and opens to the finding and the files', async () => {
    pictureOfFailure();
    const rows = workbench.page.locator('.part.sidebar .monaco-list-row');
    const row = (name) => rows.filter({ hasText: name }).first();
    await row(healthy).waitFor();
    await row(memorizing).click();
    await workbench.page.keyboard.press('ArrowRight');
    await row('Findings').waitFor();
    await row('Probes').waitFor();
    expect(await row('Probes').innerText()).toMatch(/\d+ measured/);
    expect(await rows.filter({ hasText: /late layers memorize/i }).count()).toBeGreaterThan(0);
  });

  test('the status bar says how many runs are watched', async () => {
    pictureOfFailure();
    const item = workbench.page.locator('.statusbar-item', { hasText: 'Layerscope' });
    await expect.poll(() => item.innerText(), { timeout: 10_000 }).toMatch(/Layerscope: 2 runs/);
  });

  test('the healthy run has no finding', async () => {
    pictureOfFailure();
    await chooseRun(workbench.page, healthy);
    await waitForMeasurements(workbench.page);
    await panel.getByText('No finding').waitFor();
    expect(await panel.locator('.finding').count()).toBe(0);
    expect(await panel.locator('.health-word').innerText()).toBe('healthy');
    await chooseRun(workbench.page, memorizing);
  });

  test('no page asks anything of another machine, and none breaks its own security policy', () => {
    expect(outside).toEqual([]);
    expect(workbench.messages.filter((line) => /Content Security Policy|page error/i.test(line))).toEqual([]);
  });
});
