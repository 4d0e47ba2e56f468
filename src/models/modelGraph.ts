import type { Architecture, LossRequest, TokenPooling, VisionTransformer } from './architecture';
import { teacherPrefix } from './describeModel';
import { GraphBuilder, type FinishedGraph, type WeightMode } from './graphBuilder';
import { buildLayers, layerNamed, pooled, type LayerValue } from './layerValues';
import { buildReconstruction, distanceOnRemoved, maskByNoise, reconstructionTarget } from './maskedAutoencoder';
import { createParameterLog, Parameters, type StateShapes } from './parameters';

export interface GraphRequest {
  /** Layers whose pooled features are outputs, each under its name, [images, width], shallow to deep. Default: none. */
  readonly features?: readonly string[];
  /** What stands for a layer's tokens. Default `patch_mean`, as the companion records. */
  readonly pooling?: TokenPooling;
  /** Adds the output `loss`, one number an image, whose mean is the loss of the batch. Default: none. */
  readonly loss?: LossRequest;
  /** Default `initialisers`: faster where there are convolutions, but a session holds one set of weights. `inputs`: weights come with each run. */
  readonly weights?: WeightMode;
}

/** A graph that can be run, with what it needs. */
export interface ModelGraph extends FinishedGraph {
  readonly model: string;
  readonly weightMode: WeightMode;
  /** Shape of one image as the graph takes it; null where any size will do. */
  readonly image: { readonly channels: number; readonly size: readonly [number, number] | null };
  /** Images in every batch, where the graph has fixed that. */
  readonly batch: number | null;
  /** Patches of an image, which is how many noise numbers it needs; 0 where none are needed. */
  readonly noise: number;
}

/**
 * The ONNX model of an architecture. Inputs: `images` [images, channels, height, width], normalised; `noise` [images, patches] in [0, 1) for losses with a mask;
 * `labels` [images] int64 for cross-entropy; and the weights by name, when they are inputs.
 * @throws {RangeError} when a layer or loss is asked for that the model does not have, or an option is out of range
 */
export function buildGraph(model: Architecture, request: GraphRequest): ModelGraph {
  const { features = [], pooling = 'patch_mean', loss, weights = 'initialisers' } = request;
  if (features.length === 0 && loss === undefined) throw new RangeError('A graph needs at least one output: features of a layer, or a loss.');
  const graph = new GraphBuilder();
  const log = createParameterLog();
  const parameters = new Parameters(graph, shapesOf(model, ''), log);
  const images = graph.input('images', 'float32', ['images', model.channels, ...(model.imageSize ?? ['height', 'width'])]);
  const layers = buildLayers(parameters, model, images);
  const wanted = new Set(features.map((name) => layerNamed(layers, name, model)));
  for (const layer of layers.filter((each) => wanted.has(each))) {
    graph.output(layer.name, pooled(parameters, layer, pooling), ['images', layer.width]);
  }
  if (loss !== undefined) {
    if (!model.losses.includes(loss.kind)) throw new RangeError(`${model.label} has no loss of the kind ${loss.kind}; it has ${model.losses.join(', ')}.`);
    graph.output('loss', buildLoss(parameters, model, layers, images, loss), ['images']);
  }
  const finished = graph.finish(model.family, weights);
  const patches = model.family === 'vision-transformer' ? model.grid[0] * model.grid[1] : 0;
  const noise = finished.inputs.includes('noise') ? patches : 0;
  return { ...finished, model: model.label, weightMode: weights, batch: null, image: { channels: model.channels, size: model.imageSize }, noise };
}

function shapesOf(model: Architecture, prefix: string): StateShapes {
  const own = model.parameters.filter(({ name }) => name.startsWith(teacherPrefix) === (prefix !== ''));
  return new Map(own.map(({ name, shape, tensor }) => [name.slice(prefix.length), { shape, tensor }]));
}

function buildLoss(parameters: Parameters, model: Architecture, layers: readonly LayerValue[], images: string, loss: LossRequest): string {
  const { graph } = parameters;
  switch (loss.kind) {
    case 'cross-entropy': {
      const scores = layers.find(({ isClassifier }) => isClassifier)!.value;
      const labels = graph.input('labels', 'int64', ['images']);
      return graph.node('SoftmaxCrossEntropyLoss', [scores, labels], { reduction: 'none' });
    }
    case 'contrastive': {
      const layer = loss.layer === undefined ? layers.filter(({ isClassifier }) => !isClassifier).at(-1)! : layerNamed(layers, loss.layer, model);
      return contrastive(parameters, pooled(parameters, layer, layer.prefix > 0 ? 'cls' : 'mean'), loss.temperature ?? 0.2);
    }
    default:
      return reconstruction(parameters, model as VisionTransformer, images, loss);
  }
}

function reconstruction(parameters: Parameters, model: VisionTransformer, images: string, loss: Extract<LossRequest, { readonly maskRatio?: number }>): string {
  const { graph } = parameters;
  const patches = model.grid[0] * model.grid[1];
  const plan = { ...model, decoder: model.decoder! };
  const noise = graph.input('noise', 'float32', ['images', patches]);
  const masking = maskByNoise(parameters, noise, patches, loss.maskRatio ?? 0.75);
  const predicted = buildReconstruction(parameters, plan, images, masking);
  const own = distanceOnRemoved(parameters, predicted, reconstructionTarget(parameters, model, images, loss.normalisePixels ?? false), masking);
  if (loss.kind === 'reconstruction') return own;
  const teacher = new Parameters(graph, shapesOf(model, teacherPrefix), createParameterLog(), teacherPrefix);
  const consistency = distanceOnRemoved(parameters, predicted, buildReconstruction(teacher, plan, images, masking), masking);
  return graph.node('Add', [own, graph.node('Mul', [consistency, graph.number(loss.gamma ?? 1)])]);
}

/** NT-Xent (Chen et al. 2020): -log of the share that the other view of the same image has among all other views of the batch. */
function contrastive({ graph }: Parameters, vectors: string, temperature: number): string {
  if (!(temperature > 0)) throw new RangeError(`A temperature is positive, not ${temperature}.`);
  const lengths = graph.node('Max', [graph.node('ReduceL2', [vectors, graph.integers([1])]), graph.number(1e-12)]);
  const rows = graph.node('Div', [vectors, lengths]);
  const [first, second] = graph.nodeOf(2, 'Split', [rows], { axis: 0, num_outputs: 2 }) as [string, string];
  const others = graph.node('Concat', [second, first], { axis: 0 });
  const scaled = (values: string) => graph.node('Div', [values, graph.number(temperature)]);
  const similarity = scaled(graph.node('MatMul', [rows, graph.node('Transpose', [rows], { perm: [1, 0] })]));
  // A view is not compared with itself.
  const itself = graph.node('Mul', [graph.node('EyeLike', [similarity]), graph.number(1e9)]);
  const all = graph.node('ReduceLogSumExp', [graph.node('Sub', [similarity, itself]), graph.integers([1])], { keepdims: 0 });
  const own = scaled(graph.node('ReduceSum', [graph.node('Mul', [rows, others]), graph.integers([1])], { keepdims: 0 }));
  return graph.node('Sub', [all, own]);
}
