import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LandscapeSurface } from '../../src/protocol';
import { lossAt, makeGrid } from '../../webview-ui/src/lossSurfaces/grid';
import { makePlotArea } from '../../webview-ui/src/lossSurfaces/plotArea';
import { launchChromium } from './harness/chromium';
import { loadSurfaces, openLandscape, type LandscapePage } from './harness/landscapePage';
import { settle } from './harness/panelPage';
import { allThemes, darkModern, lightModern } from './harness/themes';

let browser: Browser;
let axe: string;
let pair: readonly LandscapeSurface[];
let training: readonly LandscapeSurface[];
beforeAll(async () => {
  browser = await launchChromium();
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  pair = await loadSurfaces('digits-epoch3.npz', 'digits-epoch12.npz');
  training = await loadSurfaces('digits-training.json');
});
afterAll(() => browser?.close());

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const results = await page.evaluate(() => (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run());
  return results.violations.map(({ id, impact, nodes }) => `${impact}: ${id} at ${nodes.map((node) => node.target.join(' ')).join(', ')} (${nodes[0]?.failureSummary ?? ''})`);
}

async function placeOf(page: Page, selector: string): Promise<number[]> {
  const transform = await page.locator(selector).getAttribute('transform');
  return /translate\(([-\d.]+),([-\d.]+)\)/.exec(transform ?? '')?.slice(1).map(Number) ?? [];
}

/** Ends of all parts of an SVG path of straight lines. */
function pointsOf(path: string): (readonly [number, number])[] {
  return path.split(/[MLZ]/).filter((part) => part !== '').map((part) => part.split(',').map(Number) as unknown as readonly [number, number]);
}

async function view(panel: LandscapePage): Promise<number[]> {
  return ((await panel.page.locator('#surface-0').getAttribute('data-view')) ?? '').split(' ').map(Number);
}

/** Until the view stands still. */
async function standstill(panel: LandscapePage): Promise<number[]> {
  for (let before = ''; ; ) {
    await settle(panel.page);
    const now = (await view(panel)).join(' ');
    if (now === before) return view(panel);
    before = now;
  }
}

/** A picture's own pixels: how many are not transparent, and a sum that changes with them. */
async function inkOf(page: Page, selector: string): Promise<{ drawn: number; sum: number }> {
  return page.locator(selector).evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const pen = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d', { willReadFrequently: true })!;
    pen.drawImage(element as HTMLCanvasElement, 0, 0);
    const { data } = pen.getImageData(0, 0, width, height);
    let [drawn, sum] = [0, 0];
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3]! > 0) drawn++;
      sum = (sum * 31 + data[at]! + 7 * data[at + 1]! + 13 * data[at + 2]!) % 1000003;
    }
    return { drawn: drawn / (data.length / 4), sum };
  });
}

