import { within } from './workbench.mjs';

/** Opens the Layerscope container from the activity bar. */
export async function openContainer(page) {
  const tab = page.locator('.activitybar').getByRole('tab', { name: /^Layerscope/ });
  await tab.waitFor({ timeout: 60_000 });
  if ((await tab.getAttribute('aria-selected')) !== 'true') await tab.click();
}

/** Gives the side bar a width in pixels by dragging its edge, as a person would. */
export async function setPanelWidth(page, width) {
  const box = await page.locator('.part.sidebar').boundingBox();
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width, y);
  await page.mouse.down();
  await page.mouse.move(box.x + width, y, { steps: 8 });
  await page.mouse.up();
  // Away from the edge, which lights up under the pointer.
  await page.mouse.move(box.x + width + 200, y);
}

/** The document of the Layer health view. VS Code nests a webview's page in two frames. */
export function panelFrame(page) {
  return page.frameLocator('iframe.webview').frameLocator('#active-frame');
}

/** Shows a run by its name, once it was found. */
export async function chooseRun(page, name) {
  const runs = panelFrame(page).getByRole('combobox', { name: 'Run', exact: true });
  const option = runs.locator('option', { hasText: name });
  await option.waitFor({ state: 'attached', timeout: 60_000 });
  await runs.selectOption(await option.getAttribute('value'));
}

/** Gives the Runs tree as little height as VS Code allows, by dragging its lower edge as a person would. */
export async function shrinkRunsTree(page) {
  const box = await page.locator('.part.sidebar .monaco-sash.horizontal').first().boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x, 0, { steps: 8 });
  await page.mouse.up();
  // Away from the view, which shows its buttons under the pointer.
  await page.mouse.move(box.x + box.width + 200, y);
}

/** Makes the window as high as the panel needs to be seen from its top to its end. */
export async function fitHeight(page) {
  const hidden = () => panelFrame(page).locator('html').evaluate(({ scrollHeight, clientHeight }) => scrollHeight - clientHeight);
  // VS Code shares what the window gains among the views.
  for (let more = await hidden(), tries = 0; more > 0 && tries < 5; more = await hidden(), tries++) {
    const { width, height } = page.viewportSize();
    await page.setViewportSize({ width, height: height + more });
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Waits until the panel shows a run of which everything is measured, and nothing is being measured any more. */
export async function waitForMeasurements(page, limit = 600_000) {
  return waitForPanel(page, ({ freshness, progress }) => /All \d+ checkpoints? measured/.test(freshness) && progress === '', { limit });
}

/** Groups of measures that are taken of all checkpoints only when the others, on which findings rest, have been taken of all. */
const secondTurn = /: (Clusters|Geometry|Labels), step /;

/**
 * Waits until what the panel shows first is complete: the heat map has no empty cell and the groups that findings rest on are measured of every
 * run, or nothing is left to be measured.
 * @param options.complete waits for all groups.
 * @param options.onProgress called with what is being measured, in words, whenever that changes.
 */
export async function waitForPicture(page, { complete = false, limit = 900_000, onProgress } = {}) {
  const isIdle = ({ progress, pending, looking }) => progress === '' && !pending && !looking;
  const isSecondTurn = ({ current, heatMap, emptyCells }) => heatMap && !emptyCells && secondTurn.test(current);
  return waitForPanel(page, (state) => isIdle(state) || (!complete && isSecondTurn(state)), { limit, onProgress });
}

/** Waits until `isDone` holds of what the panel says a few times in a row, and its findings stay the same meanwhile. */
async function waitForPanel(page, isDone, options) {
  const panel = panelFrame(page);
  try {
    await settled(panel, isDone, options);
  } catch (error) {
    const words = await within(panel.locator('main').innerText(), 3000, 'reading the panel').catch((reason) => `nothing (${reason.message.split('\n')[0]})`);
    throw new Error(`${error.message}; the panel says: ${words.replace(/\s+/g, ' ').slice(0, 600)}`, { cause: error });
  }
  return panel;
}

/** So long nothing is measured of what is to be before it is said; where a setting forbids it, waiting does not help. */
const patience = 60_000;

async function settled(panel, isDone, { limit, onProgress = () => undefined }) {
  const begin = Date.now();
  let moved = begin;
  let told = '';
  let findings = '';
  for (let quiet = 0; quiet < 3; ) {
    if (Date.now() - begin > limit) throw new Error(`measuring took longer than ${limit / 1000} s`);
    const state = await readState(panel);
    quiet = state === null || !isDone(state) ? 0 : state.findings === findings ? quiet + 1 : 1;
    if (state !== null) {
      ({ findings } = state);
      if (!state.pending || state.progress !== '') moved = Date.now();
      else if (Date.now() - moved > patience) throw new Error('nothing is being measured; perhaps layerscope.measure.automatic is off');
      if (state.progress !== '' && state.progress !== told) onProgress((told = state.progress));
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** What the panel says about itself; null while VS Code loads or reloads the frame. */
async function readState(panel) {
  const read = (main) => {
    const words = (selector) => (main.querySelector(selector)?.textContent ?? '').trim();
    return {
      looking: main.dataset.ready !== 'true' || (main.querySelector('.top') === null && main.querySelector('.ways') === null) || words('.top ~ .note').startsWith('Opening '),
      heatMap: main.querySelector('#heat-map canvas') !== null,
      emptyCells: /not measured/.test(words('.legend-keys')),
      findings: words('.findings') + words('.no-finding'),
      freshness: words('.freshness'),
      pending: main.querySelector('.freshness .button') !== null,
      progress: words('.progress-words'),
      current: words('.progress-current'),
    };
  };
  return panel.locator('main').evaluate(read, undefined, { timeout: 1000 }).catch(() => null);
}

/** The heat map's table, a row a checkpoint, as `{ caption, columns, rows: [{ header, values }] }`; null where a cell has no number. */
export async function readTable(panel) {
  const table = panel.locator('#heat-map-table table');
  await table.waitFor();
  return table.evaluate((element) => {
    const head = [...element.tHead.rows].at(-1);
    return {
      caption: element.caption.innerText,
      columns: [...head.cells].slice(1).map((cell) => cell.innerText.trim()),
      rows: [...element.tBodies[0].rows].map((row) => ({
        header: row.cells[0].innerText.trim(),
        values: [...row.cells].slice(1).map((cell) => {
          const data = cell.querySelector('data');
          return data === null ? null : Number(data.value);
        }),
      })),
    };
  });
}

/** Clicks one of a few segments, for example `choose(panel, 'form', 'Table')`. */
export async function chooseSegment(panel, name, label) {
  await panel.locator(`label.segment:has(input[name="${name}"])`, { hasText: label }).click();
}
