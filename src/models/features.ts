import type { Matrix } from '../linalg';
import type { TokenPooling } from './architecture';
import type { Batch, ModelOutput, Weights } from './modelSession';
import { poolOutput } from './pooling';
import { prepareView, type PreparationOptions, type ProbeSample, type ViewOptions } from './preparation';

/** A run takes about 50 ms at 100 billion operations a second: between runs, work can be cancelled. */
const operationsARun = 5e9;
const largestBatch = 64;
/** Where the work of one image is not known. */
const usualBatch = 8;

/** What features are extracted with: a session, or a model of TensorFlow.js. */
export interface FeatureModel {
  readonly graph: { readonly batch: number | null; readonly operations: number | null };
  run(batch: Batch, weights: Weights | null): Promise<ReadonlyMap<string, ModelOutput>>;
}

export interface FeatureOptions extends ViewOptions {
  readonly samples: readonly ProbeSample[];
  readonly preparation: PreparationOptions;
  /** Images a run. Default: as many as take about 50 ms, by the model's size. The values do not depend on it beyond rounding. */
  readonly batch?: number;
  /** Of outputs that the graph has not pooled (of an export). Default `patch_mean`. */
  readonly pooling?: TokenPooling;
  /** Tokens before those of the patches, of such outputs. Default 1, the class token. */
  readonly prefixTokens?: number;
  /** Throws when the work was cancelled; called before every image and every run. */
  readonly checkpoint?: () => void;
  readonly onProgress?: (done: number, rows: number) => void;
}

/** What a probe file holds: features of samples x views, a sample's views one behind another. */
export interface ModelFeatures {
  readonly layers: readonly { readonly name: string; readonly index: number; readonly features: Matrix<Float32Array> }[];
  /** [rows] index of the sample. */
  readonly sample: Int32Array;
  /** [samples] */
  readonly sampleIds: readonly bigint[];
  /** [samples] 0 = seen in training, 1 = held out. */
  readonly split: Uint8Array;
  /** [samples] class, -1 = not labelled. */
  readonly label: Int32Array;
}

/**
 * Runs the model on every view of every sample.
 * @param session its outputs are layers
 * @param weights needed when the graph's weights are inputs
 * @throws what `checkpoint` throws, and {FormatError} when an image cannot be read
 */
export async function extractFeatures(session: FeatureModel, weights: Weights | null, options: FeatureOptions): Promise<ModelFeatures> {
  const { samples, preparation, views = 1, pooling = 'patch_mean', prefixTokens = 1, checkpoint, onProgress } = options;
  if (!Number.isInteger(views) || views < 1) throw new RangeError(`A sample has a whole number of views of at least 1, not ${views}.`);
  const [height, width] = preparation.size;
  const rows = samples.length * views;
  const size = session.graph.batch ?? options.batch ?? batchOf(session.graph.operations);
  const length = preparation.channels * height * width;
  const layers = new Map<string, Matrix<Float32Array>>();
  let picture = { sample: -1, value: null as Awaited<ReturnType<ProbeSample['set']['read']>> | null };
  for (let start = 0; start < rows; start += size) {
    const count = Math.min(size, rows - start);
    // A graph of fixed batch size gets the last rows filled up with zeros.
    const filled = session.graph.batch ?? count;
    const images = new Float32Array(filled * length);
    for (let row = 0; row < count; row++) {
      checkpoint?.();
      const sample = Math.floor((start + row) / views);
      const { set, index, id } = samples[sample]!;
      if (picture.sample !== sample) picture = { sample, value: await set.read(index) };
      images.set(prepareView(picture.value!, id, (start + row) % views, preparation, options), row * length);
    }
    checkpoint?.();
    const outputs = await session.run({ count: filled, height, width, images }, weights);
    for (const [name, output] of outputs) {
      if (output.shape[0] !== filled) {
        throw new RangeError(`The output ${name} has the shape [${output.shape.join(', ')}], which is not one row for each of ${filled} images.`);
      }
      const pooled = poolOutput(name, output, pooling, prefixTokens);
      const layer = layers.get(name) ?? { rows, columns: pooled.width, data: new Float32Array(rows * pooled.width) };
      layers.set(name, layer);
      layer.data.set(pooled.data.subarray(0, count * pooled.width), start * pooled.width);
    }
    onProgress?.(start + count, rows);
  }
  return {
    layers: [...layers].map(([name, features], index) => ({ name, index, features })),
    sample: Int32Array.from({ length: rows }, (_, row) => Math.floor(row / views)),
    sampleIds: samples.map(({ id }) => id),
    split: Uint8Array.from(samples, ({ split }) => split),
    label: Int32Array.from(samples, ({ set, index }) => set.label(index)),
  };
}

function batchOf(operations: number | null): number {
  return operations === null ? usualBatch : Math.min(largestBatch, Math.max(1, Math.floor(operationsARun / operations)));
}
