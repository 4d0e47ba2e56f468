import { FormatError, type TensorFile } from '../formats';
import type { Batch, ModelOutput } from './modelSession';

/** A tensor of tfjs. */
interface TensorFlowTensor {
  readonly shape: readonly number[];
  data(): Promise<Float32Array | Int32Array | Uint8Array>;
  dispose(): void;
}

interface TensorFlowNetwork {
  readonly inputs: readonly { readonly shape: readonly (number | null)[] }[];
  readonly layers: readonly { readonly name: string; readonly output: unknown }[];
  predict(input: TensorFlowTensor): TensorFlowTensor | TensorFlowTensor[];
  dispose(): unknown;
}

interface ModelArtifacts {
  readonly modelTopology: object;
  readonly weightSpecs: readonly { readonly name: string; readonly shape: number[]; readonly dtype: 'float32' }[];
  readonly weightData: ArrayBuffer;
}

/** What is needed of TensorFlow.js: `@tensorflow/tfjs-node`, whose library is native, or `@tensorflow/tfjs`. */
export interface TensorFlowLayersPackage {
  loadLayersModel(handler: { load(): Promise<ModelArtifacts> }): Promise<TensorFlowNetwork>;
  model(network: { readonly inputs: unknown; readonly outputs: readonly unknown[] }): TensorFlowNetwork;
  tensor4d(values: Float32Array, shape: readonly [number, number, number, number]): TensorFlowTensor;
}

export interface TensorFlowModelOptions {
  /** The model.json, opened for its tensors. */
  readonly file: TensorFile;
  /** The bytes of model.json. */
  readonly json: Uint8Array;
  /** For messages. */
  readonly name: string;
  /** Layers whose outputs are wanted, by name. */
  readonly features: readonly string[];
  /** Loads TensorFlow.js, which is no part of the extension; throws why it cannot. */
  readonly loadPackage: () => TensorFlowLayersPackage;
}

/**
 * A layers model of TensorFlow.js (model.json), run by TensorFlow.js itself with the weights that come with it. Its features can be extracted like those
 * of a session.
 */
export class TensorFlowModel {
  readonly graph = { batch: null, operations: null };

  private constructor(
    private readonly name: string,
    private readonly tensorFlow: TensorFlowLayersPackage,
    private readonly whole: TensorFlowNetwork,
    private readonly network: TensorFlowNetwork,
    /** [height, width, channels] of an image. */
    private readonly input: readonly (number | null)[],
    readonly features: readonly string[],
  ) {}

  /** @throws {FormatError} when the model cannot be built, takes no images, or has no such layer */
  static async create({ file, json, name, features, loadPackage }: TensorFlowModelOptions): Promise<TensorFlowModel> {
    if (features.length === 0) throw new RangeError('A model needs at least one layer whose features are wanted.');
    const tensorFlow = loadPackage();
    const artifacts = await artifactsOf(file, json, name);
    const whole = await tensorFlow.loadLayersModel({ load: async () => artifacts }).catch((error: unknown) => {
      throw new FormatError(name, '', `cannot be built by TensorFlow.js: ${error instanceof Error ? error.message : String(error)}`);
    });
    const [first] = whole.inputs;
    if (whole.inputs.length !== 1 || first?.shape.length !== 4) {
      const taken = whole.inputs.map(({ shape }) => `[${shape.join(', ')}]`).join(', ');
      throw new FormatError(name, '', `should take one input [images, height, width, channels]; it takes ${taken}`);
    }
    const outputs = features.map((wanted) => {
      const layer = whole.layers.find((each) => each.name === wanted);
      if (layer === undefined) throw new RangeError(`${name} has no layer ${wanted}; it has ${whole.layers.map((each) => each.name).join(', ')}.`);
      return layer.output;
    });
    const network = tensorFlow.model({ inputs: whole.inputs, outputs });
    return new TensorFlowModel(name, tensorFlow, whole, network, first.shape.slice(1), features);
  }

  /** Features of a batch under the names of the layers; maps are averaged over their positions. */
  async run({ count, height, width, images }: Batch): Promise<ReadonlyMap<string, ModelOutput>> {
    const channels = images.length / (count * height * width);
    const [wantedHeight, wantedWidth, wantedChannels] = this.input;
    if ((wantedHeight ?? height) !== height || (wantedWidth ?? width) !== width || (wantedChannels ?? channels) !== channels) {
      throw new RangeError(`${this.name} takes images of ${this.input.map((size) => size ?? 'any').join(' x ')}, not of ${height} x ${width} x ${channels}.`);
    }
    const input = this.tensorFlow.tensor4d(channelsLast(images, count, channels, height * width), [count, height, width, channels]);
    try {
      const predicted = this.network.predict(input);
      const outputs = Array.isArray(predicted) ? predicted : [predicted];
      const results = await Promise.all(this.features.map(async (name, index) => [name, pooled(await valuesOf(outputs[index]!))] as const));
      return new Map(results);
    } finally {
      input.dispose();
    }
  }

  async close(): Promise<void> {
    this.whole.dispose();
  }
}

interface ModelJson {
  readonly modelTopology?: object;
  readonly format?: string;
  readonly weightsManifest?: readonly { readonly weights: readonly { readonly name: string; readonly group?: string }[] }[];
}

async function artifactsOf(file: TensorFile, json: Uint8Array, name: string): Promise<ModelArtifacts> {
  const { modelTopology, format, weightsManifest = [] } = JSON.parse(Buffer.from(json).toString('utf8')) as ModelJson;
  if (modelTopology === undefined || format === 'graph-model') {
    throw new FormatError(name, '', 'is no layers model: it has no topology of layers');
  }
  // Slots of the optimizer are in the same files.
  const ofOptimizer = new Set(weightsManifest.flatMap(({ weights }) => weights.filter(({ group }) => group === 'optimizer').map((weight) => weight.name)));
  const weightSpecs: { name: string; shape: number[]; dtype: 'float32' }[] = [];
  const parts: Uint8Array[] = [];
  for (const { name: tensor, shape, dtype } of file.tensors) {
    if ((dtype !== 'F32' && dtype !== 'F16') || ofOptimizer.has(tensor)) continue;
    const values = (await file.read(tensor)).data as Float32Array;
    weightSpecs.push({ name: tensor, shape: [...shape], dtype: 'float32' });
    parts.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return { modelTopology, weightSpecs, weightData: new Uint8Array(Buffer.concat(parts)).buffer };
}

/** [images, channels, positions] -> [images, positions, channels] */
function channelsLast(values: Float32Array, images: number, channels: number, positions: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let image = 0; image < images; image++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let position = 0; position < positions; position++) {
        result[(image * positions + position) * channels + channel] = values[(image * channels + channel) * positions + position]!;
      }
    }
  }
  return result;
}

async function valuesOf(tensor: TensorFlowTensor): Promise<ModelOutput> {
  const { shape } = tensor;
  const data = Float32Array.from(await tensor.data());
  tensor.dispose();
  return { shape, data };
}

/** [images, height, width, channels] -> [images, channels]; anything else stays as it is. */
function pooled({ shape, data }: ModelOutput): ModelOutput {
  if (shape.length !== 4) return { shape, data };
  const [images, height, width, channels] = shape as [number, number, number, number];
  const positions = height * width;
  const means = new Float32Array(images * channels);
  for (let image = 0; image < images; image++) {
    for (let channel = 0; channel < channels; channel++) {
      let sum = 0;
      for (let position = 0; position < positions; position++) sum += data[(image * positions + position) * channels + channel]!;
      means[image * channels + channel] = sum / positions;
    }
  }
  return { shape: [images, channels], data: means };
}
