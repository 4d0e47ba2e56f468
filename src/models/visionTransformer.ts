import { OpenQuestion, type DescribeOptions, type TransformerStack, type VisionTransformer } from './architecture';
import type { Parameters, StateShapes } from './parameters';
import { sineCosinePositions } from './positions';
import { transformerBlocks } from './transformerBlocks';

/** timm, MAE and DINO; DeiT's distillation token; registers of timm and of DINOv2. */
const tokenNames = ['cls_token', 'dist_token', 'reg_token', 'register_tokens'] as const;

/** What follows from names and shapes, before the graph is tried. */
export type TransformerPlan = Pick<
  VisionTransformer,
  'family' | 'channels' | 'imageSize' | 'patch' | 'grid' | 'encoder' | 'prefixTokens' | 'placedTokens' | 'decoder' | 'epsilon' | 'warnings'
>;

export function isVisionTransformer(shapes: StateShapes): boolean {
  return shapes.get('patch_embed.proj.weight')?.shape.length === 4 && shapes.has('blocks.0.norm1.weight');
}

/** @throws {RangeError} naming the option that has to say what the shapes leave open. */
export function planVisionTransformer(shapes: StateShapes, options: DescribeOptions): TransformerPlan {
  const [width, channels, down, across] = shapes.get('patch_embed.proj.weight')!.shape as [number, number, number, number];
  const warnings: string[] = [];
  const prefixTokens = tokenNames.filter((name) => shapes.has(name));
  const prefixCount = prefixTokens.reduce((sum, name) => sum + tokensIn(shapes, name), 0);
  const positions = shapes.get('pos_embed')?.shape.at(-2) ?? null;
  if (positions === null) warnings.push('The checkpoint holds no positions (pos_embed): the fixed sine-cosine positions of MAE are taken.');
  const { grid, placed } = gridOf(positions, prefixCount, shapes.has('cls_token') ? 1 : 0, [down, across], options.imageSize);
  const encoder = stackOf(shapes, 'blocks', width, options.heads, 64, 'heads', warnings);
  const decoderWidth = shapes.get('decoder_embed.weight')?.shape[0];
  const decoder =
    decoderWidth === undefined ? null : stackOf(shapes, 'decoder_blocks', decoderWidth, options.decoderHeads, 32, 'decoderHeads', warnings);
  return {
    family: 'vision-transformer',
    channels,
    imageSize: [grid[0] * down, grid[1] * across],
    patch: [down, across],
    grid,
    encoder,
    prefixTokens,
    placedTokens: placed,
    decoder,
    epsilon: options.epsilon ?? 1e-6,
    warnings,
  };
}

function tokensIn(shapes: StateShapes, name: string): number {
  return shapes.get(name)?.shape.at(-2) ?? 1;
}

/** Patches down and across, and how many of the tokens before them have a position. */
function gridOf(
  positions: number | null, prefix: number, classTokens: number, patch: readonly [number, number], imageSize: readonly [number, number] | undefined,
) {
  if (imageSize !== undefined) {
    const grid = [imageSize[0] / patch[0], imageSize[1] / patch[1]] as const;
    if (!grid.every(Number.isInteger)) throw new RangeError(`An image of ${imageSize.join(' x ')} is not a whole number of patches of ${patch.join(' x ')}.`);
    const placed = positions === null ? prefix : positions - grid[0] * grid[1];
    if (![prefix, classTokens, 0].includes(placed)) {
      throw new RangeError(`An image of ${imageSize.join(' x ')} has ${grid[0] * grid[1]} patches of ${patch.join(' x ')}, but the model holds ${positions} positions.`);
    }
    return { grid, placed };
  }
  if (positions === null) throw new OpenQuestion('imageSize', 'The checkpoint holds no positions: the option imageSize has to say how large images are.');
  // All tokens have a position (timm, MAE, DINO), the class token has (DINOv2), or only patches have (DeiT III).
  for (const placed of [prefix, classTokens, 0]) {
    const side = Math.sqrt(positions - placed);
    if (Number.isInteger(side) && side > 0) return { grid: [side, side] as const, placed };
  }
  throw new OpenQuestion('imageSize', `${positions} positions are no square of patches: the option imageSize has to say how large images are.`);
}

function stackOf(
  shapes: StateShapes, prefix: string, width: number, asked: number | undefined, headWidth: number, option: 'heads' | 'decoderHeads', warnings: string[],
): TransformerStack {
  let depth = 0;
  while (shapes.has(`${prefix}.${depth}.norm1.weight`)) depth++;
  const normalised = shapes.get(`${prefix}.0.attn.q_norm.weight`)?.shape[0];
  const heads = asked ?? width / (normalised ?? headWidth);
  if (!Number.isInteger(heads) || heads < 1 || width % heads !== 0) {
    const reason = asked === undefined ? `${headWidth} numbers a head, the usual, do not divide the width ${width}` : `${asked} heads do not divide the width ${width}`;
    throw new OpenQuestion(option, `A checkpoint does not say how many attention heads its model has, and ${reason}: set the option ${option}.`);
  }
  if (asked === undefined && normalised === undefined) {
    const assumed = `${heads} were assumed for ${prefix} (width ${width} / ${headWidth})`;
    warnings.push(`A checkpoint does not say how many attention heads its model has; ${assumed}. The option ${option} sets another number.`);
  }
  return { prefix, depth, width, heads };
}

