import { createFormatRegistry, FormatError, openTensors, type OpenedTensors } from '../../formats';
import {
  buildExportedGraph, buildGraph, describeModel, findParameters, matchExport, ModelMismatch, readExport, readWeights,
  type Architecture, type DescribeOptions, type ExportedModel, type LossKind, type LossRequest, type ModelGraph, type ModelParameter, type Weights,
} from '../../models';
import { checkpointOf, fingerprintOfFiles } from '../../runs';

/** Losses of known models, as they are called in records and on the command line. */
export const kinds: Readonly<Record<string, LossKind>> = {
  mae: 'reconstruction', rc_mae: 'reconstruction-consistency', cross_entropy: 'cross-entropy', info_nce: 'contrastive',
};

export interface ModelOptions {
  /** Absolute path of an ONNX export; without one the model is built from the names of the checkpoint's tensors. */
  readonly graph?: string;
  /** `mae`, `rc_mae`, `cross_entropy`, `info_nce`, or an output of the export. Default: the first of these that the model has, of an export the output `loss`. */
  readonly loss?: string;
  /** Share of removed patches. Default 0.75. */
  readonly maskRatio?: number;
  /** MAE's norm_pix_loss. Default false. */
  readonly normalisePixels?: boolean;
  /** What names and shapes leave open. */
  readonly describe?: DescribeOptions;
}

/** A checkpoint whose loss can be computed, opened. */
export interface LandscapeModel {
  /** Absolute path. */
  readonly file: string;
  /** Of its content. */
  readonly version: string;
  readonly epoch: number | null;
  readonly step: number | null;
  readonly label: string;
  /** As in records. */
  readonly loss: string;
  readonly options: Readonly<Record<string, number | string | boolean>>;
  /** With weights as inputs and one output, `loss`. */
  readonly graph: ModelGraph;
  /** Number of classes, where they are known. */
  readonly classes: number | null;
  readonly warnings: readonly string[];
  /** @throws {FormatError} when a tensor cannot be read */
  read(only?: string, checkpoint?: () => void): Promise<Weights>;
  close(): Promise<void>;
}

/**
 * Opens checkpoints with one graph for those that are of one model: the graph of the first serves the others when they fit it.
 * @param isOneModel whether all have to fit the graph of the last one, as they do on a line and in a trajectory
 * @throws {FormatError} naming the file that cannot be read, or does not fit, and why
 */
export async function openModels(files: readonly string[], options: ModelOptions, isOneModel: boolean): Promise<LandscapeModel[]> {
  const opened: LandscapeModel[] = [];
  const exported = options.graph === undefined ? null : await openExport(options.graph);
  try {
    const make = exported === null ? builtIn(options) : fromExport(options, exported);
    let shared: Plan | null = null;
    for (const file of isOneModel ? [...files].reverse() : files) {
      const model: Opened = await openModel(file, make, isOneModel ? shared : null);
      if (isOneModel) shared = model.plan;
      opened.push(model);
    }
    return isOneModel ? opened.reverse() : opened;
  } catch (error) {
    await Promise.all(opened.map((model) => model.close()));
    throw error;
  } finally {
    await exported?.file.close();
  }
}

/** How the models of one graph are made. */
interface Plan extends Pick<LandscapeModel, 'label' | 'loss' | 'options' | 'graph' | 'classes' | 'warnings'> {
  find(file: OpenedTensors): readonly ModelParameter[];
}

interface Opened extends LandscapeModel {
  readonly plan: Plan;
}

type MakePlan = (file: OpenedTensors) => Promise<Plan>;

async function openModel(file: string, make: MakePlan, shared: Plan | null): Promise<Opened> {
  const opened = await openTensors(file, createFormatRegistry());
  try {
    const version = await fingerprintOfFiles(opened.source, opened.siblings());
    const { epoch, step } = checkpointOf(opened.file, file);
    const plan = shared ?? (await make(opened));
    const parameters = plan.find(opened);
    const { label, loss, options, graph, classes, warnings } = plan;
    return {
      plan, file, version, epoch, step, label, loss, options, graph, classes, warnings,
      read: (only, checkpoint) =>
        readWeights(opened.file, parameters, only === undefined ? graph.weights : { has: (name) => name === only }, checkpoint === undefined ? {} : { checkpoint }),
      close: opened.close,
    };
  } catch (error) {
    await opened.close();
    throw error instanceof ModelMismatch || error instanceof RangeError ? new FormatError(file, '', `cannot be run: ${error.message}`, { cause: error }) : error;
  }
}

function builtIn({ loss, maskRatio = 0.75, normalisePixels = false, describe }: ModelOptions): MakePlan {
  const wanted = loss === undefined ? null : kinds[loss];
  if (wanted === undefined) throw new RangeError(`There is no loss ${JSON.stringify(loss)} without an exported graph; there are ${Object.keys(kinds).join(', ')}.`);
  return async ({ file }) => {
    const model = describeModel(file.tensors, describe);
    const kind = wanted ?? model.losses[0]!;
    const name = Object.keys(kinds).find((each) => kinds[each] === kind)!;
    if (!model.losses.includes(kind)) {
      const known = Object.keys(kinds).filter((each) => model.losses.includes(kinds[each]!));
      throw new RangeError(`${model.label} has no loss ${name}; it has ${known.join(', ')}.`);
    }
    const isMasked = kind === 'reconstruction' || kind === 'reconstruction-consistency';
    const request: LossRequest = isMasked ? { kind, maskRatio, normalisePixels } : { kind };
    return {
      label: model.label,
      loss: name,
      options: isMasked ? { maskRatio, normalisePixels } : kind === 'contrastive' ? { temperature: 0.2 } : {},
      graph: buildGraph(model, { loss: request, weights: 'inputs' }),
      classes: classesOf(model, kind),
      warnings: model.warnings,
      find: (opened) => findParameters(model, opened.file),
    };
  };
}

function classesOf(model: Architecture, kind: LossKind): number | null {
  return kind === 'cross-entropy' ? (model.layers.at(-1)?.width ?? null) : null;
}

export interface OpenedExport {
  readonly model: ExportedModel;
  readonly file: OpenedTensors;
}

export async function openExport(graph: string): Promise<OpenedExport> {
  const file = await openTensors(graph, createFormatRegistry());
  try {
    if (file.format.id !== 'onnx') throw new FormatError(graph, '', `is a ${file.format.label} file; the graph of a model is an ONNX export`);
    return { model: await readExport(file.source, file.file), file };
  } catch (error) {
    await file.close();
    throw error;
  }
}

function fromExport({ loss = 'loss', describe }: ModelOptions, { model, file }: OpenedExport): MakePlan {
  return async () => ({
    label: model.label,
    loss,
    options: {},
    graph: await buildExportedGraph(model, file.file, { loss, weights: 'inputs' }),
    classes: null,
    warnings: [],
    find: (opened) => matchExport(model, opened.file, describe?.role),
  });
}