describe('contours', () => {
  it('lie where the losses say, on one scale for both surfaces', async () => {
    const panel = await openLandscape(browser, { theme: darkModern, width: 900, surfaces: pair, stored: { height: 'linear' } });
    for (const [index, surface] of pair.entries()) {
      const frame = panel.page.locator(`#contours-${index}`);
      const grid = makeGrid(surface);
      const area = makePlotArea(grid, (await frame.boundingBox())!.width);
      expect(await frame.getAttribute('data-plot')).toBe([area.left, area.top, area.right, area.bottom].join(' '));
      const path = await frame.locator('[data-level="4"]').getAttribute('d');
      const points = pointsOf(path ?? '');
      expect(points.length).toBeGreaterThan(10);
      for (const [x, y] of points) {
        const loss = lossAt(grid, ...(area.locate(Math.min(area.right, Math.max(area.left, x)), Math.min(area.bottom, Math.max(area.top, y))) ?? [NaN, NaN]));
        expect(Math.abs(loss - 4)).toBeLessThan(0.02);
      }
    }
    expect(await panel.page.locator('.scale-bar').getAttribute('aria-label')).toBe('Colours from 0.0525 to 14.6, linear scale, the same for all surfaces');
    const fill = (index: number): Promise<string | null> => panel.page.locator(`#contours-${index} [data-band="6"]`).getAttribute('fill');
    expect(await fill(0)).toBe(await fill(1));
    expect(panel.faults).toEqual([]);
    await panel.close();
  });

  it('mark the lowest point and the model where they are', async () => {
    const panel = await openLandscape(browser, { theme: lightModern, width: 300, surfaces: [pair[1]!] });
    const area = makePlotArea(makeGrid(pair[1]!), (await panel.page.locator('#contours-0').boundingBox())!.width);
    const { minimum } = pair[1]!;
    expect(await placeOf(panel.page, '[data-test=minimum]')).toEqual([area.toX(minimum!.x), area.toY(minimum!.y)]);
    expect(await placeOf(panel.page, '[data-test=origin]')).toEqual([area.toX(0), area.toY(0)]);
    await panel.close();
  });

  it('are walked over with the keyboard, the same place on every surface', async () => {
    const panel = await openLandscape(browser, { theme: darkModern, width: 900, surfaces: pair });
    const first = panel.page.locator('#contours-0');
    await first.focus();
    await panel.page.keyboard.press('Home');
    expect(await first.getAttribute('aria-valuetext')).toBe('(0.2, 0.1): loss 0.796');
    await panel.page.keyboard.press('ArrowRight');
    await panel.page.keyboard.press('ArrowUp');
    const index = 12 * 21 + 13;
    expect(await first.getAttribute('aria-valuenow')).toBe(String(index));
    const texts = await panel.page.locator('[data-test=readout]').allInnerTexts();
    expect(texts).toEqual(pair.map(({ loss }) => `(0.3, 0.2): loss ${Number(loss[index]!.toPrecision(3))}`));
    await panel.close();
  });

  it('outline the convex component of a surface that has one', async () => {
    const convex = pair[0]!.loss.map((_, index) => Math.abs((index % 21) - 10) <= 3 && Math.abs(Math.floor(index / 21) - 10) <= 2);
    const panel = await openLandscape(browser, { theme: darkModern, width: 400, surfaces: [{ ...pair[0]!, convex }] });
    const area = makePlotArea(makeGrid(pair[0]!), (await panel.page.locator('#contours-0').boundingBox())!.width);
    const xs = pointsOf((await panel.page.locator('[data-test=convex] path').first().getAttribute('d')) ?? '').map(([x]) => x);
    expect(Math.abs(Math.min(...xs) - area.toX(-0.35))).toBeLessThan(0.11);
    expect(Math.abs(Math.max(...xs) - area.toX(0.35))).toBeLessThan(0.11);
    await panel.close();
  });

  it('of an unfinished surface are drawn as far as they are, and grow', async () => {
    const random = { ...pair[1]!, setting: { ...pair[1]!.setting, directions: 'random' as const }, minimum: null };
    const coarse = (step: number): LandscapeSurface => ({ ...random, loss: random.loss.map((loss, index) => ((index % 21) % step === 0 && Math.floor(index / 21) % step === 0 ? loss : null)) });
    const panel = await openLandscape(browser, { theme: darkModern, width: 400, surfaces: [coarse(10)] });
    expect(await panel.page.locator('[data-test=computed]').getAttribute('data-count')).toBe('9');
    expect(await panel.page.locator('[data-level]').count()).toBeGreaterThan(2);
    expect(await panel.page.locator('[data-test=words]').innerText()).toContain('9 of 441 points are computed');
    await panel.send({ kind: 'surfaces', surfaces: [coarse(2)], files: [], progress: null, order: null });
    expect(await panel.page.locator('[data-test=computed]').getAttribute('data-count')).toBe('121');
    await panel.send({ kind: 'surfaces', surfaces: [{ ...random, loss: random.loss.map(() => null) }], files: [], progress: null, order: null });
    expect(await panel.page.locator('[data-test=words]').innerText()).toContain('no point is computed yet');
    expect(panel.faults).toEqual([]);
    await panel.close();
  });
});