/** Where the values of a built encoder are. */
export interface EncoderValues {
  /** Rows after each block, [images x tokens, width]. */
  readonly blocks: readonly string[];
  /** Rows after the last norm, or null where the norm comes after pooling. */
  readonly normed: string | null;
  readonly tokens: number;
  readonly prefix: number;
}

export interface KeptPatches {
  /** [images, count, 1] places of the patches that are kept, in order. */
  readonly places: string;
  readonly count: number;
}

/** The encoder of images [images, channels, height, width]; with `kept`, of these patches only. */
export function buildEncoder(parameters: Parameters, model: TransformerPlan, images: string, kept: KeptPatches | null): EncoderValues {
  const { graph } = parameters;
  const { encoder: { width }, patch, grid, channels, epsilon } = model;
  const patches = grid[0] * grid[1];
  const prefix = model.prefixTokens.reduce((sum, name) => sum + parameters.sizeFromEnd(name, 2), 0);
  const bias = parameters.takeIfThere('patch_embed.proj.bias', [width]);
  const kernel = parameters.take('patch_embed.proj.weight', [width, channels, ...patch]);
  const projected = graph.node('Conv', [images, kernel, ...(bias === null ? [] : [bias])], { kernel_shape: patch, strides: patch });
  graph.count(projected, 2 * width * channels * patch[0] * patch[1] * patches);
  const columns = graph.node('Transpose', [graph.reshape(projected, [-1, width, patches])], { perm: [0, 2, 1] });
  const positions = positionsOf(parameters, 'pos_embed', width, grid, model.placedTokens);
  const placed = graph.node('Add', [columns, slice(parameters, positions, 1, model.placedTokens, model.placedTokens + patches)]);
  const chosen = kept === null ? placed : graph.node('GatherND', [placed, kept.places], { batch_dims: 1 });
  const count = kept?.count ?? patches;
  const leading = leadingTokens(parameters, model, positions, prefix);
  const sequence = leading === null ? chosen : graph.node('Concat', [onEveryImage(parameters, leading, images, prefix, width), chosen], { axis: 1 });
  const tokens = prefix + count;
  let rows = graph.reshape(sequence, [-1, width]);
  if (parameters.has('norm_pre.weight')) rows = parameters.layerNorm(rows, 'norm_pre', width, epsilon);
  const blocks = transformerBlocks(parameters, model.encoder, rows, tokens, epsilon);
  const last = blocks.at(-1) ?? rows;
  const normed = parameters.has('fc_norm.weight') && !parameters.has('norm.weight') ? null : parameters.layerNorm(last, 'norm', width, epsilon);
  return { blocks, normed, tokens, prefix };
}

/** The tokens before the patches with the positions that they have, [1, prefix, width], or null when there are none. */
function leadingTokens(parameters: Parameters, { prefixTokens, placedTokens, encoder: { width } }: TransformerPlan, positions: string, prefix: number): string | null {
  if (prefix === 0) return null;
  const { graph } = parameters;
  const tokens = prefixTokens.map((name) => parameters.take(name, [1, parameters.sizeFromEnd(name, 2), width]));
  const together = tokens.length === 1 ? tokens[0]! : graph.node('Concat', tokens, { axis: 1 });
  if (placedTokens === 0) return together;
  const places = slice(parameters, positions, 1, 0, placedTokens);
  if (placedTokens === prefix) return graph.node('Add', [together, places]);
  const first = graph.node('Add', [slice(parameters, together, 1, 0, placedTokens), places]);
  return graph.node('Concat', [first, slice(parameters, together, 1, placedTokens, prefix)], { axis: 1 });
}

/** Positions [1, placed tokens + patches, width]: the checkpoint's, or computed where it has none. */
export function positionsOf(parameters: Parameters, name: string, width: number, grid: readonly [number, number], placed: number): string {
  const shape = [1, placed + grid[0] * grid[1], width];
  if (parameters.has(name)) return parameters.take(name, shape);
  return parameters.graph.table(name, shape, sineCosinePositions(width, grid, placed));
}

/** [1, count, width] for each of the images of a batch. */
export function onEveryImage(parameters: Parameters, values: string, images: string, count: number, width: number): string {
  const { graph } = parameters;
  const batch = graph.node('Shape', [images], { start: 0, end: 1 });
  return graph.node('Expand', [values, graph.node('Concat', [batch, graph.integers([count, width])], { axis: 0 })]);
}

export function slice({ graph }: Parameters, values: string, axis: number, start: number, end: number): string {
  return graph.node('Slice', [values, graph.integers([start]), graph.integers([end]), graph.integers([axis])]);
}
