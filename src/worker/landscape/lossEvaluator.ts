import { createHash } from 'node:crypto';
import { FormatError } from '../../formats';
import { type Batch, type ImageSet, ModelSession, prepareBatch, type ProbeSample, type Provider, type ProviderUnavailable, type SessionOptions, type Weights } from '../../models';
import type { LandscapeModel } from './landscapeModel';

/** A run takes about 50 ms at 100 billion operations a second: between runs, work can be cancelled. */
const operationsARun = 5e9;
const usualBatch = 8;

export interface EvaluatorOptions {
  readonly samples: readonly ProbeSample[];
  readonly seed: number;
  /** Per channel; default as `PreparationOptions`. */
  readonly mean?: readonly number[];
  readonly deviation?: readonly number[];
  readonly session?: SessionOptions;
  readonly checkpoint?: () => void;
}

/** The mean loss over the same images, views and masks, of whatever weights. */
export class LossEvaluator {
  private constructor(
    private readonly session: ModelSession,
    private readonly batches: readonly Batch[],
    /** Images that the loss is the mean of. */
    readonly images: number,
    /** Hash of everything that the model sees. */
    readonly content: string,
    private readonly checkpoint: (() => void) | undefined,
  ) {}

  /** @throws {FormatError} when images cannot be read, are too few or lack labels; {ProviderUnavailable} when no session can be made */
  static async create(model: LandscapeModel, set: ImageSet, options: EvaluatorOptions): Promise<LossEvaluator> {
    const { graph } = model;
    const { mean, deviation, checkpoint, seed } = options;
    const size = graph.image.size ?? (await sizeOf(set));
    const isContrastive = model.loss === 'info_nce';
    const fixed = graph.batch;
    const count = fixed === null ? options.samples.length : Math.floor(options.samples.length / fixed) * fixed;
    const least = isContrastive ? 2 : 1;
    if (count < least) throw new FormatError(set.name, '', `holds too few images: ${options.samples.length} were taken, and the loss needs at least ${fixed ?? least}`);
    const samples = options.samples.slice(0, count);
    if (graph.inputs.includes('labels')) requireLabels(set, samples, model.classes);
    // Every view is compared with all others.
    const perRun = fixed ?? (isContrastive ? count : graph.operations === null ? usualBatch : Math.max(1, Math.floor(operationsARun / graph.operations)));
    const preparation = { channels: graph.image.channels, size, ...(mean === undefined ? {} : { mean }), ...(deviation === undefined ? {} : { deviation }) };
    const batches: Batch[] = [];
    const hash = createHash('sha1');
    for (let start = 0; start < count; start += perRun) {
      const batch = await prepareBatch(samples.slice(start, start + perRun), preparation, {
        seed, patches: graph.noise, views: isContrastive ? 2 : 1, ...(checkpoint === undefined ? {} : { checkpoint }),
      });
      for (const values of [batch.images, batch.noise, batch.labels]) {
        if (values !== undefined) hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      }
      batches.push(batch);
    }
    return new LossEvaluator(await ModelSession.create(graph, null, options.session), batches, count, hash.digest('hex'), checkpoint);
  }

  get provider(): Provider {
    return this.session.provider;
  }

  /** Accelerators that `auto` could not use, with the reasons. */
  get passedOver(): readonly ProviderUnavailable[] {
    return this.session.passedOver;
  }

  /** @throws {RangeError} when the graph does not answer with one number, or one an image; what `checkpoint` throws */
  async lossOf(weights: Weights): Promise<number> {
    let [sum, count] = [0, 0];
    for (const batch of this.batches) {
      this.checkpoint?.();
      const { data, shape } = (await this.session.run(batch, weights)).get('loss')!;
      if (data.length !== 1 && data.length !== batch.count) {
        throw new RangeError(`The loss of ${this.session.graph.model} has the shape [${shape.join(', ')}]; it should be one number, or one for each of ${batch.count} images.`);
      }
      for (const value of data) sum += (value * batch.count) / data.length;
      count += batch.count;
    }
    return sum / count;
  }

  close(): Promise<void> {
    return this.session.close();
  }
}

async function sizeOf(set: ImageSet): Promise<readonly [number, number]> {
  const { height, width } = await set.read(0);
  return [height, width];
}

function requireLabels(set: ImageSet, samples: readonly ProbeSample[], classes: number | null): void {
  for (const { index } of samples) {
    const label = set.label(index);
    if (label < 0) throw new FormatError(set.name, `image ${index}`, 'has no label, and the loss is a cross-entropy; take data with labels, or another loss');
    if (classes !== null && label >= classes) throw new FormatError(set.name, `image ${index}`, `has the label ${label}, and the model knows ${classes} classes`);
  }
}
