import { FormatError, type ByteSource, type TensorFile } from '../formats';
import type { ModelParameter } from './architecture';
import { decodeModel, elementType, type DecodedModel, type DecodedValue } from '../linalg/onnxSchema';

/** Above this, protobuf itself does not go (protobuf.dev/programming-guides/proto-limits). */
const largestModel = 2 ** 31 - 1;
/** Names that an exporter makes up: of torch.onnx ("onnx::MatMul_163", "/Constant_output_0", "val_12", "_v_5"), and numbers. */
const madeUp = /^(?:onnx::|\/|val_\d+$|_v_\d+$|\d+$)/;

/** An ONNX model that somebody exported. */
export interface ExportedModel {
  readonly label: string;
  readonly bytes: Uint8Array;
  /** The input that takes images, [images, channels, height, width]. */
  readonly input: string;
  readonly channels: number;
  /** [height, width], or null where the graph leaves that open. */
  readonly imageSize: readonly [number, number] | null;
  /** Images in every batch, where the export has fixed that. */
  readonly batch: number | null;
  /** Further inputs among `noise` and `labels`. */
  readonly otherInputs: readonly string[];
  readonly noise: number;
  /** Initialisers that are weights, by the names they have in the model's state dict; `tensor` is the initialiser. */
  readonly parameters: readonly ModelParameter[];
  /** Weights whose name in the state dict the export does not tell. */
  readonly nameless: readonly string[];
  /** Outputs of modules, in order, with the value that holds each. */
  readonly layers: readonly { readonly name: string; readonly value: string }[];
  readonly outputs: readonly string[];
  /** Names of all inputs; old exports count their weights among them. */
  readonly inputNames: ReadonlySet<string>;
  /** Places of the initialisers that are weights, and of others whose values lie in another file. */
  readonly weightPlaces: ReadonlySet<number>;
  readonly externalConstants: readonly { readonly name: string; readonly place: number; readonly dataType: number; readonly shape: readonly number[] }[];
}

/**
 * Reads the graph of an ONNX file.
 * @param file the same file, opened for its tensors
 * @throws {FormatError} when it is no model that takes images
 */
export async function readExport(source: ByteSource, file: TensorFile): Promise<ExportedModel> {
  if (source.size > largestModel) {
    throw new FormatError(source.name, '', `has ${source.size} bytes, and a graph can have 2 GB at most; export it with its weights in an external file`);
  }
  const bytes = await source.read(0, source.size);
  let graph: NonNullable<DecodedModel['graph']>;
  try {
    graph = decodeModel(bytes).graph ?? {};
  } catch (error) {
    throw new FormatError(source.name, '', `is no ONNX model: ${error instanceof Error ? error.message : String(error)}`);
  }
  const initialisers = (graph.initializer ?? []).map(({ name = '', dataType = 0, dims = [], dataLocation = 0 }, place) => ({
    name, dataType, place, shape: dims.map(Number), isExternal: dataLocation === 1,
  }));
  const halves = initialisers.find(({ dataType, shape }) => (dataType === 10 || dataType === 16) && shape.length > 1);
  if (halves !== undefined) throw new FormatError(source.name, `initialiser ${halves.name}`, 'is in half precision; export the model in float32');
  const known = new Set(initialisers.map(({ name }) => name));
  const inputs = (graph.input ?? []).filter(({ name = '' }) => !known.has(name));
  const { images, otherInputs, noise } = inputsOf(source.name, inputs);
  const named = namesOf(graph, initialisers);
  const readable = new Set(file.tensors.map(({ name }) => name));
  const weights = initialisers.filter(({ name }) => named.parameters.has(name) && readable.has(name));
  return {
    label: source.name,
    bytes,
    ...images,
    otherInputs,
    noise,
    parameters: weights.map(({ name, shape }) => {
      const { stateName, transposed } = named.parameters.get(name)!;
      return transposed ? { name: stateName, shape: [...shape].reverse(), tensor: name, transposed } : { name: stateName, shape, tensor: name };
    }),
    nameless: named.nameless,
    layers: modulesOf(graph),
    outputs: (graph.output ?? []).map(({ name = '' }) => name),
    inputNames: new Set((graph.input ?? []).map(({ name = '' }) => name)),
    weightPlaces: new Set(weights.map(({ place }) => place)),
    externalConstants: initialisers.filter(({ name, isExternal }) => isExternal && !named.parameters.has(name)),
  };
}

