import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LandscapeOrder, LandscapeProgressState, LandscapeSurface, ModelInUse } from '../../src/protocol';
import { launchChromium } from './harness/chromium';
import { loadSurfaces, openLandscape, type LandscapePageOptions } from './harness/landscapePage';
import { settle } from './harness/panelPage';
import { allThemes, darkModern } from './harness/themes';

let browser: Browser;
let axe: string;
let pair: readonly LandscapeSurface[];
beforeAll(async () => {
  browser = await launchChromium();
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  pair = await loadSurfaces('digits-epoch3.npz', 'digits-epoch12.npz');
});
afterAll(() => browser?.close());

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const results = await page.evaluate(() => (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run());
  return results.violations.map(({ id, impact, nodes }) => `${impact}: ${id} at ${nodes.map((node) => node.target.join(' ')).join(', ')} (${nodes[0]?.failureSummary ?? ''})`);
}

const order: LandscapeOrder = {
  checkpoints: ['/runs/vit/checkpoints/epoch-3.pt', '/runs/vit/checkpoints/epoch-12.pt'], directions: 'random', data: '/data/images', images: 64, grid: 21, range: null, seed: 0,
  loss: 'mae', graph: null, heads: null, decoderHeads: null, imageSize: null, role: null, mean: null, deviation: null, provider: 'auto',
};
const model: ModelInUse = {
  model: 'Masked autoencoder, 12 blocks of width 192 with 3 heads, patches of 8 x 8, images of 64 x 64, decoder of 2 blocks of width 128 with 4 heads',
  choice: 'auto', provider: 'cpu', passedOver: [{ provider: 'cuda', reason: 'ONNX Runtime has no cuda on linux-arm64 (it has cpu, webgpu)' }],
};
const progress = (more: Partial<LandscapeProgressState>): LandscapeProgressState => ({
  state: 'computing', done: 0, total: 0, doing: '', failure: null, problems: [], model: null, finer: null, ...more,
});
/** What a surface looks like after its coarse grid. */
const growing = (surface: LandscapeSurface): LandscapeSurface => ({
  ...surface, minimum: null, setting: { ...surface.setting, directions: 'random' },
  loss: surface.loss.map((loss, place) => ((place % 21) % 4 === 2 && Math.floor(place / 21) % 4 === 2 ? loss : null)),
});

type State = Pick<LandscapePageOptions, 'surfaces' | 'progress'>;
const mismatch = {
  message: '/runs/vit/checkpoints/epoch-12.pt: cannot be run: ViT, 12 blocks of width 192: the tensors do not fit: 2 missing (blocks.0.norm1.bias, blocks.3.attn.proj.weight); 1 of another shape (pos_embed: [1, 65, 192] where [1, 197, 192] is needed).',
  missing: ['blocks.0.norm1.bias', 'blocks.3.attn.proj.weight'], extra: [], wrongShape: ['pos_embed: [1, 65, 192] where [1, 197, 192] is needed'],
};
const states = (): Readonly<Record<string, State>> => ({
  preparing: { surfaces: [], progress: progress({ doing: 'reading the images and the model' }) },
  computing: { surfaces: [pair[0]!, growing(pair[1]!)], progress: progress({ done: 466, total: 882, doing: 'surface 2 of 2: vit/checkpoints/epoch-12.pt', model }) },
  cancelled: { surfaces: [growing(pair[0]!)], progress: progress({ state: 'cancelled', done: 25, total: 882, model, problems: ['/runs/vit/.layerscope/landscapes.jsonl: cannot be written: EACCES: permission denied; the losses are not kept'] }) },
  interrupted: { surfaces: [], progress: progress({ state: 'interrupted', doing: 'The worker is gone: it was ended by SIGKILL' }) },
  failed: { surfaces: [], progress: progress({ state: 'failed', failure: mismatch }) },
  finished: { surfaces: pair, progress: progress({ state: 'finished', done: 882, total: 882, model: { ...model, choice: 'cpu', passedOver: [] }, finer: 41 }) },
});

