import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FileProblem, MeasurementRecord } from '../../../src/protocol';
import { openProbe } from '../../../src/runs';
import { writeImages } from '../worker/imageArray';
import { CommandLine, documentOf, repository } from './commandLine';
import { temporaryFolder } from './files';

const fixtures = path.join(repository, 'test/fixtures/landscape');
const heads = ['--heads', '2', '--decoder-heads', '2'];
let cli: CommandLine;
let folder: string;
let run: string;
let images: string[];

beforeAll(async () => {
  cli = await CommandLine.build();
});
afterAll(() => cli.remove());
beforeEach(async () => {
  folder = await temporaryFolder();
  run = path.join(folder, 'mae');
  for (const step of [15, 60]) await cp(path.join(fixtures, `mae-step${step}.pt`), path.join(run, 'checkpoints', `step=${step}.pt`));
  await writeFile(path.join(run, 'log.txt'), '{"epoch": 0, "train_loss": 1}\n');
  await writeImages(path.join(folder, 'seen.npy'), { count: 20, channels: 1, side: 8 });
  await writeImages(path.join(folder, 'unseen.npy'), { count: 20, channels: 1, side: 8, first: 5_000 });
  images = ['--data', path.join(folder, 'seen.npy'), '--held-out', path.join(folder, 'unseen.npy'), '--samples', '12', '--views', '4'];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Features {
  readonly features: readonly { readonly checkpoint: string; readonly file: string; readonly isNew: boolean }[];
  readonly problems: readonly FileProblem[];
}
interface Measured {
  readonly records: readonly MeasurementRecord[];
  readonly problems: readonly FileProblem[];
}
const remembered = path.join('.layerscope', 'probe-data.json');
const features = async (...args: string[]): Promise<Features> => documentOf<Features>(await cli.run(['features', ...args, '--json']));

describe('layerscope features', { timeout: 120_000 }, () => {
  it('writes a probe file of each checkpoint that no probe was recorded at, and remembers what it was asked for', async () => {
    const taken = await features(run, ...images, ...heads, '--seed', '3');
    expect(taken.features.map(({ checkpoint, isNew }) => [checkpoint, isNew])).toEqual([['checkpoints/step=15.pt', true], ['checkpoints/step=60.pt', true]]);
    expect(taken.problems).toEqual([]);
    expect(JSON.parse(await readFile(path.join(run, remembered), 'utf8'))).toMatchObject({ train: path.join(folder, 'seen.npy'), samples: 12, views: 4, seed: 3, heads: 2, role: null });
    const probe = await openProbe(taken.features[1]!.file);
    expect(probe).toMatchObject({ step: 60, rows: 96, samples: 24, problems: [] });
    expect(probe.layers.map(({ name, width, dtype }) => [name, width, dtype])).toEqual([['blocks.0', 16, 'F16'], ['norm', 16, 'F16']]);
    expect(probe.metadata).toMatchObject({ layerscope: '1', views: '4', extracted_from: 'checkpoints/step=60.pt', extracted_from_version: expect.stringMatching(/^sha1:[0-9a-f]{40}$/) as string });
    await probe.close();
    // Without options as it was remembered: there is nothing left to do.
    expect((await features(run)).features.every(({ isNew }) => !isNew)).toBe(true);
    expect((await features(run, '--again')).features.every(({ isNew }) => isNew)).toBe(true);
  });

  it('is what measure, diagnose and export have to measure, then and when measure is told itself', async () => {
    await rm(path.join(run, 'checkpoints/step=15.pt'));
    const quick = ['--metric', 'alignment', '--json'];
    const first = documentOf<Measured>(await cli.run(['measure', run, ...images, '--samples', '6', '--views', '2', ...heads, ...quick]));
    expect(first.problems.filter(({ severity }) => severity !== 'info')).toEqual([]);
    expect(first.records.filter(({ step, layer }) => step === 60 && layer === 'norm').map(({ split }) => split)).toEqual(['train', 'held_out', 'gap']);
    expect(first.records.every(({ source }) => /^\.layerscope\/features\/checkpoints\/step=\d+\.pt\.[0-9a-f]{16}\.safetensors$/.test(source))).toBe(true);
    const again = await cli.run(['measure', run, '--metric', 'alignment']);
    expect(again.stderr).toContain('0 layers measured now');
    expect(await cli.run(['diagnose', run])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^No findings in \d+ records of 1 checkpoint/) as string });
    const out = path.join(folder, 'run.json');
    await cli.run(['export', run, '--out', out]);
    const detail = JSON.parse(await readFile(out, 'utf8')) as { run: { files: { kind: string; format: string; state: string }[] } };
    expect(detail.run.files.filter(({ kind }) => kind === 'probe')).toMatchObject([{ format: 'features of checkpoints/step=60.pt', state: 'measured' }]);
  });

  it('takes one checkpoint that is named, writes where it is told, and remembers nothing then', async () => {
    const lonely = path.join(folder, 'elsewhere', 'model.pt');
    await mkdir(path.dirname(lonely));
    await copyFile(path.join(fixtures, 'mae-step60.pt'), lonely);
    expect(await cli.run(['features', lonely, ...images, ...heads])).toMatchObject({ code: 2, stderr: expect.stringContaining('--out DIR is missing') as string });
    const out = path.join(folder, 'out');
    const taken = await features(lonely, ...images, ...heads, '--out', out);
    expect(taken.features).toEqual([{ checkpoint: 'model.pt', file: path.join(out, 'model.pt.safetensors'), isNew: true }]);
    expect(await readdir(path.dirname(lonely))).toEqual(['model.pt']);
  });

  it('says what is wrong, and remembers nothing that cannot work', async () => {
    const failed = (...args: string[]) => cli.run(['features', run, ...args]);
    expect(await failed()).toMatchObject({ code: 2, stderr: expect.stringContaining('--data DIR|FILE is missing') as string });
    expect(await failed('--samples', '3')).toMatchObject({ code: 2, stderr: expect.stringContaining('--data DIR|FILE is missing') as string });
    expect(await failed(...images)).toMatchObject({ code: 1, stderr: expect.stringMatching(/checkpoints\/step=60\.pt: its model cannot be run: .*heads/) as string });
    expect(await failed(...images, ...heads, '--provider', 'quantum')).toMatchObject({ code: 2, stderr: expect.stringContaining('--provider is auto, cpu, cuda') as string });
    expect(await readdir(path.join(run, '.layerscope')).catch(() => [])).toEqual([]);
    await cp(path.join(fixtures, 'with-loss.pt'), path.join(run, 'checkpoints', 'step=20.pt'));
    const { features: taken, problems } = await features(run, ...images, ...heads);
    expect(taken).toHaveLength(2);
    expect(problems).toMatchObject([{ file: 'checkpoints/step=20.pt', severity: 'error', reason: expect.stringMatching(/tensors do not fit/) as string }]);
  });

  it.skipIf(process.platform === 'win32')('stops cleanly when it is interrupted, keeps what is finished and goes on from there', async () => {
    await writeImages(path.join(folder, 'seen.npy'), { count: 3_000, channels: 1, side: 8 });
    const args = ['features', run, '--data', path.join(folder, 'seen.npy'), '--samples', '3000', '--views', '8', ...heads];
    const results = path.join(run, '.layerscope/features/checkpoints');
    const finished = await cli.run(args, (child) => {
      const timer = setInterval(() => {
        void readdir(results).catch(() => []).then((names) => {
          if (!names.some((name) => name.endsWith('.safetensors'))) return;
          clearInterval(timer);
          child.kill('SIGINT');
        });
      }, 5);
    });
    expect(finished).toMatchObject({ code: 130, stderr: expect.stringContaining('interrupted; what was finished is kept') as string });
    expect(await readdir(results)).toEqual([expect.stringMatching(/^step=15\.pt\.[0-9a-f]{16}\.safetensors$/)]);
    expect((await features(run)).features.map(({ isNew }) => isNew)).toEqual([false, true]);
  });

  it('gives landscape its images and what is said of the model', async () => {
    await features(run, ...images, ...heads);
    const { surfaces } = documentOf<{ surfaces: { setting: { data: string; images: number } }[] }>(await cli.run(['landscape', run, '--images', '4', '--grid', '3', '--provider', 'cpu', '--threads', '1', '--json']));
    expect(surfaces[0]!.setting).toMatchObject({ data: path.join(folder, 'seen.npy'), images: 4 });
  });
});