function dimensionsOf(value: DecodedValue): number[] | null {
  return value.type?.tensorType?.shape?.dim?.map(({ dimValue }) => Number(dimValue ?? 0)) ?? null;
}

function inputsOf(file: string, inputs: readonly DecodedValue[]) {
  const others = inputs.filter(({ name = '' }) => name === 'noise' || name === 'labels');
  const pictures = inputs.filter((value) => !others.includes(value));
  const [first] = pictures;
  const dimensions = first === undefined ? null : dimensionsOf(first);
  const listed = inputs.map((value) => `${value.name} [${dimensionsOf(value)?.map((size) => (size > 0 ? size : '?')).join(', ') ?? ''}]`).join(', ');
  const isPicture = pictures.length === 1 && first?.type?.tensorType?.elemType === elementType.float32 && dimensions?.length === 4 && dimensions[1]! > 0;
  if (!isPicture) {
    const wanted = 'should take one input of images in float32, [images, channels, height, width], beside noise and labels';
    throw new FormatError(file, '', `${wanted}; it takes ${listed === '' ? 'none' : listed}`);
  }
  const [batch, channels, height, width] = dimensions as [number, number, number, number];
  const images = {
    input: first!.name ?? '',
    channels,
    imageSize: height > 0 && width > 0 ? ([height, width] as const) : null,
    batch: batch > 0 ? batch : null,
  };
  const noise = others.find(({ name }) => name === 'noise');
  return { images, otherInputs: others.map(({ name = '' }) => name), noise: noise === undefined ? 0 : (dimensionsOf(noise)?.[1] ?? 0) };
}

interface StateName {
  readonly stateName: string;
  readonly transposed: boolean;
}

type Graph = NonNullable<DecodedModel['graph']>;

/** Which initialisers are weights, and what they are called in the state dict. */
function namesOf(graph: Graph, initialisers: readonly { readonly name: string; readonly dataType: number; readonly shape: readonly number[] }[]) {
  const parameters = new Map<string, StateName>();
  const nameless: string[] = [];
  const floats = initialisers.filter(({ dataType }) => dataType === elementType.float32 || dataType === elementType.float64);
  for (const { name, shape } of floats) {
    if (!madeUp.test(name)) {
      parameters.set(name, { stateName: name, transposed: false });
      continue;
    }
    if (shape.length === 0 || shape.every((size) => size === 1)) continue;
    const user = (graph.node ?? []).find(({ input }) => input?.includes(name));
    // The second factor of a product is what constant folding makes of a linear layer's weight.
    const module = user?.opType === 'MatMul' && user.input?.[1] === name && shape.length === 2 ? moduleOf(user.name ?? '') : '';
    if (module !== '') parameters.set(name, { stateName: `${module}.weight`, transposed: true });
    else if (user !== undefined && /^(?:Conv|ConvTranspose|Gemm|BatchNormalization|MatMul)$/.test(user.opType ?? '')) nameless.push(name);
  }
  return { parameters, nameless };
}

/** "/blocks/blocks.0/attn/qkv/MatMul" -> "blocks.0.attn.qkv": torch.onnx names nodes after the modules they come from. */
function moduleOf(nodeName: string): string {
  if (!nodeName.startsWith('/')) return '';
  let path = '';
  for (const part of nodeName.slice(1).split('/').slice(0, -1)) {
    // Children of a ModuleList or Sequential repeat its name: /layer1/layer1.0/.
    path = path !== '' && part.startsWith(`${path.split('.').at(-1)}.`) ? `${path}${part.slice(path.split('.').at(-1)!.length)}` : path === '' ? part : `${path}.${part}`;
  }
  return path;
}

/** Every module with the output of its last node, in the order in which modules end. */
function modulesOf(graph: Graph): { name: string; value: string }[] {
  const last = new Map<string, string>();
  for (const { name = '', output = [], opType } of graph.node ?? []) {
    const parts = moduleOf(name).split('.');
    if (opType === 'Constant' || parts[0] === '' || output[0] === undefined) continue;
    for (let length = parts.length; length >= 1; length--) {
      const module = parts.slice(0, length).join('.');
      last.delete(module);
      last.set(module, output[0]);
    }
  }
  return [...last].map(([name, value]) => ({ name, value }));
}
