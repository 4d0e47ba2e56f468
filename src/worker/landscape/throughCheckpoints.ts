import { addToGram, combineDifferences, coveringAxis, directionBetween, lineAxis, Perturbation, trajectoryPlane } from '../../landscape';
import type { LandscapeModel } from './landscapeModel';
import { checkpointName, type SurfacePlan } from './surfacePlan';

/** The straight line from one checkpoint (0) to another (1), along which everything moves, biases and statistics too. */
export async function straightLine(models: readonly LandscapeModel[], points: number, range: number, checkpoint?: () => void): Promise<SurfacePlan> {
  const [from, to] = models;
  if (from === undefined || to === undefined || models.length !== 2) throw new RangeError(`A line leads from one checkpoint to another; there are ${models.length}.`);
  const x = lineAxis(points, range);
  const [start, end] = [await from.read(undefined, checkpoint), await to.read(undefined, checkpoint)];
  return {
    model: from,
    name: `${checkpointName(from.file)} to ${checkpointName(to.file)}`,
    versions: [from.version, to.version],
    files: [from.file, to.file],
    range,
    x,
    y: [],
    perturbation: new Perturbation(start, directionBetween(start, end)),
    trajectory: [from, to].map((model, place) => ({ model, file: model.file, epoch: model.epoch, step: model.step, x: place, y: 0, loss: null })),
    warnings: from.warnings,
  };
}

/**
 * The plane through the last checkpoint in which all differ most, along which everything moves. Of the checkpoints one tensor at a time is in memory.
 * @throws {RangeError} when there are fewer than three or they lie on one line
 */
export async function planeThrough(models: readonly LandscapeModel[], points: number, checkpoint?: () => void): Promise<SurfacePlan> {
  const last = models.at(-1);
  if (last === undefined || models.length < 3) throw new RangeError(`The plane of a trajectory needs at least 3 checkpoints, not ${models.length}.`);
  const names = [...last.graph.weights.keys()];
  const tensorsOf = async (name: string) => {
    const tensors: Float32Array[] = [];
    for (const model of models) tensors.push((await model.read(name, checkpoint)).get(name)!);
    return tensors;
  };
  const gram = { rows: models.length, columns: models.length, data: new Float64Array(models.length ** 2) };
  for (const name of names) addToGram(gram, await tensorsOf(name), checkpoint);
  const plane = trajectoryPlane(gram);
  const [first, second] = [new Map<string, Float32Array>(), new Map<string, Float32Array>()];
  for (const name of names) {
    const tensors = await tensorsOf(name);
    first.set(name, combineDifferences(tensors, plane.coefficients[0]));
    second.set(name, combineDifferences(tensors, plane.coefficients[1]));
  }
  const [x, y] = (['x', 'y'] as const).map((axis) => coveringAxis(plane.places.map((place) => place[axis]), points)) as [number[], number[]];
  const share = Math.round(100 * (plane.explained[0] + plane.explained[1]));
  return {
    model: last,
    name: `${checkpointName(models[0]!.file)} to ${checkpointName(last.file)}`,
    versions: models.map(({ version }) => version),
    files: models.map(({ file }) => file),
    range: Math.max(...[...x, ...y].map(Math.abs)),
    x,
    y,
    perturbation: new Perturbation(await last.read(undefined, checkpoint), first, second),
    trajectory: models.map((model, place) => ({ model, file: model.file, epoch: model.epoch, step: model.step, ...plane.places[place]!, loss: null })),
    warnings: [...last.warnings, `The plane holds ${share} % of how the checkpoints differ; the rest is not seen in it.`],
  };
}
