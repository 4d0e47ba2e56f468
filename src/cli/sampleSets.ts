import path from 'node:path';
import { openProbe } from '../runs';

/** A probe by its run's folder and its path there; null when a run has none. */
export interface ProbePlace {
  readonly folder: string;
  readonly source: string | null;
}

/** What identifies the samples of each probe, with their parts and numbers of views; null where that cannot be known. */
export async function sampleSetsOf(places: readonly ProbePlace[], signal: AbortSignal): Promise<(string | null)[]> {
  const sets: (string | null)[] = [];
  for (const { folder, source } of places) {
    signal.throwIfAborted();
    const probe = source === null ? null : await openProbe(path.join(folder, source)).catch(() => null);
    sets.push(probe?.sampleSet() ?? null);
    await probe?.close();
  }
  return sets;
}
