import type { TensorInfo } from '../formats';
import { ModelMismatch, type Architecture, type DescribeOptions, type LossKind, type ModelParameter } from './architecture';
import { GraphBuilder } from './graphBuilder';
import { buildLayers, type LayerValue } from './layerValues';
import { buildReconstruction, maskByNoise } from './maskedAutoencoder';
import { modelStates, type ModelState } from './modelState';
import { createParameterLog, Parameters, sameShape } from './parameters';
import { planResidualNetwork, type ResidualPlan } from './residualNetwork';
import { isVisionTransformer, planVisionTransformer, type TransformerPlan } from './visionTransformer';

/** A tensor with such a name is inside the part of the model that is built: one that is not understood would be left out of the computation. */
const inTrunk = /^(?:blocks|layer\d|patch_embed|conv1|bn1|norm_pre|norm|decoder_blocks|decoder_embed|decoder_norm|decoder_pred)(?:\.|$)|^(?:pos_embed|rel_pos_bias|rope)/;

/**
 * Recognises a model by the names and shapes of a checkpoint's tensors: ViT (timm, MAE, DINO), MAE with its decoder, RC-MAE's pair, ResNet (torchvision).
 * @param tensors of the whole checkpoint; containers and wrappers in front of names are seen through
 * @throws {ModelMismatch} when no family fits, or tensors are missing, of another shape or not understood
 * @throws {RangeError} naming the option that has to say what names and shapes leave open
 */
export function describeModel(tensors: readonly TensorInfo[], options: DescribeOptions = {}): Architecture {
  const states = modelStates(tensors);
  const state = options.role === undefined ? states[0] : states.find(({ role }) => role === options.role);
  if (state === undefined) {
    const roles = states.map(({ role }) => role).join(', ');
    const known = 'Known without an export are ViT, MAE and RC-MAE with the names of timm, and ResNet with those of torchvision; any other model needs an ONNX export.';
    if (states.length > 0) throw new RangeError(`The checkpoint holds no ${options.role}, only: ${roles}.`);
    throw new ModelMismatch('No known model', [], tensors.map(({ name }) => name), [], known);
  }
  const plan = isVisionTransformer(state.shapes) ? planVisionTransformer(state.shapes, options) : planResidualNetwork(state.shapes, options);
  const { layers, parameters } = tryOut(state, plan);
  const teacher = state.role === 'teacher' ? undefined : states.find(({ role }) => role === 'teacher');
  const teacherParameters = teacher === undefined ? null : parametersOfTeacher(teacher, parameters);
  const isTransformer = plan.family === 'vision-transformer';
  const losses: LossKind[] = ['contrastive'];
  if (layers.some(({ isClassifier }) => isClassifier)) losses.unshift('cross-entropy');
  if (isTransformer && plan.decoder !== null) losses.unshift('reconstruction', ...(teacherParameters === null ? [] : ['reconstruction-consistency' as const]));
  const usedTensors = new Set(parameters.map(({ tensor }) => tensor));
  const described = {
    label: labelOf(plan, state),
    role: state.role,
    parameters: [...parameters, ...(losses.includes('reconstruction-consistency') ? teacherParameters! : [])],
    layers: layers.map(({ name, width, kind }) => ({ name, width, kind })),
    losses,
    unused: [...state.shapes.values()].map(({ tensor }) => tensor).filter((tensor) => !usedTensors.has(tensor)),
  };
  return isTransformer ? { ...plan, ...described, hasTeacher: losses.includes('reconstruction-consistency') } : { ...plan, ...described };
}

/** Builds the whole model once and sees what it asks for. */
function tryOut(state: ModelState, plan: TransformerPlan | ResidualPlan): { layers: LayerValue[]; parameters: ModelParameter[] } {
  const log = createParameterLog();
  const parameters = new Parameters(new GraphBuilder(), state.shapes, log);
  const layers = buildLayers(parameters, plan, 'images');
  if (plan.family === 'vision-transformer' && plan.decoder !== null) {
    buildReconstruction(parameters, { ...plan, decoder: plan.decoder }, 'images', maskByNoise(parameters, 'noise', plan.grid[0] * plan.grid[1], 0.5));
  }
  const extra = [...state.shapes.keys()].filter((name) => !log.asked.has(name) && inTrunk.test(name));
  if (log.missing.size + log.wrongShape.size + extra.length > 0) {
    throw new ModelMismatch(labelOf(plan, state), [...log.missing], extra, [...log.wrongShape]);
  }
  return { layers, parameters: [...log.used].map(([name, { shape, tensor }]) => ({ name, shape, tensor })) };
}

/** The same tensors of the teacher, or null when it is another model. */
function parametersOfTeacher(teacher: ModelState, parameters: readonly ModelParameter[]): ModelParameter[] | null {
  const own = parameters.flatMap(({ name, shape }): ModelParameter[] => {
    const found = teacher.shapes.get(name);
    return found !== undefined && sameShape(found.shape, shape) ? [{ name: teacherPrefix + name, shape, tensor: found.tensor }] : [];
  });
  return own.length === parameters.length ? own : null;
}

/** Before the names of the teacher's parameters in a graph of two models. */
export const teacherPrefix = 'teacher/';

function labelOf(plan: TransformerPlan | ResidualPlan, { role, shapes }: ModelState): string {
  const whose = role === 'model' ? '' : ` (${role})`;
  if (plan.family === 'residual-network') {
    const depth = plan.stages.reduce((sum, blocks) => sum + blocks * (plan.bottleneck ? 3 : 2), 2);
    return `ResNet-${depth}${plan.stem.maxPool ? '' : ' with the stem for small images'}${whose}`;
  }
  const { encoder, decoder, patch, imageSize } = plan;
  const name = decoder === null ? 'ViT' : 'Masked autoencoder';
  const registers = shapes.has('reg_token') || shapes.has('register_tokens') ? ', registers' : '';
  const decoding = decoder === null ? '' : `, decoder of ${decoder.depth} blocks of width ${decoder.width} with ${decoder.heads} heads`;
  const encoding = `${encoder.depth} blocks of width ${encoder.width} with ${encoder.heads} heads`;
  return `${name}, ${encoding}, patches of ${patch.join(' x ')}, images of ${imageSize!.join(' x ')}${registers}${decoding}${whose}`;
}

