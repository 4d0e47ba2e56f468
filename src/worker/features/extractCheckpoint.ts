import { FormatError } from '../../formats';
import { extractFeatures, ModelSession, ProviderUnavailable, type ModelFeatures, type SessionOptions } from '../../models';
import type { CheckTask, ExtractTask } from '../../monitor';
import { removeOlderFeatures, writeFeatureFile } from '../../store';
import { openFeatureModel, type FeatureModelOfCheckpoint } from './featureModel';
import { openProbeImages, preparationFor, tryFirstImages } from './probeImages';

/** All features of a checkpoint are in memory at once. */
const mostBytes = 2 ** 31;

export interface ExtractOptions {
  readonly session?: SessionOptions;
  /** Throws when the work was cancelled. */
  readonly checkpoint?: () => void;
  readonly onProgress?: (done: number, images: number) => void;
}

/**
 * Runs the model of a checkpoint on the images of the probe data and writes its features as a probe file.
 * @returns the file
 * @throws {FormatError} naming the checkpoint, graph or image that cannot be used, and why; what `checkpoint` throws
 */
export async function extractCheckpoint(task: ExtractTask, options: ExtractOptions = {}): Promise<string> {
  const { checkpoint } = options;
  const model = await openFeatureModel(task.file, task.folder, task.data, { name: task.path, ...(checkpoint === undefined ? {} : { checkpoint }) });
  try {
    if (model.fingerprint !== task.fingerprint) throw new FormatError(task.path, '', 'changed before its model was run');
    checkpoint?.();
    return await writeFirst(task, model, await featuresOf(task, model, options));
  } finally {
    await model.close();
  }
}

/**
 * Whether the model of a checkpoint could be shown the images: opens both, without running the model.
 * @throws {FormatError} naming what cannot be used, and why
 */
export async function checkProbeImages({ file, path, folder, data }: CheckTask, checkpoint?: () => void): Promise<void> {
  const { samples, train } = await openProbeImages(folder, data);
  checkpoint?.();
  if (file === null) {
    await tryFirstImages(samples, null);
    return;
  }
  const model = await openFeatureModel(file, folder, data, { name: path, ...(checkpoint === undefined ? {} : { checkpoint }) });
  try {
    requireMemory(path, model, samples.length * data.views);
    await tryFirstImages(samples, await preparationFor(model.graph, data, train));
  } finally {
    await model.close();
  }
}

async function featuresOf({ path, folder, data }: ExtractTask, model: FeatureModelOfCheckpoint, { session: sessionOptions, checkpoint, onProgress }: ExtractOptions): Promise<ModelFeatures> {
  const { samples, train } = await openProbeImages(folder, data);
  const preparation = await preparationFor(model.graph, data, train);
  requireMemory(path, model, samples.length * data.views);
  checkpoint?.();
  const session = await openSession(path, model, sessionOptions);
  try {
    checkpoint?.();
    return await extractFeatures(session, null, {
      samples, preparation, views: data.views, seed: data.seed,
      ...(checkpoint === undefined ? {} : { checkpoint }), ...(onProgress === undefined ? {} : { onProgress }),
    });
  } catch (error) {
    if (error instanceof RangeError) throw new FormatError(path, '', `its model cannot be run: ${error.message}`);
    throw error;
  } finally {
    await session.close();
  }
}

async function openSession(path: string, model: FeatureModelOfCheckpoint, options: SessionOptions | undefined): Promise<ModelSession> {
  try {
    return await ModelSession.create(model.graph, await model.readWeights(), options);
  } catch (error) {
    if (error instanceof ProviderUnavailable || error instanceof RangeError) throw new FormatError(path, '', `its model cannot be run: ${error.message}`);
    throw error;
  }
}

function requireMemory(path: string, { width }: FeatureModelOfCheckpoint, rows: number): void {
  const bytes = rows * (width ?? 0) * 4;
  if (bytes <= mostBytes) return;
  throw new FormatError(path, '', `its layers are ${width} numbers wide together, which makes ${Math.ceil(bytes / 1e9)} GB of ${rows} rows; choose fewer samples or views`);
}

/** Into the first of the places that can be written. */
async function writeFirst({ path, data, fingerprint, targets }: ExtractTask, { graph, epoch, step }: FeatureModelOfCheckpoint, features: ModelFeatures): Promise<string> {
  const metadata: Record<string, string> = {
    ...(epoch === null ? {} : { epoch: String(epoch) }), ...(step === null ? {} : { step: String(step) }),
    views: String(data.views), extracted_from: path, extracted_from_version: fingerprint, extracted_by: data.graph ?? graph.model, extracted_with: JSON.stringify(data),
  };
  const reasons: string[] = [];
  for (const target of targets) {
    try {
      await writeFeatureFile(target, features, metadata);
      await removeOlderFeatures(target);
      return target;
    } catch (error) {
      reasons.push(`${target}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new FormatError(path, '', `its features cannot be written: ${reasons.join('; ')}`);
}
