import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { createFormatRegistry } from '../formats';
import { type EngineChoice, EngineUnavailable } from '../linalg';
import { type MeasureSourcesRequest, type MeasureSourcesResult, measureSources, newestCheckpoints, settledProbeData } from '../monitor';
import { inspectTensors } from '../monitor/tensorWatch';
import type { FeatureExtractor } from '../monitor';
import type { ProbeData } from '../protocol';
import type { FileOnDisk } from '../runs';
import { isCandidate } from '../runs/classify';
import { isPartOfRun } from '../runs/conventions';
import { writeProbeData } from '../store';
import type { ProviderChoice } from '../models';
import { type ComputePoolOptions, computeThreadCount, createComputePool } from '../worker';
import { InputError, type Terminal } from './command';
import { onOneLine } from './output';
import { probeDataFor } from './probeDataArguments';
import { kindOfPath, openRun } from './target';

export type MeasureRequest = Omit<MeasureSourcesRequest, 'measurer' | 'signal' | 'onProgress' | 'save' | 'features'> & {
  readonly engine: EngineChoice;
  /** What the model of a run is shown from now on; what is left out is as it was remembered, or the default. */
  readonly probeData?: Partial<ProbeData>;
  /** Default `cpu`. */
  readonly provider?: ProviderChoice;
};

export interface Measured extends MeasureSourcesResult {
  readonly engine: { readonly name: string; readonly version: string };
}

/**
 * Measures what is missing of a run or a probe on compute threads, with progress on the terminal.
 * @throws {InputError} when the target does not exist or the engine cannot be loaded; else as `measureSources`.
 */
export async function measureTarget({ engine, target, probeData = {}, provider = 'cpu', ...request }: MeasureRequest, terminal: Terminal): Promise<Measured> {
  const isFolder = (await kindOfPath(target)) === 'folder';
  if (!isFolder && Object.keys(probeData).length > 0) throw new InputError(`${target}: is a file; images are shown to the models of a run`);
  const save = isFolder || (await liesInRun(path.resolve(target)));
  const measurer = computePool({ engine, modelProvider: provider });
  try {
    const data = isFolder ? await chooseProbeData(path.resolve(target), probeData, measurer, terminal) : null;
    const result = await measureSources({
      ...request,
      ...(data === null ? {} : { features: { data, extractor: measurer, onProgress: (current) => terminal.progress(onOneLine(current)) } }),
      target: path.resolve(target),
      save,
      measurer,
      layersAtOnce: computeThreadCount(0) + 1,
      signal: terminal.signal,
      onProgress: ({ done, total, current }) => terminal.progress(`measured ${String(done)} of ${String(total)}: ${onOneLine(current)}`),
    });
    const { name, version, reason } = await measurer.engineStatus();
    // With nothing left to measure nothing else would tell.
    if (name === 'unavailable' && engine !== 'auto') throw new InputError(reason);
    return { ...result, engine: { name, version } };
  } catch (error) {
    throw error instanceof EngineUnavailable ? new InputError(error.message) : error;
  } finally {
    await measurer.close();
  }
}

/** The bundled compute thread lies beside the bundled command line. */
export function computePool(options: Omit<ComputePoolOptions, 'threadPath'>): ReturnType<typeof createComputePool> {
  return createComputePool({ threadPath: path.join(__dirname, 'computeThread.js'), ...options });
}

/**
 * What the models of a run are shown: as it was remembered, changed by what was asked for. A change is tried out on the newest checkpoint and remembered.
 * @returns null when nobody has said which images
 * @throws {FormatError} naming what cannot be used, and why; {UsageError} when it is not said which images
 */
export async function chooseProbeData(folder: string, asked: Partial<ProbeData>, extractor: FeatureExtractor, terminal: Terminal): Promise<ProbeData | null> {
  const chosen = await probeDataFor(folder, asked);
  if (chosen === null || Object.keys(asked).length === 0) return chosen;
  const newest = await newestOf(folder, terminal);
  const task = { kind: 'check', file: newest?.absolutePath ?? null, path: newest?.path ?? '', folder } as const;
  const data = await settledProbeData(folder, chosen, (tried) => extractor.check({ ...task, data: tried }, terminal.signal));
  terminal.say(`remembered in ${await writeProbeData([path.join(folder, '.layerscope')], data)}`);
  return data;
}

/** The newest checkpoint of a run that holds weights: the state of an optimizer lies beside many a one. */
async function newestOf(folder: string, terminal: Terminal): Promise<FileOnDisk | null> {
  const registry = createFormatRegistry();
  for (const file of newestCheckpoints((await openRun(folder, terminal.signal)).files)) {
    terminal.signal.throwIfAborted();
    const content = await inspectTensors(file, registry, { identify: false }).catch(() => null);
    if (content !== null && content.layers.length > 0) return file;
  }
  return null;
}

/**
 * Whether a probe belongs to a run that is worth keeping records in: other files of a training lie beside it, or records do already.
 * A single file that somebody was sent leaves nothing behind in the folder for downloads.
 */
export async function liesInRun(file: string): Promise<boolean> {
  const registry = createFormatRegistry();
  let folder = path.dirname(file);
  for (;;) {
    const names = await readdir(folder).catch(() => []);
    if (names.some((name) => name === '.layerscope' || (name !== path.basename(file) && isCandidate(name, folder, registry)))) return true;
    if (!isPartOfRun(folder) || path.dirname(folder) === folder) return false;
    folder = path.dirname(folder);
  }
}
