import path from 'node:path';
import { FormatError, type FormatRegistry } from '../formats';
import type { FileProblem, ProbeData } from '../protocol';
import type { FileOnDisk, RunOnDisk } from '../runs';
import { isShard } from '../runs';
import { featurePath, findFeatureFile } from '../store';
import type { FeatureExtractor } from './featureExtractor';
import { toProbeFile } from './modelFeatures';
import { withoutProbes } from './moments';
import { inspectTensors } from './tensorWatch';

export interface ExtractMissingRequest {
  readonly run: Pick<RunOnDisk, 'folder' | 'files'>;
  readonly data: ProbeData;
  readonly extractor: FeatureExtractor;
  readonly registry: FormatRegistry;
  /** Absolute paths of checkpoints to take, whether a probe was recorded at them or not. Default: all that no probe was recorded at. */
  readonly only?: readonly string[];
  /** Take features also where they are there already. Default false. */
  readonly again?: boolean;
  /** Where features of a checkpoint go, absolute. Default: into the results of the run. */
  readonly targetOf?: (checkpoint: string) => string;
  readonly signal: AbortSignal;
  /** What is being done, in words. */
  readonly onProgress?: (current: string) => void;
}

/** Features of a checkpoint. */
export interface Extracted {
  /** Path relative to the run. */
  readonly checkpoint: string;
  /** The features as a probe of the run. */
  readonly probe: FileOnDisk;
  /** Whether they were taken now, and not there before. */
  readonly isNew: boolean;
}

export interface ExtractMissingResult {
  /** In order of their checkpoints' paths. */
  readonly extracted: readonly Extracted[];
  readonly problems: readonly FileProblem[];
}

/**
 * Has the models of checkpoints run where no probe was recorded, one after the other. A checkpoint that cannot be used becomes a problem, unless it was named; images or a
 * graph that cannot be used would stop all of them.
 * @throws {FormatError} when images or graph cannot be used; an AbortError when `signal` is aborted (finished features stay)
 */
export async function extractMissing(request: ExtractMissingRequest): Promise<ExtractMissingResult> {
  const { run, data, extractor, registry, only, again = false, targetOf, signal, onProgress } = request;
  const results = path.join(run.folder, '.layerscope');
  const problems: FileProblem[] = [];
  const inspect = async (file: FileOnDisk) => {
    signal.throwIfAborted();
    try {
      return [{ ...(await inspectTensors(file, registry)), path: file.path, file: file.absolutePath }];
    } catch (error) {
      if (!(error instanceof FormatError) || only !== undefined) throw error;
      return [];
    }
  };
  const checkpoints = [];
  const probes = [];
  for (const file of run.files) {
    if (file.kind === 'probe' && only === undefined) probes.push((await inspect(file))[0] ?? file);
    const isAsked = only === undefined ? file.formatId !== null && !isShard(file.path) : only.includes(file.absolutePath);
    if (file.kind === 'checkpoint' && isAsked) checkpoints.push(...(await inspect(file)));
  }
  const wanted = only === undefined ? withoutProbes(checkpoints, probes) : checkpoints;
  const extracted: Extracted[] = [];
  for (const [place, checkpoint] of wanted.entries()) {
    const { fingerprint } = checkpoint;
    const relativePath = featurePath(checkpoint.path, fingerprint, data);
    const target = targetOf?.(checkpoint.path) ?? path.join(results, relativePath);
    const known = again || targetOf !== undefined ? null : await findFeatureFile([results], relativePath);
    const title = `features of ${checkpoint.path}${wanted.length > 1 ? ` (${place + 1} of ${wanted.length})` : ''}`;
    if (known === null) onProgress?.(title);
    try {
      if (known === null) {
        const task = { kind: 'extract', file: checkpoint.file, path: checkpoint.path, folder: run.folder, data, fingerprint, targets: [target] } as const;
        await extractor.extract(task, signal, (done, images) => onProgress?.(`${title}: ${done} of ${images} images`));
      }
    } catch (error) {
      // Files of the run go by relative paths; images and graphs by whole ones, and no other checkpoint would fare better with them.
      if (!(error instanceof FormatError) || path.isAbsolute(error.file) || only !== undefined) throw error;
      problems.push({ file: error.file, place: error.place, reason: error.reason, severity: 'error' });
      continue;
    }
    const written = known ?? (await findFeatureFile([path.dirname(target)], path.basename(target)));
    if (written !== null) extracted.push({ checkpoint: checkpoint.path, probe: toProbeFile(checkpoint, relativePath, written), isNew: known === null });
  }
  return { extracted, problems };
}