describe('the surface in space', () => {
  it('is drawn, and the keyboard turns all of them smoothly', async () => {
    const panel = await openLandscape(browser, { theme: darkModern, width: 900, surfaces: pair, stored: { form: 'surface' } });
    expect(await panel.page.locator('[data-test=no-webgl]').count()).toBe(0);
    const before = await inkOf(panel.page, '#surface-0 canvas');
    expect(before.drawn).toBeGreaterThan(0.2);
    const first = await view(panel);
    await panel.page.locator('#surface-0').focus();
    await panel.page.keyboard.press('ArrowRight');
    const after = await standstill(panel);
    expect(after).toEqual([first[0]! + 15, first[1], first[2]]);
    expect((await inkOf(panel.page, '#surface-0 canvas')).sum).not.toBe(before.sum);
    expect(await panel.page.locator('#surface-1').getAttribute('data-view')).toBe(after.join(' '));
    await panel.page.keyboard.press('+');
    expect((await standstill(panel))[2]).toBeLessThan(first[2]!);
    await panel.page.keyboard.press('0');
    expect(await standstill(panel)).toEqual(first);
    expect(await panel.page.locator('#surface-0').getAttribute('aria-valuetext')).toBe('Turned to 35 degrees, seen 44 degrees above the plane, distance 100 %');
    expect(panel.faults).toEqual([]);
    await panel.close();
  });

  it('turns with the mouse, and keeps its view over a reload', async () => {
    const panel = await openLandscape(browser, { theme: darkModern, width: 500, surfaces: pair, stored: { form: 'surface' } });
    const box = (await panel.page.locator('#surface-0').boundingBox())!;
    await panel.page.mouse.move(box.x + 100, box.y + 100);
    await panel.page.mouse.down();
    await panel.page.mouse.move(box.x + 200, box.y + 120, { steps: 5 });
    await panel.page.mouse.up();
    await settle(panel.page);
    expect(await view(panel)).toEqual([350, 53, 1]);
    await expect.poll(async () => Math.round((await panel.stored())?.camera.elevation ?? 0), { timeout: 30_000 }).toBe(53);
    await panel.close();
  });

  it('jumps instead of moving where motion is to be reduced', async () => {
    const panel = await openLandscape(browser, { theme: darkModern, width: 500, surfaces: [pair[0]!], stored: { form: 'surface' }, reducedMotion: true });
    await panel.page.locator('#surface-0').evaluate((element) => {
      const views: (string | null)[] = [];
      Object.assign(window, { views });
      new MutationObserver(() => views.push(element.getAttribute('data-view'))).observe(element, { attributes: true, attributeFilter: ['data-view'] });
    });
    await panel.page.locator('#surface-0').press('ArrowLeft');
    await standstill(panel);
    await panel.page.locator('#surface-0').press('ArrowLeft');
    await standstill(panel);
    expect(await panel.page.evaluate(() => (window as unknown as { views: string[] }).views)).toEqual(['20 44 1', '5 44 1']);
    await panel.close();
  });

  it('gives way to contours and says why where there is no WebGL', async () => {
    const panel = await openLandscape(browser, { theme: darkModern, width: 500, surfaces: pair, stored: { form: 'surface' }, withoutWebGl: true });
    expect(await panel.page.locator('[data-test=no-webgl]').innerText()).toContain('need WebGL');
    expect(await panel.page.locator('#contours-1 [data-level]').count()).toBeGreaterThan(3);
    expect(panel.faults).toEqual([]);
    await panel.close();
  });
});

describe('checkpoints of a trajectory', () => {
  it('are opened by a click on their point or their name, in both pictures', async () => {
    const panel = await openLandscape(browser, { theme: lightModern, width: 900, surfaces: training });
    const opened = async (): Promise<(string | undefined)[]> => (await panel.said()).flatMap((message) => (message.kind === 'openCheckpoint' ? [message.file] : []));
    await panel.page.locator('circle[data-file="checkpoints/epoch-2.pt"]').click();
    await panel.page.getByRole('button', { name: 'epoch 3', exact: true }).click();
    expect(await opened()).toEqual(['checkpoints/epoch-2.pt', 'checkpoints/epoch-3.pt']);
    expect(await panel.page.getByRole('button', { name: 'epoch 3', exact: true }).getAttribute('aria-pressed')).toBe('true');
    await panel.send({ kind: 'select', file: 'checkpoints/epoch-5.pt' });
    expect(await panel.page.locator('circle[data-file="checkpoints/epoch-5.pt"]').getAttribute('r')).toBe('6.5');
    await panel.page.getByRole('radio', { name: 'Surface' }).check();
    await settle(panel.page);
    // Seen straight from above the places are those of the plane.
    for (let press = 0; press < 6; press++) await panel.page.locator('#surface-0').press('ArrowUp');
    await standstill(panel);
    const canvas = panel.page.locator('#surface-0 canvas');
    const box = (await canvas.boundingBox())!;
    let found = 0;
    for (let y = box.height * 0.2; y < box.height * 0.8 && found === 0; y += 14) {
      for (let x = box.width * 0.15; x < box.width * 0.7 && found === 0; x += 14) {
        await canvas.click({ position: { x, y } });
        found = (await opened()).length - 2;
      }
    }
    expect(found).toBe(1);
    expect(training[0]!.trajectory.map(({ file }) => file)).toContain((await opened())[2]);
    await panel.close();
  });
});

