import { createHash } from 'node:crypto';
import path from 'node:path';
import { centredAxis, coarseToFine, describeSurface, filterNormalisedDirections, Perturbation, placeOfZero } from '../../landscape';
import { chooseSamples, openImages, type ImageSet, type Provider, type ProviderUnavailable, type SessionOptions, type Weights } from '../../models';
import type { FileProblem, LandscapeSetting, LandscapeSurface, TrajectoryPoint } from '../../protocol';
import { type LandscapeFolders, LandscapeStore, type LandscapeHeader, type LandscapePoint } from '../../store';
import { configOfCheckpoint, describeWith, normalisationWith } from './configured';
import { type LandscapeModel, type ModelOptions, openModels } from './landscapeModel';
import { LossEvaluator } from './lossEvaluator';
import { checkpointName, runFolderOf, type SurfacePlan } from './surfacePlan';
import { planeThrough, straightLine } from './throughCheckpoints';

/** Bumped when the definition of a loss or a direction changes. */
const method = 1;

export interface LandscapeRequest extends ModelOptions {
  /**
   * Absolute paths. `random`: a surface of each, in the same random directions; `line`: two, from the first to the second; `trajectory`: at least three in
   * order of training, with the surface in the plane through the last one in which they differ most.
   */
  readonly checkpoints: readonly string[];
  readonly directions: 'random' | 'line' | 'trajectory';
  /** Images: what `openImages` reads. */
  readonly data: string;
  /** Images that the loss is the mean of. Default 64; fewer where there are not so many. */
  readonly images?: number;
  /** Points along an axis. Default 25; of random directions odd, at least 3. */
  readonly grid?: number;
  /** How far the surface reaches (default 1), or how far a line goes beyond its ends (default 0.5). A trajectory sets its own. */
  readonly range?: number;
  /** Of directions, choice of images, masks and views. Default 0. */
  readonly seed?: number;
  /** Per channel: subtracted and divided by. Default: as the run's configuration says, else as `PreparationOptions`. */
  readonly mean?: readonly number[];
  readonly deviation?: readonly number[];
  readonly session?: SessionOptions;
  /** The folder (or folders) in which the points of a checkpoint's surface are kept, or null to keep none. Default: none. */
  readonly folderOf?: (checkpoint: string) => Promise<LandscapeFolders | string | null>;
  /** Throws when the work was cancelled. What was computed is kept. */
  readonly checkpoint?: () => void;
  readonly onProgress?: (progress: LandscapeProgress) => void;
  /** Called when a model is ready to be run. */
  readonly onModel?: (model: ReadyModel) => void;
}

/** What losses are computed with. */
export interface ReadyModel {
  /** In words. */
  readonly label: string;
  readonly provider: Provider;
  /** Accelerators that `auto` could not use. */
  readonly passedOver: readonly ProviderUnavailable[];
}

export interface LandscapeProgress {
  /** Which surface, counted from 0, of how many. */
  readonly surface: number;
  readonly surfaces: number;
  /** Points of it that are known. */
  readonly done: number;
  readonly total: number;
  /** Points of it, and of checkpoints in it, that were computed now and not found among the stored ones. */
  readonly computed: number;
  readonly name: string;
  /** What is known of it so far. */
  readonly current: () => LandscapeSurface;
}

export interface ComputedLandscapes {
  readonly surfaces: readonly LandscapeSurface[];
  readonly problems: readonly FileProblem[];
  /** Points that were computed now and not found among the stored ones. */
  readonly computed: number;
}

/**
 * Computes loss surfaces, coarse to fine, and keeps each point as soon as it is known: a second call goes on where the first was stopped.
 * @throws {FormatError} naming a file that cannot be used; {RangeError} when a number is out of range; {ProviderUnavailable} when no model can run here;
 * what `checkpoint` throws
 */
export async function computeLandscapes(asked: LandscapeRequest): Promise<ComputedLandscapes> {
  const set = await openImages(asked.data);
  const [first] = asked.checkpoints;
  const config = first === undefined ? null : await configOfCheckpoint(first);
  // All are seen alike: what the first one's run says counts for those of other runs, too.
  const request = config === null ? asked : { ...asked, describe: describeWith(config, asked.describe) };
  const models = await openModels(request.checkpoints, request, request.directions !== 'random');
  try {
    const surfaces: LandscapeSurface[] = [];
    const problems: FileProblem[] = [];
    let computed = 0;
    const count = request.directions === 'random' ? models.length : 1;
    for (let number = 0; number < count; number++) {
      const plan = await planSurface(request, models, number);
      const normalised = config === null ? request : { ...request, ...normalisationWith(config, request, plan.model.graph.image.channels) };
      const result = await computeSurface(normalised, set, plan, (progress) => request.onProgress?.({ surface: number, surfaces: count, ...progress }));
      surfaces.push(result.surface);
      problems.push(...result.problems);
      computed += result.computed;
    }
    return { surfaces, problems, computed };
  } finally {
    await Promise.all(models.map((model) => model.close()));
  }
}

