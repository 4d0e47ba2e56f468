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

/** Folds the Runs tree away (or opens it), so that Layer health has the height of the window. */
export async function setRunsTree(page, open) {
  const header = page.locator('.part.sidebar .pane-header', { hasText: 'Runs' }).first();
  await header.waitFor();
  if ((await header.getAttribute('aria-expanded')) !== String(open)) await header.click();
}

/** The document of the Layer health view. VS Code nests a webview's page in two frames. */
export function panelFrame(page) {
  return page.frameLocator('iframe.webview').frameLocator('#active-frame');
}

/** Waits until the panel shows a run of which everything is measured, and nothing is being measured any more. */
export async function waitForMeasurements(page, limit = 600_000) {
  const panel = panelFrame(page);
  try {
    await within(settled(panel), limit, 'measuring the sample runs');
  } catch (error) {
    const words = await within(panel.locator('main').innerText(), 3000, 'reading the panel').catch((reason) => `nothing (${reason.message.split('\n')[0]})`);
    throw new Error(`${error.message}; the panel says: ${words.replace(/\s+/g, ' ').slice(0, 600)}`, { cause: error });
  }
  return panel;
}

async function settled(panel) {
  const measured = panel.locator('.freshness', { hasText: /All \d+ checkpoints measured/ });
  for (let quiet = 0; quiet < 3; ) {
    const done = (await count(measured)) > 0 && (await count(panel.locator('progress'))) === 0;
    quiet = done ? quiet + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** While VS Code loads or reloads the frame there is nothing to count. */
function count(locator) {
  return locator.count().catch(() => 0);
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