describe('for those who do not see the picture', () => {
  it('the table holds every loss, exactly', async () => {
    const panel = await openLandscape(browser, { theme: darkModern, width: 900, surfaces: pair });
    await panel.page.getByRole('radio', { name: 'Table' }).check();
    await settle(panel.page);
    const rows = await panel.page.locator('#surface-table-1 tbody tr').evaluateAll((all) => all.map((row) => [...row.querySelectorAll('data')].map((cell) => Number((cell as HTMLDataElement).value))));
    const { loss } = pair[1]!;
    expect(rows).toEqual(Array.from({ length: 21 }, (_, index) => loss.slice((20 - index) * 21, (21 - index) * 21)));
    expect(await panel.page.locator('#surface-table-1 tbody th').first().innerText()).toBe('1');
    await panel.close();
  });

  it('words say what is drawn and how the surfaces compare', async () => {
    const panel = await openLandscape(browser, { theme: darkModern, width: 900, surfaces: pair });
    expect(await panel.page.locator('[data-test=words]').allInnerTexts()).toEqual([
      'digits-epoch3: The loss is 0.895 at the model and reaches from 0.796 to 7.36. The lowest point, 0.796, is at (0.2, 0.1), 0.224 from the origin.',
      'digits-epoch12: The loss is 0.0708 at the model and reaches from 0.0525 to 14.6. The lowest point, 0.0525, is at (0.1, \u22120.1), 0.141 from the origin.',
    ]);
    expect(await panel.page.locator('[data-test=comparison]').allInnerTexts()).toEqual(['Loss at the model, lowest first: digits-epoch12 (0.0708), digits-epoch3 (0.895).']);
    const other = { ...pair[1]!, setting: { ...pair[1]!.setting, seed: 3 } };
    await panel.send({ kind: 'surfaces', surfaces: [pair[0]!, other], files: [], progress: null, order: null });
    expect(await panel.page.locator('.caveat').innerText()).toBe('These surfaces differ in seed: they do not compare.');
    expect(await panel.page.locator('[data-test=comparison]').count()).toBe(0);
    await panel.close();
  });
});

