import { chromium, type Browser } from 'playwright-core';
import { findChromium, quietFlags } from '../../../scripts/vscode/chromium.mjs';

/** The same colours on every machine: pixels are compared with the scale. */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: await findChromium(), headless: true, args: [...quietFlags, '--force-color-profile=srgb'] });
}
