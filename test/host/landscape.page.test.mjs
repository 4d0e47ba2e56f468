import { execFile } from 'node:child_process';
import { cp, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { openContainer, panelFrame } from '../../scripts/vscode/panel.mjs';
import { runCommand } from '../../scripts/vscode/palette.mjs';
import { root } from '../../scripts/vscode/paths.mjs';
import { removeFolder, temporaryFolder } from '../../scripts/vscode/processes.mjs';
import { startServer } from '../../scripts/vscode/server.mjs';
import { openWorkbench } from '../../scripts/vscode/workbench.mjs';

const fixture = (...parts) => path.join(root, 'test', 'fixtures', ...parts);
const steps = [15, 30, 60];

/** What a person sees and types: real checkpoints of a small masked autoencoder, a folder of PNG, JPEG and WebP images, no Python. */
describe('Computing a loss landscape in the workbench', () => {
  let parent;
  let folder;
  let server;
  let workbench;
  let page;
  const pictureOfFailure = () => onTestFailed(async ({ task }) => console.error((await workbench.failure(new Error(task.name), 'landscape')).message));
  const checkpoint = (step) => path.join(folder, 'run', 'checkpoints', `mae-step${step}.pt`);
  const images = () => path.join(folder, 'images');

  beforeAll(async () => {
    parent = temporaryFolder('layerscope-landscape-');
    folder = path.join(parent, 'work');
    await mkdir(path.join(folder, 'run', 'checkpoints'), { recursive: true });
    for (const step of steps) await cp(fixture('landscape', `mae-step${step}.pt`), checkpoint(step));
    await cp(fixture('images', 'folder'), images(), { recursive: true });
    server = await startServer({ settings: { 'layerscope.results.location': 'run', 'files.simpleDialog.enable': true } });
    workbench = await openWorkbench(server, { folder, extension: root, width: 1500, height: 1000 });
    ({ page } = workbench);
    await openContainer(page);
    await page.locator('.part.sidebar .monaco-list-row', { hasText: 'run' }).first().waitFor({ timeout: 60_000 });
    // The page of a view that is folded is gone: what is left is that of the panel.
    await page.locator('.part.sidebar .pane-header', { hasText: 'Layer Health' }).click();
  });
  afterAll(async () => {
    await workbench?.close();
    await server?.stop();
    if (parent !== undefined) removeFolder(parent);
  });

  const quickInput = () => page.locator('.quick-input-widget:visible');
  /** Waits for a question with these words in it. */
  const question = async (words) => {
    await quickInput().filter({ hasText: words }).or(page.locator(`.quick-input-widget:visible:has(input[placeholder*="${words}"])`)).first().waitFor({ timeout: 30_000 });
  };
  const item = (words) => quickInput().locator('.monaco-list-row', { hasText: words }).first();
  /** Enter, in the question itself, wherever the focus is. */
  const accept = () => quickInput().locator('input.input').press('Enter');
  const type = async (text) => {
    await quickInput().locator('input.input').fill(text);
    await accept();
  };
  /** Answers with the folder of images, by the dialog of the editor. */
  const chooseFolder = async () => {
    await item('Folder').click();
    await question('Images');
    await item('run').waitFor();
    await quickInput().locator('input.input').fill(`${images()}/`);
    // The dialog goes into the folder that was typed, and lists what is in it.
    await item('emu').waitFor();
    await expect.poll(async () => {
      if (!(await quickInput().innerText()).includes(': Images')) return true;
      await quickInput().getByRole('button', { name: 'Use' }).click({ timeout: 2_000 }).catch(() => undefined);
      return false;
    }, { timeout: 30_000, interval: 500 }).toBe(true);
  };
  const run = (title) => runCommand(page, title);
  const panel = () => panelFrame(page);
  const state = () => panel().locator('.compute').getAttribute('data-state', { timeout: 5_000 }).catch(() => null);
  const stateOnce = (wanted) => expect.poll(state, { timeout: 120_000, interval: 100 }).toBe(wanted);

  /** The losses of the table, row by row, y falling as it is drawn; null where there is none. */
  const tableLosses = async () => {
    await panel().locator('label.segment:has(input[name="form"])', { hasText: 'Table' }).click();
    const table = panel().locator('#surface-table-0 table');
    await table.waitFor();
    return table.evaluate((element) =>
      [...element.tBodies[0].rows].map((row) => [...row.cells].slice(1).map((cell) => (cell.querySelector('data') === null ? null : Number(cell.querySelector('data').value)))),
    );
  };
  const keptPoints = async () => {
    const lines = (await readFile(path.join(folder, 'run', '.layerscope', 'landscapes.jsonl'), 'utf8')).trimEnd().split('\n');
    return lines.map((line) => JSON.parse(line)).filter((line) => !('setting' in line));
  };
  const commandLine = async (grid, ...more) => {
    const alone = path.join(parent, 'alone.pt');
    await cp(checkpoint(60), alone);
    const args = [path.join(root, 'dist', 'cli.js'), 'landscape', alone, '--data', images(), '--heads', '2', '--decoder-heads', '2', '--grid', String(grid), '--json', ...more];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1e8 });
    return JSON.parse(stdout).surfaces[0];
  };
  const rowsOf = ({ x, y, loss }) => y.map((_, row) => loss.slice(row * x.length, (row + 1) * x.length)).reverse();

  test('the command asks what only a person knows, with the reason, opens the panel and fills it with the numbers of the command line', async () => {
    pictureOfFailure();
    await run('Compute Loss Landscape');
    await question('One checkpoint');
    // The last one is picked already.
    await accept();
    await question('The loss of which images');
    await chooseFolder();
    await question('Attention Heads');
    expect(await quickInput().innerText()).toMatch(/do not divide the width/);
    await type('2');
    await question('Attention Heads of the Decoder');
    await type('2');
    await question('Which loss');
    await item('mae').click();
    await stateOnce('finished');
    expect(await panel().locator('[data-test=provider]').innerText()).toMatch(/Masked autoencoder.*Runs on the processor, as layerscope\.modelProvider says/s);
    const expected = await commandLine(25);
    expect(await tableLosses()).toEqual(rowsOf(expected));
    expect(await keptPoints()).toHaveLength(625);
  });

  test('a finer grid is cancelled, keeps its points, and is continued to the numbers of the command line', async () => {
    pictureOfFailure();
    const action = panel().locator('[data-test=compute-action]');
    expect(await action.innerText()).toBe('Finer: 49 × 49');
    await action.click();
    await expect.poll(() => panel().locator('[data-test=progress]').innerText(), { timeout: 60_000, interval: 50 }).toMatch(/of 2,401 points/);
    await action.click();
    await stateOnce('cancelled');
    const words = await panel().locator('[data-test=progress]').innerText();
    expect(words).toMatch(/^Stopped at [\d,]+ of 2,401 points, which are kept$/);
    const known = Number(/at ([\d,]+) of/.exec(words)[1].replace(',', ''));
    expect(known).toBeGreaterThan(0);
    expect(known).toBeLessThan(2401);
    expect((await tableLosses()).flat().filter((loss) => loss !== null)).toHaveLength(known);
    expect(await action.innerText()).toBe('Continue');
    await action.click();
    await stateOnce('finished');
    expect(await tableLosses()).toEqual(rowsOf(await commandLine(49)));
    expect(await keptPoints()).toHaveLength(2401);
  });

  test('the panel is there again after the window was reloaded', async () => {
    pictureOfFailure();
    const before = await tableLosses();
    await page.reload();
    await page.waitForSelector('.monaco-workbench', { timeout: 60_000 });
    // The server keeps what a page remembers every few seconds: it may be what was known a moment earlier, which the kept points complete.
    await expect.poll(state, { timeout: 120_000 }).toMatch(/finished|interrupted/);
    if ((await state()) === 'interrupted') await panel().locator('[data-test=compute-action]').click();
    await stateOnce('finished');
    expect(await tableLosses()).toEqual(before);
    expect(await keptPoints()).toHaveLength(2401);
  });

  test('a checkpoint that is clicked in a trajectory is selected in the Runs tree', async () => {
    pictureOfFailure();
    await run('View: Close All Editors');
    await openContainer(page);
    await run('Compute Loss Landscape');
    await question('One checkpoint');
    await quickInput().locator('.quick-input-check-all, .quick-input-header .monaco-custom-toggle').first().click();
    await accept();
    await question('Which landscape');
    await item('Trajectory').click();
    await question('The loss of which images');
    await chooseFolder();
    await question('Attention Heads');
    await type('2');
    await question('Attention Heads of the Decoder');
    await type('2');
    await question('Which loss');
    await item('mae').click();
    await stateOnce('finished');
    const buttons = panel().locator('.checkpoint-button');
    expect(await buttons.allInnerTexts()).toEqual(['step 15', 'step 30', 'step 60']);
    await buttons.nth(1).click();
    await expect.poll(() => page.locator('.part.sidebar .monaco-list-row.selected').first().innerText(), { timeout: 20_000 }).toContain('mae-step30.pt');
    expect(await buttons.nth(1).getAttribute('aria-pressed')).toBe('true');
    // And the other way round.
    await page.locator('.part.sidebar .monaco-list-row', { hasText: 'mae-step15.pt' }).first().click();
    await expect.poll(() => buttons.nth(0).getAttribute('aria-pressed')).toBe('true');
  });

  test('images that were chosen for a run are remembered with what a person said of its model, and not asked for again', async () => {
    pictureOfFailure();
    await run('Choose Probe Data');
    await question('Which images was run trained on');
    // The answer may stand elsewhere: a look there does not end the questions.
    await page.locator('.part.sidebar .composite.title').click();
    await panel().getByRole('heading', { name: 'In words' }).click();
    await question('Which images was run trained on');
    await chooseFolder();
    await question('Which images did the network never see');
    await item('None').click();
    await question('How many samples');
    await type('8');
    await question('How many views');
    await type('2');
    await question('Attention Heads');
    await type('2');
    await question('Attention Heads of the Decoder');
    await type('2');
    const file = path.join(folder, 'run', '.layerscope', 'probe-data.json');
    await expect.poll(() => readFile(file, 'utf8').then(JSON.parse, () => null), { timeout: 60_000 }).toMatchObject({ train: images(), heldOut: null, samples: 8, views: 2, heads: 2, decoderHeads: 2 });
    await run('Compute Loss Landscape');
    await question('One checkpoint');
    await accept();
    await question('Which loss');
    await item('info_nce').click();
    await expect.poll(() => panel().locator('.landscape-head').innerText(), { timeout: 120_000 }).toMatch(/info nce, 10 images of .*images, random directions of seed 0/);
    await stateOnce('finished');
  });

  test('the list of compute engines says on what models run', async () => {
    pictureOfFailure();
    await run('Show Compute Engine');
    await question('Compute engine');
    expect(await item('Models run on the processor').innerText()).toContain('Set in layerscope.modelProvider.');
    await page.keyboard.press('Escape');
  });

  test('no page breaks its own security policy', () => {
    expect(workbench.messages.filter((line) => /Content Security Policy|page error/i.test(line))).toEqual([]);
  });
});
