import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { loadOnnxRuntime } from '../linalg';
import { openSession, type Provider, type ProviderChoice, type ProviderUnavailable, type Runtime } from './executionProviders';
import type { ModelGraph } from './modelGraph';

/** Values of a model's tensors, row-major, by their names in the graph. */
export type Weights = ReadonlyMap<string, Float32Array>;

/** What a run is of. */
export interface Batch {
  /** Images in the batch. Of the contrastive loss the first half are first views, the second half second views. */
  readonly count: number;
  readonly height: number;
  readonly width: number;
  /** [count, channels, height, width], normalised as in training. */
  readonly images: Float32Array;
  /** [count, patches] in [0, 1): which patches a masked loss removes. */
  readonly noise?: Float32Array;
  /** [count] classes from 0, for cross-entropy. */
  readonly labels?: Int32Array;
}

export interface SessionOptions {
  /** Default `cpu`. */
  readonly provider?: ProviderChoice;
  /** Threads inside one operation, on the processor. Default 1: models are run side by side with what else is measured. */
  readonly threads?: number;
  /** Loads onnxruntime-node. Default: imports it. */
  readonly loadNative?: () => Promise<Runtime>;
  /** Loads onnxruntime-web. Default: imports it. */
  readonly loadWasm?: () => Promise<Runtime>;
}

/** The output of a graph under its name. */
export interface ModelOutput {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A graph that is ready to run. */
export class ModelSession {
  /** Tensors of weights, so that the same arrays are not wrapped anew at each run. */
  private readonly tensors = new Map<string, { readonly data: Float32Array; readonly tensor: Tensor }>();

  private constructor(
    readonly graph: ModelGraph,
    private readonly session: InferenceSession,
    private readonly runtime: Runtime,
    /** The runtime may read these as long as the session lives. */
    readonly constants: Weights,
    readonly provider: Provider,
    /** Accelerators that `auto` could not use, with the reasons. */
    readonly passedOver: readonly ProviderUnavailable[],
  ) {}

  /**
   * @param weights what the graph needs, when its weights are constants; else left out
   * @throws {ProviderUnavailable} when the provider cannot be used
   * @throws {RangeError} naming a weight that is missing or of another length
   */
  static async create(graph: ModelGraph, weights: Weights | null = null, options: SessionOptions = {}): Promise<ModelSession> {
    const { provider = 'cpu', threads = 1, loadNative = loadNativeLibrary, loadWasm = loadWebAssembly } = options;
    const constants = graph.weightMode === 'initialisers' ? requireWeights(graph, weights ?? new Map()) : new Map<string, Float32Array>();
    const opened = await openSession(graph.bytes, { provider, threads, constants, loadNative, loadWasm });
    return new ModelSession(graph, opened.session, opened.runtime, constants, opened.provider, opened.passedOver);
  }

  /**
   * Runs the graph on a batch. The runtime cannot be interrupted meanwhile: batches decide how soon work can be cancelled.
   * @param weights needed when the graph's weights are inputs. The arrays are read where they are: change them between runs, not during one.
   * @throws {RangeError} naming what is missing or of another length
   */
  async run(batch: Batch, weights: Weights | null = null): Promise<ReadonlyMap<string, ModelOutput>> {
    const feeds = this.feedsOf(batch);
    if (this.graph.weightMode === 'inputs') {
      for (const [name, data] of requireWeights(this.graph, weights ?? new Map())) feeds[name] = this.weightTensor(name, data);
    }
    const results = await this.session.run(feeds, this.graph.outputs);
    return new Map(this.graph.outputs.map((name) => {
      const { dims, data } = results[name]!;
      return [name, { shape: [...dims], data: data as Float32Array }];
    }));
  }

  /** Frees the runtime's memory; the session cannot be used any more. */
  async close(): Promise<void> {
    await this.session.release();
    this.tensors.clear();
  }

  private feedsOf({ count, height, width, images, noise, labels }: Batch): Record<string, Tensor> {
    const { Tensor } = this.runtime;
    const { graph } = this;
    const { channels, size } = graph.image;
    if (graph.batch !== null && graph.batch !== count) {
      throw new RangeError(`${graph.model} was exported for batches of ${graph.batch}, and this one has ${count} images.`);
    }
    if (size !== null && (size[0] !== height || size[1] !== width)) {
      throw new RangeError(`${graph.model} takes images of ${size.join(' x ')}, not of ${height} x ${width}.`);
    }
    requireLength('images', images, count * channels * height * width);
    const feeds: Record<string, Tensor> = {};
    for (const name of graph.inputs) {
      if (name === 'noise') {
        feeds[name] = new Tensor('float32', requireLength(name, noise, count * graph.noise), [count, graph.noise]);
      } else if (name === 'labels') {
        feeds[name] = new Tensor('int64', BigInt64Array.from(requireLength(name, labels, count), BigInt), [count]);
      } else {
        feeds[name] = new Tensor('float32', images, [count, channels, height, width]);
      }
    }
    return feeds;
  }

  private weightTensor(name: string, data: Float32Array): Tensor {
    const kept = this.tensors.get(name);
    if (kept?.data === data) return kept.tensor;
    const tensor = new this.runtime.Tensor('float32', data, this.graph.weights.get(name)!);
    this.tensors.set(name, { data, tensor });
    return tensor;
  }
}

function requireLength<Values extends { readonly length: number }>(name: string, values: Values | undefined, length: number): Values {
  if (values === undefined) throw new RangeError(`The graph needs ${name}, which the batch does not have.`);
  if (values.length !== length) throw new RangeError(`${name} should hold ${length} numbers, but holds ${values.length}.`);
  return values;
}

function requireWeights(graph: ModelGraph, weights: Weights): Weights {
  const needed = new Map<string, Float32Array>();
  for (const [name, shape] of graph.weights) {
    const data = weights.get(name);
    const length = shape.reduce((product, size) => product * size, 1);
    if (data === undefined) throw new RangeError(`${graph.model} needs the weight ${name}, which is not there.`);
    if (data.length !== length) {
      throw new RangeError(`The weight ${name} of ${graph.model} holds ${data.length} numbers; its shape [${shape.join(', ')}] needs ${length}.`);
    }
    needed.set(name, data);
  }
  return needed;
}

export async function loadNativeLibrary(): Promise<Runtime> {
  const runtime = await loadOnnxRuntime();
  // Why a provider cannot be loaded is in the error; the runtime would print it to standard error as well.
  runtime.env.logLevel = 'fatal';
  return runtime as Runtime;
}

export async function loadWebAssembly(): Promise<Runtime> {
  const runtime = await import('onnxruntime-web');
  // More threads would be workers of its own inside a compute thread.
  runtime.env.wasm.numThreads = 1;
  return runtime as unknown as Runtime;
}
