import type { ModelLayer, TokenPooling } from './architecture';
import type { Parameters } from './parameters';
import { buildResidualNetwork, type ResidualPlan } from './residualNetwork';
import { buildEncoder, slice, type TransformerPlan } from './visionTransformer';

/** A layer with the value that holds its output in a graph. */
export interface LayerValue extends ModelLayer {
  readonly value: string;
  /** Of tokens: how many there are, and how many come before those of the patches. */
  readonly tokens: number;
  readonly prefix: number;
  /** Its outputs are scores of classes. */
  readonly isClassifier: boolean;
}

/** Builds the model on whole images. @returns its layers, shallow to deep */
export function buildLayers(parameters: Parameters, model: TransformerPlan | ResidualPlan, images: string): LayerValue[] {
  return model.family === 'vision-transformer' ? transformerLayers(parameters, model, images) : residualLayers(parameters, model, images);
}

function transformerLayers(parameters: Parameters, model: TransformerPlan, images: string): LayerValue[] {
  const { width } = model.encoder;
  const { blocks, normed, tokens, prefix } = buildEncoder(parameters, model, images, null);
  const sequence = { kind: 'tokens', width, tokens, prefix, isClassifier: false } as const;
  const layers: LayerValue[] = blocks.map((value, index) => ({ ...sequence, name: `${model.encoder.prefix}.${index}`, value }));
  const last = layers.at(-1)!;
  if (normed !== null) layers.push({ ...sequence, name: 'norm', value: normed });
  let vector = pooled(parameters, layers.at(-1)!, normed !== null && model.prefixTokens.includes('cls_token') ? 'cls' : 'patch_mean');
  if (normed === null) {
    vector = parameters.layerNorm(pooled(parameters, last, 'patch_mean'), 'fc_norm', width, model.epsilon);
    layers.push(vectorLayer('fc_norm', vector, width, false));
  }
  const classes = parameters.sizeOf('head.weight', 0);
  if (classes !== null) layers.push(vectorLayer('head', parameters.linear(vector, 'head', width, classes, 1), classes, true));
  return layers;
}

function residualLayers(parameters: Parameters, model: ResidualPlan, images: string): LayerValue[] {
  const { blocks } = buildResidualNetwork(parameters, model, images);
  const map = { kind: 'map', tokens: 1, prefix: 0, isClassifier: false } as const;
  const layers: LayerValue[] = blocks.map((block) => ({ ...map, ...block }));
  const last = layers.at(-1)!;
  const vector = pooled(parameters, last, 'mean');
  layers.push(vectorLayer('avgpool', vector, last.width, false));
  const classes = parameters.sizeOf('fc.weight', 0);
  if (classes !== null) layers.push(vectorLayer('fc', parameters.linear(vector, 'fc', last.width, classes, 1), classes, true));
  // MoCo v2: linear, ReLU, linear.
  const [hidden, outputs] = [parameters.sizeOf('fc.0.weight', 0), parameters.sizeOf('fc.2.weight', 0)];
  if (hidden !== null && outputs !== null) {
    const first = parameters.linear(vector, 'fc.0', last.width, hidden, 1);
    const second = parameters.linear(parameters.graph.node('Relu', [first]), 'fc.2', hidden, outputs, 1);
    layers.push(vectorLayer('fc.0', first, hidden, false), vectorLayer('fc.2', second, outputs, false));
  }
  return layers;
}

function vectorLayer(name: string, value: string, width: number, isClassifier: boolean): LayerValue {
  return { name, value, width, kind: 'vector', tokens: 1, prefix: 0, isClassifier };
}

/**
 * One vector an image, [images, width]: the mean over positions of a map, of tokens what is asked for.
 * @throws {RangeError} when the class token is asked for and there is none
 */
export function pooled(parameters: Parameters, layer: LayerValue, pooling: TokenPooling): string {
  const { graph } = parameters;
  if (layer.kind === 'vector') return layer.value;
  if (layer.kind === 'map') return graph.node('ReduceMean', [layer.value, graph.integers([2, 3])], { keepdims: 0 });
  const sequence = graph.reshape(layer.value, [-1, layer.tokens, layer.width]);
  if (pooling === 'cls') {
    if (layer.prefix === 0) throw new RangeError(`The features of ${layer.name} cannot be those of the class token: the model has none.`);
    return graph.reshape(slice(parameters, sequence, 1, 0, 1), [-1, layer.width]);
  }
  const from = pooling === 'patch_mean' && layer.prefix < layer.tokens ? layer.prefix : 0;
  const taken = from === 0 ? sequence : slice(parameters, sequence, 1, from, layer.tokens);
  return graph.node('ReduceMean', [taken, graph.integers([1])], { keepdims: 0 });
}

/** The layer of this name. @throws {RangeError} listing those there are */
export function layerNamed<Layer extends { readonly name: string }>(layers: readonly Layer[], name: string, model: { readonly label: string }): Layer {
  const found = layers.find((layer) => layer.name === name);
  if (found === undefined) throw new RangeError(`${model.label} has no layer ${name}; it has ${layers.map((layer) => layer.name).join(', ')}.`);
  return found;
}
