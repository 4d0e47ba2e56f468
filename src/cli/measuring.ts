import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { createFormatRegistry } from '../formats';
import { type EngineChoice, EngineUnavailable } from '../linalg';
import { type MeasureSourcesRequest, type MeasureSourcesResult, measureSources } from '../monitor';
import { isCandidate } from '../runs/classify';
import { isPartOfRun } from '../runs/conventions';
import { createComputePool } from '../worker';
import { InputError, type Terminal } from './command';
import { onOneLine } from './output';
import { kindOfPath } from './target';

export type MeasureRequest = Omit<MeasureSourcesRequest, 'measurer' | 'signal' | 'onProgress' | 'save'> & {
  readonly engine: EngineChoice;
};

export interface Measured extends MeasureSourcesResult {
  readonly engine: { readonly name: string; readonly version: string };
}

/**
 * Measures what is missing of a run or a probe on compute threads, with progress on the terminal.
 * @throws {InputError} when the target does not exist or the engine cannot be loaded; else as `measureSources`.
 */
export async function measureTarget({ engine, target, ...request }: MeasureRequest, terminal: Terminal): Promise<Measured> {
  const save = (await kindOfPath(target)) === 'folder' || (await liesInRun(path.resolve(target)));
  // The bundled compute thread lies beside the bundled command line.
  const measurer = createComputePool({ threadPath: path.join(__dirname, 'computeThread.js'), engine });
  try {
    const result = await measureSources({
      ...request,
      target: path.resolve(target),
      save,
      measurer,
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