describe('export', () => {
  it('sends an SVG that a browser reads and a PNG, and asks the host for the numbers', async () => {
    const panel = await openLandscape(browser, { theme: lightModern, width: 900, surfaces: pair });
    for (const name of ['SVG', 'PNG', 'CSV', 'JSON']) await panel.page.getByRole('button', { name, exact: true }).click();
    await expect.poll(async () => (await panel.said()).filter(({ kind }) => kind === 'savePicture').length, { timeout: 30_000 }).toBe(2);
    const said = await panel.said();
    expect(said.flatMap((message) => (message.kind === 'exportNumbers' ? [message.format] : []))).toEqual(['csv', 'json']);
    const svg = said.flatMap((message) => (message.kind === 'savePicture' && message.format === 'svg' ? [message.text] : []))[0] ?? '';
    const read = await panel.page.evaluate((text) => {
      const document = new DOMParser().parseFromString(text, 'image/svg+xml');
      return { error: document.querySelector('parsererror')?.textContent ?? null, texts: [...document.querySelectorAll('text')].map((one) => one.textContent) };
    }, svg);
    expect(read.error).toBeNull();
    expect(read.texts).toEqual(expect.arrayContaining(['digits-epoch3', 'digits-epoch12', '14.6']));
    expect(svg).not.toMatch(/ (class|style|data-[a-z]+|aria-[a-z]+)=/);
    const png = await panel.page.evaluate(() => {
      const said = (window as unknown as { landscapeHost: { said: { format?: string; bytes?: ArrayBuffer }[] } }).landscapeHost.said;
      const bytes = said.find(({ format }) => format === 'png')?.bytes ?? new ArrayBuffer(0);
      return { head: [...new Uint8Array(bytes, 0, 8)], width: new DataView(bytes).getUint32(16) };
    });
    expect(png.head).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
    expect(png.width).toBe(2 * Number(/width="(\d+)"/.exec(svg)?.[1]));
    expect(panel.faults).toEqual([]);
    await panel.close();
  });

  it('of surfaces in space is a picture of them', async () => {
    const panel = await openLandscape(browser, { theme: darkModern, width: 900, surfaces: pair, stored: { form: 'surface' } });
    expect(await panel.page.getByRole('button', { name: 'SVG', exact: true }).isDisabled()).toBe(true);
    await panel.page.getByRole('button', { name: 'PNG', exact: true }).click();
    await expect.poll(async () => (await panel.said()).filter(({ kind }) => kind === 'savePicture').length, { timeout: 30_000 }).toBe(1);
    const colors = await panel.page.evaluate(async () => {
      const { said } = (window as unknown as { landscapeHost: { said: { format?: string; bytes?: ArrayBuffer }[] } }).landscapeHost;
      const picture = await createImageBitmap(new Blob([said.find(({ format }) => format === 'png')?.bytes ?? new ArrayBuffer(0)]));
      const pen = new OffscreenCanvas(picture.width, picture.height).getContext('2d', { willReadFrequently: true })!;
      pen.drawImage(picture, 0, 0);
      // The middle of the first surface, against the background beside it.
      return [[2 * 230, 2 * 200], [4, 4]].map(([x = 0, y = 0]) => [...pen.getImageData(x, y, 1, 1).data].join());
    });
    expect(colors[1]).toBe('31,31,31,255');
    expect(colors[0]).not.toBe(colors[1]);
    expect(panel.faults).toEqual([]);
    await panel.close();
  });
});

it('remembers what it showed: files by their paths, computed surfaces as they are', async () => {
  const panel = await openLandscape(browser, { theme: darkModern, width: 500, surfaces: pair, files: ['/a.npz', '/b.npz'] });
  await panel.page.getByRole('radio', { name: 'Linear' }).check();
  expect(await panel.stored()).toMatchObject({ version: 1, height: 'linear', files: ['/a.npz', '/b.npz'], surfaces: null });
  await panel.send({ kind: 'surfaces', surfaces: training, files: [], progress: null, order: null });
  expect((await panel.stored())?.surfaces).toEqual(training);
  await panel.close();
});

it('draws in the colours of the theme, again when it changes', async () => {
  const panel = await openLandscape(browser, { theme: darkModern, width: 900, surfaces: training, stored: { form: 'surface' } });
  const tick = (): Promise<string | null> => panel.page.locator('.scale-bar text').first().getAttribute('fill');
  const [ink, fill] = [await inkOf(panel.page, '#surface-0 canvas'), await tick()];
  const line = await inkOf(panel.page, '#loss-lines canvas');
  await panel.setTheme(lightModern);
  expect(await tick()).toBe(lightModern.variables['descriptionForeground']);
  expect(await tick()).not.toBe(fill);
  expect((await inkOf(panel.page, '#surface-0 canvas')).sum).not.toBe(ink.sum);
  expect((await inkOf(panel.page, '#loss-lines canvas')).sum).not.toBe(line.sum);
  expect(panel.faults).toEqual([]);
  await panel.close();
});

describe.each(allThemes)('in the $name theme', (theme) => {
  it.each([300, 900])('nothing overflows and axe finds nothing at %i px', async (width) => {
    const panel = await openLandscape(browser, { theme, width, surfaces: training });
    for (const form of ['Contours', 'Surface', 'Table']) {
      await panel.page.getByRole('radio', { name: form }).check();
      await settle(panel.page);
      expect(await panel.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      expect(await violations(panel.page)).toEqual([]);
    }
    expect(panel.faults).toEqual([]);
    await panel.close();
  });
});
