import { availableParallelism } from 'node:os';
import path from 'node:path';
import { ModelMismatch, ProviderUnavailable } from '../models';
import { computeLandscapes, type LandscapeRequest, runFolderOf } from '../worker/landscape';
import { parseArguments, parseCount, parseMeasureOptions, parseNumber } from './arguments';
import { type Command, InputError, UsageError } from './command';
import { checkpointsOf } from './landscapeTarget';
import { printSurfaces } from './landscapeText';
import { liesInRun } from './measuring';
import { count, onOneLine, printJson, sayProblems } from './output';
import { modelDetails, type ModelData, modelOptions, parseModel, parseProvider, providerDetails, rememberedProbeData, toDescribeOptions } from './probeDataArguments';
import { replaceFile } from './replaceFile';

/** More threads gain little on models of the sizes that fit beside a training. */
const mostThreads = 4;
/** Points along an axis; a finer surface takes hours and shows no more. */
const finest = { surface: 51, line: 1001 } as const;

export const landscape: Command = {
  name: 'landscape',
  usage: 'RUN|CHECKPOINT [RUN|CHECKPOINT ...] [--data DIR|FILE] [--graph MODEL.onnx] [--loss NAME] [--line|--trajectory] [--grid N] [--range R] [--seed N] [--images N] [--out FILE] [--json]',
  summary: 'Compute the loss around a checkpoint, of several side by side, between two, or along a training.',
  details: [
    '  RUN|CHECKPOINT    a file of weights, or a run: its last checkpoint. Several are computed in the same random directions',
    '  --data DIR|FILE   images: a folder of PNG, JPEG, WebP; .npy, .npz; MNIST idx; CIFAR binary (default: what layerscope features was given for the first run;\n                    then its --graph, --mean, --std, --heads, --decoder-heads, --image-size and --role count, too)',
    '  --loss NAME       mae, rc_mae, cross_entropy, info_nce, or an output of the export (default: the first the model has; of an export, loss)',
    '  --line            of two checkpoints: the straight line from the first (0) to the second (1)',
    '  --trajectory      of a run or at least three checkpoints: the plane through the last in which all differ most',
    '  --grid N          points along an axis, odd, at most 51 (default 25); of a line at most 1001',
    '  --range R         reach along each direction (default 1); of a line beyond its ends (default 0.5)',
    '  --seed N          seed of directions, choice of images, masks and views (default 0)',
    '  --images N        images that the loss is the mean of (default 64)',
    '  --mask-ratio X    share of removed patches of mae and rc_mae (default 0.75)',
    '  --norm-pix        compare with pixels normalised by patch (norm_pix_loss)',
    ...modelDetails,
    providerDetails,
    '  --threads N       threads of one operation (default: one for each core, at most 4)',
    '  --out FILE        write the JSON document to FILE',
    '  --json            one JSON document: surfaces, problems',
  ].join('\n'),

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['RUN or CHECKPOINT'], {
      data: { type: 'string' }, ...modelOptions, provider: { type: 'string' }, loss: { type: 'string' }, line: { type: 'boolean' }, trajectory: { type: 'boolean' },
      grid: { type: 'string' }, range: { type: 'string' }, seed: { type: 'string' }, images: { type: 'string' }, 'mask-ratio': { type: 'string' },
      'norm-pix': { type: 'boolean' }, threads: { type: 'string' }, out: { type: 'string' }, json: { type: 'boolean' },
    }, true);
    if (values.line && values.trajectory) throw new UsageError('--line and --trajectory exclude each other');
    const directions = values.line ? 'line' : values.trajectory ? 'trajectory' : 'random';
    const grid = parseCount('--grid', values.grid);
    if (grid !== undefined && directions === 'random' && (grid < 3 || grid % 2 === 0)) throw new UsageError(`--grid is an odd number of at least 3, so that the model itself is a point of it, not ${String(grid)}`);
    if (grid !== undefined && directions !== 'random' && grid < 4) throw new UsageError(`--grid is at least 4, not ${String(grid)}`);
    const most = directions === 'line' ? finest.line : finest.surface;
    if (grid !== undefined && grid > most) throw new UsageError(`--grid is at most ${String(most)}, not ${String(grid)}`);
    if (directions === 'trajectory' && values.range !== undefined) throw new UsageError('--range does not go with --trajectory, which is as large as the checkpoints want');
    const range = values.range === undefined ? undefined : parseNumber('--range', values.range, 'a number above 0', (value) => value > 0);
    const maskRatio = values['mask-ratio'] === undefined ? undefined : parseNumber('--mask-ratio', values['mask-ratio'], 'a number between 0 and 1', (value) => value > 0 && value < 1);
    const [images, threads] = [parseCount('--images', values.images), parseCount('--threads', values.threads)];
    const asked = parseModel(values);
    const provider = parseProvider(values.provider);
    const checkpoints = await checkpointsOf(positionals, directions, terminal.signal);
    const { data, graph, mean, deviation, ...describe } = await imagesFor(checkpoints[0] ?? '', values.data, asked);
    const request: LandscapeRequest = {
      checkpoints, directions, data, describe: toDescribeOptions(describe), seed: parseMeasureOptions({ seed: values.seed }).seed, normalisePixels: values['norm-pix'] ?? false,
      ...(graph ? { graph } : {}), ...(mean ? { mean } : {}), ...(deviation ? { deviation } : {}),
      ...(values.loss === undefined ? {} : { loss: values.loss }),
      ...(grid === undefined ? {} : { grid }), ...(range === undefined ? {} : { range }), ...(images === undefined ? {} : { images }),
      ...(maskRatio === undefined ? {} : { maskRatio }),
      session: { provider, threads: threads ?? Math.min(mostThreads, availableParallelism()) },
      folderOf: async (file) => ((await liesInRun(file)) ? path.join(runFolderOf(file), '.layerscope') : null),
      checkpoint: () => terminal.signal.throwIfAborted(),
      onProgress: ({ surface, surfaces, done, total, name }) =>
        terminal.progress(`${surfaces > 1 ? `surface ${String(surface + 1)} of ${String(surfaces)}, ` : ''}${String(done)} of ${count(total, 'point')}: ${onOneLine(name)}`),
    };
    const { surfaces, problems, computed } = await computeLandscapes(request).catch((error: unknown) => {
      if (error instanceof ModelMismatch || error instanceof ProviderUnavailable || error instanceof RangeError) throw new InputError(error.message);
      throw error;
    });
    if (values.out !== undefined) await replaceFile(values.out, `${JSON.stringify({ surfaces, problems }, null, 2)}\n`);
    if (values.json) {
      printJson(terminal, { surfaces, problems });
      return;
    }
    printSurfaces(terminal, surfaces);
    sayProblems(terminal, problems);
    terminal.say(`${count(computed, 'point')} computed now`);
  },
};

/** The images whose loss is computed, and what is said of the model: without `--data` as it was chosen for the run of a checkpoint. */
async function imagesFor(checkpoint: string, data: string | undefined, asked: Partial<ModelData>): Promise<Partial<ModelData> & { readonly data: string }> {
  if (data !== undefined) return { ...asked, data };
  const folder = runFolderOf(checkpoint);
  const remembered = await rememberedProbeData(folder);
  if (remembered === null) throw new UsageError('--data DIR|FILE is missing: the images whose loss is computed');
  const { train, graph, mean, deviation, heads, decoderHeads, imageSize, role } = remembered;
  return { graph: graph === null ? null : path.resolve(folder, graph), mean, deviation, heads, decoderHeads, imageSize, role, ...asked, data: path.resolve(folder, train) };
}
