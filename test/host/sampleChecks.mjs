import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { chooseRun, chooseSegment, openContainer, readTable, waitForMeasurements } from '../../scripts/vscode/panel.mjs';
import { root } from '../../scripts/vscode/paths.mjs';
import { sampleRunToShow, sampleWorkspace } from '../../scripts/vscode/sampleWorkspace.mjs';

export const memorizing = sampleRunToShow;
export const healthy = 'simclr-digits-healthy';

/** Opens the container as a person would and waits until the memorizing run is shown and measured. */
export async function openMeasured(page) {
  await openContainer(page);
  await chooseRun(page, memorizing);
  return waitForMeasurements(page);
}

/** The finding stands in the panel, in words, with its layers, and opens to evidence and advice. */
export async function expectFinding(panel) {
  const finding = panel.getByRole('region', { name: 'Findings' }).locator('article').first();
  await finding.waitFor({ timeout: 30_000 });
  expect(await finding.locator('.finding-title').innerText()).toMatch(/late layers memorize/i);
  expect(await finding.locator('.finding-where').innerText()).toContain('projector');
  await finding.getByRole('button').first().click();
  await expect.poll(() => finding.getByRole('heading', { name: 'What to do' }).count()).toBe(1);
  expect(await finding.locator('table tbody tr').count()).toBeGreaterThan(0);
  await finding.getByRole('button').first().click();
}

/** The table of one measure holds exactly the numbers that the command line prints for the same run. */
export async function expectTable(panel, records, metric, split) {
  await panel.getByRole('combobox', { name: 'Measure', exact: true }).selectOption(metric);
  await chooseSegment(panel, 'show', split === 'gap' ? 'Gap' : 'Value');
  await chooseSegment(panel, 'form', 'Table');
  const chosen = records.filter((record) => record.metric === metric && record.split === split);
  const layers = [...new Map(chosen.map((record) => [record.layer, record.layerIndex]))].sort((a, b) => a[1] - b[1]).map(([layer]) => layer);
  const epochs = [...new Set(chosen.map((record) => record.epoch))].sort((a, b) => a - b);
  expect(chosen.length).toBe(layers.length * epochs.length);
  const expected = epochs.map((epoch) => ({
    header: String(epoch),
    values: layers.map((layer) => chosen.find((record) => record.layer === layer && record.epoch === epoch).value),
  }));
  const { columns, rows } = await readTable(panel);
  expect(columns.slice(0, layers.length)).toEqual(layers);
  expect(rows.map(({ header, values }) => ({ header, values: values.slice(0, layers.length) }))).toEqual(expected);
  await chooseSegment(panel, 'form', 'Chart');
}

/** Records of a sample run as the command line measures them, in a copy of its own. */
export async function measureWithCommandLine(run, metric) {
  const workspace = await sampleWorkspace();
  try {
    const args = [path.join(root, 'dist', 'cli.js'), 'measure', path.join(workspace.folder, run), '--metric', metric, '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 28 });
    return JSON.parse(stdout).records;
  } finally {
    workspace.remove();
  }
}
