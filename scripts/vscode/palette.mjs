/**
 * Runs a command from the palette, as a person would who looks: again where it was closed by something that took the focus,
 * and Enter only once the command is the marked row. A webview takes the focus back a moment after the last question was closed.
 * @param title as the palette shows it.
 * @param options.limit milliseconds after which a failure is told.
 */
export async function runCommand(page, title, { limit = 30_000 } = {}) {
  const palette = page.locator('.quick-input-widget:visible');
  const input = palette.locator('input.input');
  const timeout = 3_000;
  const end = Date.now() + limit;
  await palette.waitFor({ state: 'hidden', timeout: limit });
  for (;;) {
    // Out of the pages of webviews, which keep keys for themselves.
    await page.locator('.part.sidebar .composite.title').click();
    await page.keyboard.press('F1');
    try {
      await input.fill(`>${title}`, { timeout });
      await palette.locator('.monaco-list-row.focused', { hasText: title }).waitFor({ timeout });
      await input.press('Enter', { timeout });
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}
