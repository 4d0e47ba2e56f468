/** Path of a Chromium that runs; installs one, visibly, when the machine has none. LAYERSCOPE_CHROMIUM names one and wins. */
export function findChromium(log?: (line: string) => void): Promise<string>;
export const quietFlags: readonly string[];
