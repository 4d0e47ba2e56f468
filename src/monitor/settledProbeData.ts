import { FormatError } from '../formats';
import type { ProbeData } from '../protocol';
import { completeFromConfig, readRunConfig } from '../runs';

/**
 * Probe data as they can be used: what was left open is taken from the configuration beside the run, where the model takes it from there.
 * @param check throws a {FormatError} where the model cannot be shown the images
 * @throws {FormatError} naming what cannot be used, and why
 */
export async function settledProbeData(folder: string, data: ProbeData, check: (data: ProbeData) => Promise<void>): Promise<ProbeData> {
  const completed = completeFromConfig(data, await readRunConfig(folder));
  if (JSON.stringify(completed) !== JSON.stringify(data)) {
    try {
      await check(completed);
      return completed;
    } catch (error) {
      // A configuration may speak of another model, say of its teacher or of a dataset with more channels.
      if (!(error instanceof FormatError)) throw error;
    }
  }
  await check(data);
  return data;
}