describe('A landscape that is computed', () => {
  it('tells how far it is, on what it runs and why, and is cancelled and continued by one button that keeps the focus', async () => {
    const panel = await openLandscape(browser, { theme: darkModern, width: 900, order, ...states()['computing']! });
    const { page } = panel;
    expect(await page.locator('[data-test=progress]').innerText()).toBe('466 of 882 points');
    expect(await page.getByRole('progressbar', { name: 'Points computed' }).evaluate((bar: HTMLProgressElement) => [bar.value, bar.max])).toEqual([466, 882]);
    expect(await page.locator('[data-test=provider]').innerText()).toMatch(/Runs on the processor, the first that can be used\. cuda cannot be used: ONNX Runtime has no cuda/);
    const button = page.locator('[data-test=compute-action]');
    await button.focus();
    await page.keyboard.press('Enter');
    expect((await panel.said()).at(-1)).toEqual({ kind: 'cancel' });
    const { surfaces } = states()['computing']!;
    const send = (more: Partial<LandscapeProgressState>) => panel.send({ kind: 'surfaces', surfaces, files: [], order, progress: progress({ done: 466, total: 882, model, ...more }) });
    await send({ state: 'cancelling' });
    expect(await button.isDisabled()).toBe(true);
    await send({ state: 'cancelled' });
    expect(await page.locator('[data-test=progress]').innerText()).toBe('Stopped at 466 of 882 points, which are kept');
    expect(await page.locator('[data-test=announcement]').innerText()).toBe('The landscape was stopped. 466 of 882 points are known.');
    await button.focus();
    expect(await button.innerText()).toBe('Continue');
    await page.keyboard.press('Enter');
    expect((await panel.said()).at(-1)).toEqual({ kind: 'continue' });
    await page.getByRole('button', { name: 'Change provider' }).click();
    expect((await panel.said()).at(-1)).toEqual({ kind: 'openProviderSetting' });
    expect(panel.faults).toEqual([]);
    await panel.close();
  });

  it('grows in the picture and keeps the cursor where it is', async () => {
    const surfaces = [growing(pair[0]!)];
    const panel = await openLandscape(browser, { theme: darkModern, width: 600, order, surfaces, progress: progress({ done: 25, total: 882 }) });
    const plot = panel.page.locator('#contours-0');
    await plot.focus();
    await panel.page.keyboard.press('ArrowRight');
    const before = await plot.getAttribute('aria-valuetext');
    const bands = await panel.page.locator('#contours-0 [data-band]').count();
    await panel.send({ kind: 'surfaces', surfaces: [pair[0]!], files: [], order, progress: progress({ done: 441, total: 882 }) });
    expect(await plot.getAttribute('aria-valuetext')).toContain(before!.split(':')[0]);
    expect(await panel.page.locator('[data-test=progress]').innerText()).toBe('441 of 882 points');
    expect(bands).toBeGreaterThan(0);
    expect(await plot.evaluate((element) => element === document.activeElement)).toBe(true);
    await panel.close();
  });

  it('says in place why it cannot be computed, name by name, and what can be done', async () => {
    const panel = await openLandscape(browser, { theme: darkModern, width: 600, order, ...states()['failed']! });
    const { page } = panel;
    const alert = page.getByRole('alert');
    expect(await alert.innerText()).toContain('epoch-12.pt: cannot be run');
    await page.getByText('2 tensors missing').click();
    expect(await page.locator('.compute-names code').first().innerText()).toBe('blocks.0.norm1.bias');
    await page.getByRole('button', { name: 'Use an ONNX export of the model' }).click();
    await page.getByRole('button', { name: 'Try again' }).click();
    expect((await panel.said()).slice(-2)).toEqual([{ kind: 'chooseExport' }, { kind: 'continue' }]);
    expect(await page.getByRole('radio').count()).toBe(0);
    await panel.close();
  });

  it('offers a finer grid when it is finished, and is remembered with what was asked for', async () => {
    const panel = await openLandscape(browser, { theme: darkModern, width: 900, order, ...states()['finished']! });
    await panel.page.getByRole('button', { name: 'Finer: 41 \u00d7 41' }).click();
    expect((await panel.said()).at(-1)).toEqual({ kind: 'refine' });
    expect(await panel.stored()).toMatchObject({ order, surfaces: pair });
    await panel.close();
  });
});

describe.each(allThemes)('in the $name theme', (theme) => {
  it.each([300, 1000])('every state is whole and axe finds nothing at %i px', async (width) => {
    const panel = await openLandscape(browser, { theme, width, order, ...states()['preparing']! });
    for (const [name, state] of Object.entries(states())) {
      await panel.send({ kind: 'surfaces', files: [], order, surfaces: state.surfaces, progress: state.progress ?? null });
      await settle(panel.page);
      expect(await panel.page.locator('.compute').getAttribute('data-state'), name).toBe(state.progress!.state);
      expect(await panel.page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(width);
      expect(await violations(panel.page), name).toEqual([]);
      await panel.page.screenshot({ path: join(import.meta.dirname, 'screenshots', `landscape-${name}-${theme.name}-${width}.png`), fullPage: true });
    }
    expect(panel.faults).toEqual([]);
    await panel.close();
  }, 240_000);
});