async function planSurface(request: LandscapeRequest, models: readonly LandscapeModel[], number: number): Promise<SurfacePlan> {
  const { grid = 25, seed = 0, checkpoint } = request;
  switch (request.directions) {
    case 'line':
      return straightLine(models, grid, request.range ?? 0.5, checkpoint);
    case 'trajectory':
      return planeThrough(models, grid, checkpoint);
    case 'random': {
      const model = models[number]!;
      const { range = 1 } = request;
      const axis = centredAxis(grid, range);
      const weights = await model.read(undefined, checkpoint);
      // A teacher is what the student is compared with, and not a part of it.
      const shapes = new Map([...model.graph.weights].filter(([name]) => !name.startsWith('teacher/')));
      const [first, second] = filterNormalisedDirections(weights, shapes, { seed, ...(checkpoint === undefined ? {} : { checkpoint }) });
      return {
        model, name: checkpointName(model.file), versions: [model.version], files: [model.file], range, x: axis, y: axis,
        perturbation: new Perturbation(weights, first, second), trajectory: [], warnings: model.warnings,
      };
    }
  }
}

type SurfaceProgress = Omit<LandscapeProgress, 'surface' | 'surfaces'>;

async function computeSurface(request: LandscapeRequest, set: ImageSet, plan: SurfacePlan, onProgress: (progress: SurfaceProgress) => void) {
  const { seed = 0, images = 64, folderOf, checkpoint, mean, deviation, session } = request;
  const { model, x, y } = plan;
  const evaluator = await LossEvaluator.create(model, set, {
    samples: chooseSamples(set, null, images, seed), seed,
    ...(mean === undefined ? {} : { mean }), ...(deviation === undefined ? {} : { deviation }), ...(session === undefined ? {} : { session }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
  });
  try {
    request.onModel?.({ label: model.label, provider: evaluator.provider, passedOver: evaluator.passedOver });
    const folders = (await folderOf?.(model.file)) ?? null;
    const store = new LandscapeStore(folders);
    await store.refresh();
    const { data, directions } = request;
    const setting: LandscapeSetting = { loss: model.loss, images: evaluator.images, data, seed, range: plan.range, directions, options: model.options };
    const landscape = createHash('sha1')
      .update(JSON.stringify([method, directions, plan.versions, seed, evaluator.content]))
      .update(model.graph.bytes)
      .digest('hex');
    const header: LandscapeHeader = {
      landscape, name: plan.name, files: plan.files.map((file) => (folders === null ? file : path.relative(runFolderOf(model.file), file).split(path.sep).join('/'))),
      versions: plan.versions, epoch: model.epoch, step: model.step, model: model.label, setting, method,
    };
    const loss: (number | null)[] = new Array<null>(x.length * Math.max(1, y.length)).fill(null);
    let trajectory: TrajectoryPoint[] = plan.trajectory.map(({ file, epoch, step, x: a, y: b }) => ({ file, epoch, step, x: a, y: b, loss: null }));
    const order = coarseToFine(x.length, Math.max(1, y.length), placeOfZero(x), y.length === 0 ? 0 : placeOfZero(y));
    let [done, computed] = [0, 0];
    const describe = () =>
      describeSurface({
        name: plan.name, file: model.file, epoch: model.epoch, step: model.step, setting, x, y, loss: [...loss], trajectory, warnings: plan.warnings,
        finished: done === order.length,
      });
    /** The stored loss, or one that is computed and stored. */
    const lossAt = async (point: Pick<LandscapePoint, 'x' | 'y' | 'checkpoint'>, weights: () => Promise<Weights>) => {
      checkpoint?.();
      const known = store.lossAt(landscape, point.x, point.y, point.checkpoint);
      if (known !== undefined) return known;
      const value = await evaluator.lossOf(await weights());
      const finite = Number.isFinite(value) ? value : null;
      await store.append(header, { landscape, ...point, loss: finite });
      computed++;
      return finite;
    };
    for (const [place, { model: own, x: a, y: b }] of plan.trajectory.entries()) {
      const value = await lossAt({ x: a, y: b, checkpoint: own.version }, () => own.read(undefined, checkpoint));
      trajectory = trajectory.map((point, at) => (at === place ? { ...point, loss: value } : point));
    }
    for (const [column, row] of order) {
      const [a, b] = [x[column]!, y[row] ?? 0];
      loss[row * x.length + column] = await lossAt({ x: a, y: b }, async () => plan.perturbation.at(a, b, checkpoint));
      done++;
      onProgress({ done, total: order.length, computed, name: plan.name, current: describe });
    }
    return { surface: describe(), problems: store.problems, computed };
  } finally {
    await evaluator.close();
  }
}
