import type { TransformerStack } from './architecture';
import type { Parameters } from './parameters';
import { transformerBlocks } from './transformerBlocks';
import { buildEncoder, onEveryImage, positionsOf, slice, type TransformerPlan } from './visionTransformer';

/** How patches are removed: of each image those with the largest noise. */
export interface Masking {
  /** [images, patches] places in the order of their noise, ascending. */
  readonly shuffled: string;
  /** [images, patches] its inverse. */
  readonly restored: string;
  readonly kept: number;
  readonly removed: number;
}

/**
 * As random_masking of facebookresearch/mae: patches are sorted by noise, and the first trunc(patches (1 - ratio)) are kept.
 * @throws {RangeError} when none is kept or none removed
 */
export function maskByNoise({ graph }: Parameters, noise: string, patches: number, ratio: number): Masking {
  const kept = Math.trunc(patches * (1 - ratio));
  if (!(kept >= 1 && kept < patches)) throw new RangeError(`A mask ratio of ${ratio} keeps ${kept} of ${patches} patches; at least one has to stay and one to go.`);
  const order = (values: string) => graph.nodeOf(2, 'TopK', [values, graph.integers([patches])], { axis: 1, largest: 0, sorted: 1 })[1]!;
  const shuffled = order(noise);
  return { shuffled, restored: order(shuffled), kept, removed: patches - kept };
}

/** The decoder's prediction for every patch, [images, patches, pixels of a patch], rows and columns of a patch before its channels. */
export function buildReconstruction(parameters: Parameters, model: TransformerPlan & { readonly decoder: TransformerStack }, images: string, masking: Masking): string {
  const { graph } = parameters;
  const { decoder, patch, grid, channels, epsilon } = model;
  const patches = grid[0] * grid[1];
  const places = graph.reshape(slice(parameters, masking.shuffled, 1, 0, masking.kept), [-1, masking.kept, 1]);
  const { normed, tokens, prefix } = buildEncoder(parameters, model, images, { places, count: masking.kept });
  if (normed === null) throw new RangeError('A masked autoencoder has a norm before its decoder (norm.weight), and this checkpoint has none.');
  const width = decoder.width;
  const embedded = graph.reshape(parameters.linear(normed, 'decoder_embed', model.encoder.width, width, tokens), [-1, tokens, width]);
  const hidden = onEveryImage(parameters, parameters.take('mask_token', [1, 1, width]), images, masking.removed, width);
  const together = graph.node('Concat', [slice(parameters, embedded, 1, prefix, tokens), hidden], { axis: 1 });
  const sorted = graph.node('GatherND', [together, graph.reshape(masking.restored, [-1, patches, 1])], { batch_dims: 1 });
  const sequence = prefix === 0 ? sorted : graph.node('Concat', [slice(parameters, embedded, 1, 0, prefix), sorted], { axis: 1 });
  const placed = graph.node('Add', [sequence, positionsOf(parameters, 'decoder_pos_embed', width, grid, prefix)]);
  const all = prefix + patches;
  const rows = transformerBlocks(parameters, decoder, graph.reshape(placed, [-1, width]), all, epsilon).at(-1)!;
  const pixels = patch[0] * patch[1] * channels;
  const predicted = parameters.linear(parameters.layerNorm(rows, 'decoder_norm', width, epsilon), 'decoder_pred', width, pixels, all);
  return slice(parameters, graph.reshape(predicted, [-1, all, pixels]), 1, prefix, all);
}

/** What is to be predicted, [images, patches, pixels of a patch]; normalised by mean and unbiased variance of each patch when asked (norm_pix_loss). */
export function reconstructionTarget(parameters: Parameters, { patch, grid, channels }: TransformerPlan, images: string, normalise: boolean): string {
  const { graph } = parameters;
  const cut = graph.reshape(images, [-1, channels, grid[0], patch[0], grid[1], patch[1]]);
  const pixels = patch[0] * patch[1] * channels;
  const target = graph.reshape(graph.node('Transpose', [cut], { perm: [0, 2, 4, 3, 5, 1] }), [-1, grid[0] * grid[1], pixels]);
  if (!normalise) return target;
  const axis = graph.integers([-1]);
  const centred = graph.node('Sub', [target, graph.node('ReduceMean', [target, axis])]);
  const variance = graph.node('Div', [graph.node('ReduceSumSquare', [centred, axis]), graph.number(pixels - 1)]);
  return graph.node('Div', [centred, graph.node('Sqrt', [graph.node('Add', [variance, graph.number(1e-6)])])]);
}

/** Mean squared distance on the removed patches, one number an image. All images have as many removed, so that its mean is MAE's loss. */
export function distanceOnRemoved({ graph }: Parameters, predicted: string, target: string, masking: Masking): string {
  const difference = graph.node('Sub', [predicted, target]);
  const distances = graph.node('ReduceMean', [graph.node('Mul', [difference, difference]), graph.integers([-1])], { keepdims: 0 });
  const isRemoved = graph.node('GreaterOrEqual', [masking.restored, graph.integers([masking.kept])]);
  const masked = graph.node('Mul', [distances, graph.node('Cast', [isRemoved], { to: 1 })]);
  return graph.node('Div', [graph.node('ReduceSum', [masked, graph.integers([1])], { keepdims: 0 }), graph.number(masking.removed)]);
}
