import { describeStateDict, type TensorFile } from '../formats';
import { ModelMismatch, type ModelParameter, type ModelRole } from './architecture';
import type { ExportedModel } from './exportedModel';
import type { WeightMode } from './graphBuilder';
import { layerNamed } from './layerValues';
import type { ModelGraph } from './modelGraph';
import { editGraph } from './onnxEditing';
import { encodableNode, encodableTensor, encodableValue, encodeMessage, type GraphNode, type GraphTensor, type GraphValue } from '../linalg/onnxSchema';
import { sameShape } from './parameters';

const advice =
  'Export it with torch.onnx.export(model.eval(), images, file, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False), ' +
  'so that convolutions and batch norms stay apart and weights keep their names.';
/** What a wrapper puts before the names of a model is at most this deep. */
const deepestPrefix = 2;
/** Enough for any wrapper; more are names of the model itself. */
const mostPrefixes = 64;

/**
 * Where the weights of an exported model are in a checkpoint. Names are compared as they are in the bare model; a wrapper on either side is seen through.
 * @throws {ModelMismatch} listing what is missing, of another shape, and left over
 */
export function matchExport(model: ExportedModel, file: Pick<TensorFile, 'tensors'>, role?: ModelRole): ModelParameter[] {
  if (model.nameless.length > 0) {
    const why = 'The export has folded these weights into others or given them names of its own.';
    throw new ModelMismatch(model.label, model.nameless, [], [], `${why} ${advice}`);
  }
  const described = describeStateDict(file.tensors.map(({ name }) => name));
  const roles: readonly ModelRole[] = role === undefined ? ['model', 'student', 'teacher'] : [role];
  const attempts = roles.flatMap((each) => {
    const own = new Map(described.flatMap((tensor, index) => (tensor.role === each ? [[tensor.parameterName, file.tensors[index]!] as const] : [])));
    return own.size === 0 ? [] : [matchNames(model, own)];
  });
  const best = attempts.find(({ missing, wrongShape }) => missing.length + wrongShape.length === 0) ?? attempts.sort((a, b) => b.found.length - a.found.length)[0];
  if (best === undefined) throw new ModelMismatch(model.label, model.parameters.map(({ name }) => name), [], [], `The checkpoint holds no ${role ?? 'model'}.`);
  if (best.missing.length + best.wrongShape.length > 0) throw new ModelMismatch(model.label, best.missing, best.extra, best.wrongShape);
  return best.found;
}

function matchNames(model: ExportedModel, own: ReadonlyMap<string, { readonly name: string; readonly shape: readonly number[] }>) {
  const bare = describeStateDict(model.parameters.map(({ name }) => name)).map(({ parameterName }) => parameterName);
  let stripped = { from: '', by: '', count: -1 };
  for (const from of prefixesOf(bare)) {
    for (const by of prefixesOf([...own.keys()])) {
      const count = bare.filter((name) => name.startsWith(from) && own.has(by + name.slice(from.length))).length;
      if (count > stripped.count) stripped = { from, by, count };
    }
  }
  const found: ModelParameter[] = [];
  const missing: string[] = [];
  const wrongShape: string[] = [];
  const left = new Map(own);
  model.parameters.forEach(({ name, shape }, index) => {
    const plain = bare[index]!;
    const key = plain.startsWith(stripped.from) ? stripped.by + plain.slice(stripped.from.length) : plain;
    const tensor = own.get(key);
    left.delete(key);
    if (tensor === undefined) missing.push(name);
    else if (!sameShape(tensor.shape, shape)) wrongShape.push(`${name}: [${tensor.shape.join(', ')}] where [${shape.join(', ')}] is needed`);
    else found.push({ name, shape, tensor: tensor.name });
  });
  const extra = [...left.values()].map(({ name }) => name).filter((name) => !name.endsWith('num_batches_tracked'));
  return { found, missing, wrongShape, extra };
}

