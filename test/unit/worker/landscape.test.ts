import { appendFile, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { placeOfZero } from '../../../src/landscape';
import type { LandscapeSurface } from '../../../src/protocol';
import { computeLandscapes, type LandscapeRequest, readSurfaces } from '../../../src/worker/landscape';
import { repository } from '../cli/commandLine';
import { temporaryFolder } from '../cli/files';

const fixtures = path.join(repository, 'test/fixtures');
const inFolder = (name: string) => path.join(fixtures, 'landscape', name);
const [early, middle, late] = [15, 30, 60].map((step) => inFolder(`mae-step${step}.pt`)) as [string, string, string];
const base: LandscapeRequest = {
  checkpoints: [late], directions: 'random', data: inFolder('images.npy'), images: 4, grid: 3, range: 0.5, describe: { heads: 2, decoderHeads: 2 }, normalisePixels: true,
};

const readSurface = async (file: string): Promise<LandscapeSurface> => (await readSurfaces(file))[0]!;

function originOf({ x, y, loss }: LandscapeSurface): number {
  return loss[placeOfZero(y.length === 0 ? [0] : y) * x.length + placeOfZero(x)]!;
}

describe('Computing landscapes', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const kept = (more: Partial<LandscapeRequest> = {}) => computeLandscapes({ ...base, folderOf: () => Promise.resolve(folder), ...more });

  it('gives a surface with its place in training, setting, minimum and flatness', async () => {
    const { surfaces: [surface], problems } = await computeLandscapes(base);
    expect(problems).toEqual([]);
    expect(surface).toMatchObject({
      name: 'landscape/mae-step60.pt', file: late, step: 60, x: [-0.5, 0, 0.5], y: [-0.5, 0, 0.5], trajectory: [],
      setting: { loss: 'mae', images: 4, data: base.data, seed: 0, range: 0.5, directions: 'random', options: { maskRatio: 0.75, normalisePixels: true } },
    });
    expect(surface!.loss.every((value) => value !== null && value > 0)).toBe(true);
    expect(surface!.flatness!.widthMean).toBeGreaterThan(0);
    expect(surface!.convex).toHaveLength(9);
  });

  it('keeps points: a second time nothing is computed, a finer grid only its own points', async () => {
    const first = await kept();
    expect(first.computed).toBe(9);
    const second = await kept();
    expect(second.computed).toBe(0);
    expect(second.surfaces).toEqual(first.surfaces);
    expect((await kept({ grid: 5 })).computed).toBe(16);
  });

  it('goes on where it was stopped, also after a torn line', async () => {
    let done = 0;
    const stopAfter = (points: number) => kept({
      onProgress: () => done++,
      checkpoint: () => {
        if (done >= points) throw new Error('stopped');
      },
    });
    await expect(stopAfter(4)).rejects.toThrow('stopped');
    await appendFile(path.join(folder, 'landscapes.jsonl'), '{"landscape":"torn');
    const rest = await kept();
    expect(rest.computed).toBe(5);
    expect(rest.surfaces).toEqual((await computeLandscapes(base)).surfaces);
    const lines = (await readFile(path.join(folder, 'landscapes.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(lines.filter((line) => line.includes('"setting"'))).toHaveLength(1);
  });

  it('never takes the point of another checkpoint, seed or setting', async () => {
    await kept();
    for (const change of [{ checkpoints: [early] }, { seed: 1 }, { normalisePixels: false }, { maskRatio: 0.5 }, { images: 3 }, { loss: 'info_nce' }]) {
      expect((await kept(change)).computed, JSON.stringify(change)).toBe(9);
    }
  });

  it('shows a usable surface at every moment', async () => {
    const shown: LandscapeSurface[] = [];
    await computeLandscapes({ ...base, grid: 5, onProgress: ({ current }) => shown.push(current()) });
    expect(shown).toHaveLength(25);
    expect(shown.map(({ loss }) => loss.filter((value) => value !== null).length)).toEqual(Array.from({ length: 25 }, (_, place) => place + 1));
    expect(shown[0]).toMatchObject({ minimum: { x: 0, y: 0 }, flatness: null, convex: [] });
    expect(shown.at(-1)!.flatness).not.toBeNull();
  });

  it('computes several checkpoints in the same directions, each as it would be alone', async () => {
    const { surfaces } = await computeLandscapes({ ...base, checkpoints: [early, late] });
    expect(surfaces.map(({ step }) => step)).toEqual([15, 60]);
    expect(surfaces[1]).toEqual((await computeLandscapes(base)).surfaces[0]);
    expect(Math.abs(originOf(surfaces[0]!) - originOf(surfaces[1]!))).toBeGreaterThan(0.01);
  });

  it('draws the line between two checkpoints, with both at its ends', async () => {
    const { surfaces: [line] } = await computeLandscapes({ ...base, checkpoints: [early, late], directions: 'line', grid: 5 });
    const alone = await computeLandscapes({ ...base, checkpoints: [early, late] });
    expect(line).toMatchObject({ x: [-0.5, 0, 0.5, 1, 1.5], y: [], convex: [], flatness: null });
    expect(line!.loss[1]).toBeCloseTo(originOf(alone.surfaces[0]!), 5);
    expect(line!.loss[3]).toBeCloseTo(originOf(alone.surfaces[1]!), 5);
    expect(line!.trajectory.map(({ x, loss }) => [x, loss])).toEqual([[0, expect.closeTo(line!.loss[1]!, 5)], [1, expect.closeTo(line!.loss[3]!, 5)]]);
  });

  it('lays a plane through a training, with the loss of each checkpoint', async () => {
    const { surfaces: [surface], computed } = await kept({ checkpoints: [early, middle, late], directions: 'trajectory', grid: 4 });
    expect(computed).toBe(3 + 16);
    expect(surface!.trajectory.map(({ step }) => step)).toEqual([15, 30, 60]);
    expect(surface!.trajectory[2]).toMatchObject({ x: 0, y: 0, loss: expect.closeTo(originOf(surface!), 5) as number });
    expect(surface!.trajectory[0]!.loss).toBeCloseTo(originOf((await computeLandscapes({ ...base, checkpoints: [early] })).surfaces[0]!), 5);
    expect(Math.min(...surface!.x)).toBeLessThan(Math.min(...surface!.trajectory.map(({ x }) => x)));
    expect(surface!.warnings).toContain('The plane holds 100 % of how the checkpoints differ; the rest is not seen in it.');
    expect((await kept({ checkpoints: [early, middle, late], directions: 'trajectory', grid: 4 })).computed).toBe(0);
  });

  it('takes any scalar output of an export, with the weights of the checkpoint and not of the export', async () => {
    const request = { ...base, checkpoints: [inFolder('with-loss.pt')], graph: inFolder('with-loss.onnx'), loss: 'distance' };
    const { surfaces: [surface] } = await computeLandscapes(request);
    const { export: expected } = JSON.parse(await readFile(inFolder('expected.json'), 'utf8')) as { export: number };
    expect(originOf(surface!) / expected).toBeCloseTo(1, 5);
    expect(surface!.setting.loss).toBe('distance');
    await expect(computeLandscapes({ ...request, loss: 'loss' })).rejects.toThrow('has no output loss; it has distance');
  });

  it('computes the cross-entropy where there are labels, and says so where there are none', async () => {
    const request: LandscapeRequest = { ...base, checkpoints: [path.join(fixtures, 'models/vit-timm.pt')], describe: { heads: 2 } };
    const { surfaces: [surface] } = await computeLandscapes({ ...request, data: inFolder('labelled.npz') });
    expect(surface!.setting.loss).toBe('cross_entropy');
    expect(originOf(surface!)).toBeGreaterThan(0);
    await expect(computeLandscapes(request)).rejects.toThrow(/images\.npy, image 0: has no label/);
    await expect(computeLandscapes({ ...request, data: path.join(fixtures, 'images/data_batch_1.bin'), images: 2 })).rejects.toThrow('has the label 6, and the model knows 5 classes');
  });

  it('keeps the teacher of RC-MAE in place', async () => {
    const request: LandscapeRequest = { ...base, checkpoints: [path.join(fixtures, 'models/rc-mae.pth')], describe: { heads: 2, decoderHeads: 4 }, images: 2 };
    const [own, consistent] = [await computeLandscapes({ ...request, loss: 'mae' }), await computeLandscapes({ ...request, loss: 'rc_mae' })];
    expect(originOf(consistent.surfaces[0]!)).toBeGreaterThan(originOf(own.surfaces[0]!));
  });

  it('takes heads, mean and deviation from the configuration beside the run, unless it is told', async () => {
    const run = path.join(folder, 'run');
    await mkdir(run);
    const checkpoints = [path.join(run, 'mae-step60.pt')];
    await copyFile(late, checkpoints[0]!);
    await writeFile(path.join(run, 'args.yaml'), 'num_heads: 2\ndecoder_num_heads: 2\nmean: 0.25\nstd: 0.5\n');
    const lossOf = async (more: Partial<LandscapeRequest>) => (await computeLandscapes({ ...base, ...more })).surfaces[0]!.loss;
    const told = await lossOf({ mean: [0.25], deviation: [0.5] });
    expect(await lossOf({ checkpoints, describe: {} })).toEqual(told);
    const otherwise = await lossOf({ checkpoints, describe: {}, mean: [0], deviation: [1] });
    expect(otherwise).toEqual(await lossOf({ mean: [0], deviation: [1] }));
    expect(otherwise).not.toEqual(told);
    await writeFile(path.join(run, 'args.yaml'), 'num_heads: 2\ndecoder_num_heads: 2\nmean: [0.1, 0.2]\nstd: [0.5, 0.5]\n');
    expect(await lossOf({ checkpoints, describe: {} }), 'images of another number of channels').toEqual(await lossOf({}));
  });

  it('names the file that cannot be used, and why', async () => {
    await expect(computeLandscapes({ ...base, checkpoints: [inFolder('with-loss.pt')] })).rejects.toThrow(/with-loss\.pt: cannot be run: No known model/);
    await expect(computeLandscapes({ ...base, loss: 'cross_entropy' })).rejects.toThrow(/mae-step60\.pt: cannot be run: .* has no loss cross_entropy; it has mae, info_nce/);
    await expect(computeLandscapes({ ...base, loss: 'hinge' })).rejects.toThrow('There is no loss "hinge"');
    await expect(computeLandscapes({ ...base, graph: inFolder('images.npy') })).rejects.toThrow('the graph of a model is an ONNX export');
    await expect(computeLandscapes({ ...base, checkpoints: [late, path.join(fixtures, 'models/mae.pth')], directions: 'line' })).rejects.toThrow(/do not fit/);
  });

  it('goes on without keeping points where the folder cannot be written', async () => {
    const { computed, problems } = await kept({ folderOf: () => Promise.resolve(path.join(late, 'no-folder')) });
    expect(computed).toBe(9);
    expect(problems[0]!.reason).toContain('cannot be written');
  });
});

describe('Reading surfaces of others', () => {
  it('reads the companion\'s with its options', async () => {
    const surface = await readSurface(inFolder('companion.npz'));
    expect(surface).toMatchObject({ x: [-1, -0.5, 0, 0.5, 1], setting: { loss: 'loss', images: 4, seed: 7, range: 1, directions: 'imported', options: { grid: 5, normalization: 'filter' } } });
    const { loss } = JSON.parse(await readFile(inFolder('expected.json'), 'utf8')) as { loss: number };
    expect(originOf(surface)).toBe(loss);
    expect(surface.flatness!.widthMean).toBeGreaterThan(0);
  });

  it('reads those of tomgoldstein/loss-landscape, whose declared axes are exchanged', async () => {
    const surface = await readSurface(inFolder('reference.h5'));
    expect([surface.x, surface.y]).toEqual([[-1, -0.5, 0, 0.5, 1], [-0.5, 0, 0.5]]);
    surface.y.forEach((y, row) => surface.x.forEach((x, column) => expect(surface.loss[row * 5 + column]).toBeCloseTo(1 + x * x + 8 * y * y + x * y, 12)));
    // Hessian [[2, 1], [1, 16]].
    expect(surface.flatness!.eigenvalueRatio).toBeCloseTo((9 - Math.hypot(7, 1)) / (9 + Math.hypot(7, 1)), 9);
  });

  it('takes -1 of an unfinished one for a point that is not known', async () => {
    const surface = await readSurface(inFolder('reference-unfinished.h5'));
    expect(surface.loss.filter((value) => value === null).length).toBeGreaterThan(0);
    expect(surface.loss).not.toContain(-1);
    expect(surface).toMatchObject({ flatness: null, minimum: { x: 0, y: 0, loss: 1 } });
    expect(surface.warnings[0]).toMatch(/of 15 points were not computed/);
  });

  it('reads a line, and turns falling coordinates around', async () => {
    expect(await readSurface(inFolder('reference-line.h5'))).toMatchObject({ x: [-0.5, 0, 0.5, 1, 1.5], y: [], loss: [3, 1, 2, 1.5, 4], minimum: { x: 0, loss: 1 } });
    const plain = await readSurface(inFolder('plain.npz'));
    expect([plain.x, plain.y]).toEqual([[-1, 0, 1], [-1, 0, 1]]);
    expect(plain.loss).toEqual([7, 8, 9, 4, null, 6, 1, 2, 3]);
    expect(plain.warnings).toEqual(['1 of 9 losses are not finite.']);
  });

  it('computes what the JSON of others does not say, and takes what it says', async () => {
    const folder = await temporaryFolder();
    try {
      const file = path.join(folder, 'surfaces.json');
      const axis = [-1, -0.5, 0, 0.5, 1];
      const bowl = axis.flatMap((y) => axis.map((x) => 1 + x * x + 2 * y * y));
      const { surfaces: [own] } = await computeLandscapes(base);
      await writeFile(file, JSON.stringify({ surfaces: [{ x: axis, y: axis, loss: bowl }, { x: axis, y: axis, loss: [null, ...bowl.slice(1)] }, own] }));
      const [whole, unfinished, computed] = await readSurfaces(file);
      expect(whole).toMatchObject({ flatness: { convexArea: 1, eigenvalueRatio: expect.closeTo(0.5, 9) as number }, minimum: { x: 0, y: 0, loss: 1 }, warnings: [] });
      expect(unfinished).toMatchObject({ flatness: null, convex: [], warnings: [] });
      expect(computed).toEqual(own);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('says what a file lacks', async () => {
    await expect(readSurface(inFolder('no-surface.npz'))).rejects.toThrow('is no loss surface: it has none of loss, train_loss, test_loss, losses, z, only features');
    await expect(readSurface(inFolder('wrong-shape.npz'))).rejects.toThrow('has the shape [2, 3], and its coordinates want [3, 2]');
    await expect(readSurface(inFolder('none.npz'))).rejects.toThrow('none.npz');
  });
});
