import path from 'node:path';
import { createFormatRegistry, FormatError, openTensors, type OpenedTensors } from '../../formats';
import {
  buildExportedGraph, buildGraph, chosenLayers, chosenModules, describeModel, matchExport, ModelMismatch, readExport, readWeights,
  type DescribeOptions, type ModelGraph, type ModelParameter, type Weights,
} from '../../models';
import type { ProbeData } from '../../protocol';
import { checkpointOf, fingerprintOfFiles } from '../../runs';

/** The model of a checkpoint with a graph that gives its features. */
export interface FeatureModelOfCheckpoint {
  /** With weights as constants, and one output a layer. */
  readonly graph: ModelGraph;
  /** Numbers a row of all layers together, where that is known before the model is run. */
  readonly width: number | null;
  /** Of the checkpoint's content. */
  readonly fingerprint: string;
  readonly epoch: number | null;
  readonly step: number | null;
  /** What had to be assumed. */
  readonly warnings: readonly string[];
  /** @throws {FormatError} when a tensor cannot be read */
  readWeights(): Promise<Weights>;
  close(): Promise<void>;
}

export interface OpenFeatureModelOptions {
  /** Name of the checkpoint in messages. Default: its path. */
  readonly name?: string;
  readonly checkpoint?: () => void;
}

/**
 * Opens a checkpoint and finds out how its features are computed: built from the names of its tensors, or by the exported graph of the probe data.
 * @param folder from which relative paths in `data` lead on
 * @throws {FormatError} naming the file that cannot be read, or does not fit, and why
 */
export async function openFeatureModel(file: string, folder: string, data: ProbeData, options: OpenFeatureModelOptions = {}): Promise<FeatureModelOfCheckpoint> {
  const { name = file, checkpoint } = options;
  const opened = await openTensors(file, createFormatRegistry(), { name, ...(checkpoint === undefined ? {} : { checkpoint }) });
  try {
    const fingerprint = await fingerprintOfFiles(opened.source, opened.siblings());
    const { epoch, step } = checkpointOf(opened.file, name);
    const { parameters, ...plan } = data.graph === null ? builtIn(opened, data) : await fromExport(opened, path.resolve(folder, data.graph), data, checkpoint);
    return {
      ...plan, fingerprint, epoch, step,
      readWeights: () => readWeights(opened.file, parameters, plan.graph.weights, checkpoint === undefined ? {} : { checkpoint }),
      close: opened.close,
    };
  } catch (error) {
    await opened.close();
    throw error instanceof ModelMismatch || error instanceof RangeError ? new FormatError(name, '', `its model cannot be run: ${error.message}`) : error;
  }
}

interface Plan extends Pick<FeatureModelOfCheckpoint, 'graph' | 'width' | 'warnings'> {
  readonly parameters: readonly ModelParameter[];
}

function builtIn({ file }: OpenedTensors, data: ProbeData): Plan {
  const model = describeModel(file.tensors, describeOptions(data));
  const features = chosenLayers(model);
  const width = model.layers.reduce((sum, layer) => sum + (features.includes(layer.name) ? layer.width : 0), 0);
  return { graph: buildGraph(model, { features }), width, warnings: model.warnings, parameters: model.parameters };
}

async function fromExport(checkpointFile: OpenedTensors, graphFile: string, data: ProbeData, checkpoint: (() => void) | undefined): Promise<Plan> {
  const exported = await openTensors(graphFile, createFormatRegistry(), checkpoint === undefined ? {} : { checkpoint });
  try {
    if (exported.format.id !== 'onnx') throw new FormatError(graphFile, '', `is a ${exported.format.label} file; the graph of a model is an ONNX export`);
    const model = await readExport(exported.source, exported.file);
    const features = chosenModules(model);
    if (features.length === 0) throw new FormatError(graphFile, '', 'names no module whose output could be taken');
    if (model.otherInputs.length > 0) throw new FormatError(graphFile, '', `takes ${model.otherInputs.join(' and ')} beside images; features come from an export that takes images alone`);
    const parameters = matchExport(model, checkpointFile.file, data.role ?? undefined);
    return { graph: await buildExportedGraph(model, exported.file, { features }), width: null, warnings: [], parameters };
  } finally {
    await exported.close();
  }
}

function describeOptions({ heads, decoderHeads, imageSize, role }: ProbeData): DescribeOptions {
  return {
    ...(heads === null ? {} : { heads }), ...(decoderHeads === null ? {} : { decoderHeads }),
    ...(imageSize === null ? {} : { imageSize: [imageSize, imageSize] as const }), ...(role === null ? {} : { role }),
  };
}