function prefixesOf(names: readonly string[]): string[] {
  const prefixes = new Set(['']);
  for (const name of names) {
    const parts = name.split('.');
    for (let depth = 1; depth <= deepestPrefix && depth < parts.length && prefixes.size < mostPrefixes; depth++) prefixes.add(`${parts.slice(0, depth).join('.')}.`);
  }
  return [...prefixes];
}

export interface ExportRequest {
  /** Modules whose outputs become outputs of the graph, each under its name. They are not pooled in the graph. */
  readonly features?: readonly string[];
  /** The output of the export that is a loss: one number, or one an image; it comes out as `loss`. */
  readonly loss?: string;
  /** Default `initialisers`. */
  readonly weights?: WeightMode;
}

/**
 * The exported graph with the outputs that are asked for and its weights taken out, to be filled from a checkpoint or from the export itself.
 * @param file the export, opened for its tensors; constants in an external file are read
 * @throws {RangeError} when a layer or output is asked for that it does not have
 */
export async function buildExportedGraph(model: ExportedModel, file: TensorFile, request: ExportRequest): Promise<ModelGraph> {
  const { features = [], loss, weights = 'initialisers' } = request;
  const outputs: string[] = [];
  const identities: GraphNode[] = [];
  const give = (name: string, value: string) => {
    outputs.push(name);
    // A value that is an output already stays one under its own name, too.
    if (name !== value) identities.push({ opType: 'Identity', inputs: [value], outputs: [name], attributes: {} });
  };
  const wanted = new Set(features.map((name) => layerNamed(model.layers, name, model)));
  for (const layer of model.layers.filter((each) => wanted.has(each))) give(layer.name, layer.value);
  if (loss !== undefined) {
    if (!model.outputs.includes(loss)) throw new RangeError(`${model.label} has no output ${loss}; it has ${model.outputs.join(', ')}.`);
    give('loss', loss);
  }
  if (outputs.length === 0) throw new RangeError('A graph needs at least one output: features of a layer, or a loss.');
  const turned = model.parameters.filter(({ transposed }) => transposed);
  const transposes = turned.map(({ name, tensor }): GraphNode => ({ opType: 'Transpose', inputs: [name], outputs: [tensor], attributes: { perm: [1, 0] } }));
  const constants = await Promise.all(model.externalConstants.map(async ({ name, dataType, shape }) => {
    const { buffer, byteOffset, byteLength } = (await file.read(name)).data;
    return { name, dims: [...shape], dataType, rawData: new Uint8Array(buffer, byteOffset, byteLength) };
  }));
  const tensors = model.parameters.map(({ name, shape }): GraphTensor => ({ name, type: 'float32', shape, values: null }));
  const inputs = model.parameters.map(({ name, shape }): GraphValue => ({ name, type: 'float32', dimensions: shape }));
  const external = new Set(model.externalConstants.map(({ place }) => place));
  const bytes = editGraph(model.bytes, {
    keepsInitialiser: (place) => !model.weightPlaces.has(place) && !external.has(place),
    before: encodeMessage('GraphProto', { node: transposes.map(encodableNode) }),
    after: encodeMessage('GraphProto', {
      node: identities.map(encodableNode),
      initializer: [...constants, ...(weights === 'initialisers' ? tensors.map(encodableTensor) : [])],
      input: weights === 'inputs' ? inputs.filter(({ name }) => !model.inputNames.has(name)).map(encodableValue) : [],
      // The runtime finds out types and sizes.
      output: identities.map(({ outputs: [name] }) => ({ name })),
    }),
  });
  return {
    bytes,
    model: model.label,
    weightMode: weights,
    inputs: [model.input, ...model.otherInputs],
    weights: new Map(model.parameters.map(({ name, shape }) => [name, shape])),
    outputs,
    operations: null,
    batch: model.batch,
    image: { channels: model.channels, size: model.imageSize },
    noise: model.noise,
  };
}
