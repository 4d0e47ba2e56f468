import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { chooseRun, openContainer, waitForMeasurements } from '../../scripts/vscode/panel.mjs';
import { runCommand } from '../../scripts/vscode/palette.mjs';
import { root, sample } from '../../scripts/vscode/paths.mjs';
import { removeFolder, temporaryFolder } from '../../scripts/vscode/processes.mjs';
import { sampleRunToShow } from '../../scripts/vscode/sampleWorkspace.mjs';
import { startServer } from '../../scripts/vscode/server.mjs';
import { openWorkbench } from '../../scripts/vscode/workbench.mjs';

/** A folder of strangers: it asks for results in the runs, and a file beside a checkpoint says on what its model is to be run. */
describe('A folder that is not trusted', () => {
  let parent;
  let folder;
  let before;
  let server;
  let workbench;
  let page;

  const pictureOfFailure = () => onTestFailed(async ({ task }) => console.error((await workbench.failure(new Error(task.name), 'restricted')).message));
  const contentOf = async (at) => (await readdir(at, { recursive: true })).map((name) => name.split(path.sep).join('/')).sort();
  const written = async () => (await contentOf(folder)).filter((name) => !before.includes(name));
  const quickInput = () => page.locator('.quick-input-widget:visible');
  const row = (name) => page.locator('.part.sidebar .monaco-list-row', { hasText: name }).first();

  beforeAll(async () => {
    parent = temporaryFolder('layerscope-restricted-');
    folder = path.join(parent, 'work');
    await mkdir(path.join(folder, 'digits', 'probes'), { recursive: true });
    for (const epoch of ['0000', '0600']) {
      await cp(path.join(sample, sampleRunToShow, 'probes', `epoch=${epoch}.safetensors`), path.join(folder, 'digits', 'probes', `epoch=${epoch}.safetensors`));
    }
    await mkdir(path.join(folder, 'mae', '.layerscope'), { recursive: true });
    await cp(path.join(root, 'test', 'fixtures', 'landscape', 'mae-step60.pt'), path.join(folder, 'mae', 'checkpoints', 'mae-step60.pt'));
    await cp(path.join(root, 'test', 'fixtures', 'images', 'folder'), path.join(folder, 'images'), { recursive: true });
    await writeFile(path.join(folder, 'mae', '.layerscope', 'probe-data.json'), JSON.stringify({ train: '../images', samples: 8, views: 2, heads: 2, decoderHeads: 2 }));
    await mkdir(path.join(folder, '.vscode'));
    await writeFile(path.join(folder, '.vscode', 'settings.json'), JSON.stringify({ 'layerscope.results.location': 'run' }));
    before = await contentOf(folder);
    server = await startServer({ trust: true, settings: { 'layerscope.metrics': ['coding_rate_reduction', 'Weights'] } });
    workbench = await openWorkbench(server, { folder, extension: root, height: 1000 });
    ({ page } = workbench);
    await page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor({ timeout: 60_000 }).catch(async (error) => {
      throw await workbench.failure(error, 'restricted');
    });
  });
  afterAll(async () => {
    await workbench?.close();
    await server?.stop();
    if (parent !== undefined) removeFolder(parent);
  });

  test('is read and measured', async () => {
    pictureOfFailure();
    await openContainer(page);
    await chooseRun(page, 'digits');
    const panel = await waitForMeasurements(page);
    expect(await panel.locator('#heat-map-summary').textContent()).toMatch(/gap of 7 layers at 2 checkpoints.*\(projector at epoch 600\)\.$/);
    await chooseRun(page, 'mae');
    expect(await (await waitForMeasurements(page)).locator('.health-word').innerText()).toBe('weights only');
  });

  test('gets nothing written into it: the results lie in the storage of the editor, and no model was run', async () => {
    pictureOfFailure();
    expect(await written()).toEqual([]);
    const stored = (await contentOf(path.join(server.data, 'data', 'User', 'workspaceStorage'))).filter((name) => name.includes('/layerscope.layerscope/'));
    expect(stored.filter((name) => name.endsWith('/records.jsonl'))).toHaveLength(2);
    expect(stored.filter((name) => name.includes('features'))).toEqual([]);
  });

  test('is not offered what writes scripts, installs or runs something; asked for elsewhere, it says why it does not', async () => {
    pictureOfFailure();
    await row('mae').click({ button: 'right' });
    const probeData = page.locator('.context-view .action-item', { hasText: 'Choose Probe Data' });
    await probeData.waitFor();
    expect(await probeData.getAttribute('class')).toContain('disabled');
    await page.keyboard.press('Escape');

    await runCommand(page, 'Open Walkthrough');
    await quickInput().locator('.monaco-list-row', { hasText: 'Layerscope' }).first().click();
    const step = page.locator('.getting-started-step', { hasText: 'Record probes in your training' });
    await step.click();
    for (const title of ['Add Recorder to Training Script', 'Install Training Companion']) await step.getByRole('button', { name: title }).click();
    await page.locator('.statusbar-item[id="status.notifications"]').click();
    const messages = page.locator('.notifications-center');
    for (const words of ['A recorder is added to a script only in a trusted workspace', 'The training companion is installed only in a trusted workspace']) {
      await messages.getByText(words).waitFor({ timeout: 10_000 });
    }
  });

  test('once it is trusted, its own settings count and its model is run', async () => {
    pictureOfFailure();
    await runCommand(page, 'Workspaces: Manage Workspace Trust');
    await page.locator('.workspace-trust-editor').getByRole('button', { name: /^Trust/ }).first().click();
    await expect.poll(written, { timeout: 60_000, interval: 500 }).toContainEqual(expect.stringMatching(/^mae\/\.layerscope\/features\/checkpoints\/mae-step60\.pt\.\w+\.safetensors$/));
    await expect.poll(written, { timeout: 30_000 }).toContain('mae/.layerscope/records.jsonl');
  });
});
