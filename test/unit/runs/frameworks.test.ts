import { cpSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ScalarSeries } from '../../../src/protocol';
import { findRuns } from '../../../src/runs';
import { fixturePath } from '../formats/build';
import { expectation, finite, runsOf, seriesOf } from './logFixtures';

type Cells = readonly (number | string)[];
type Scalars = Readonly<Record<string, readonly Cells[]>>;

/** tag -> the points as [step, epoch, value], [epoch, value] or [step, value], whichever the expectation has. */
function pointsOf(series: readonly ScalarSeries[], axes: readonly ('epochs' | 'steps')[]): Record<string, (number | null)[][]> {
  return Object.fromEntries(series.map((each) => [each.tag, each.values.map((value, i) => [...axes.map((axis) => each[axis][i]!), value])]));
}
const wanted = (scalars: Scalars) => Object.fromEntries(Object.entries(scalars).map(([tag, points]) => [tag, points.map((cells) => cells.map(finite))]));
const jsonNames = (folder: string) => readdirSync(fixturePath(`logs/${folder}`)).filter((name) => name.endsWith('.expected.json')).map((name) => name.replace('.expected.json', ''));

describe('runs of every framework, found without configuration', () => {
  it.each(jsonNames('jsonlines'))('log.txt of MAE, DINO, MoCo v3 and RC-MAE: %s', async (name) => {
    const { file, scalars } = expectation<{ file: string; scalars: Scalars }>(`jsonlines/${name}`);
    const run = (await runsOf('logs/jsonlines')).get(file.replace('/log.txt', ''))!;
    // Expectations name the outermost level only; numbers below it are read as well.
    const series = (await seriesOf(run)).filter(({ tag }) => !tag.includes('/'));
    expect(pointsOf(series, ['epochs'])).toEqual(wanted(scalars));
  });

  it.each(jsonNames('keras'))('Keras CSVLogger: %s', async (name) => {
    const { file, scalars } = expectation<{ file: string; scalars: Scalars }>(`keras/${name}`);
    const run = (await runsOf('logs/keras')).get('fixtures')!;
    const series = (await seriesOf(run)).filter(({ source }) => source === file);
    expect(pointsOf(series, ['epochs'])).toEqual(wanted(scalars));
  });

  it.each(['version_0', 'version_1'])('Lightning: lightning_logs/%s with metrics.csv and checkpoints', async (name) => {
    const { run: folder, scalars } = expectation<{ run: string; scalars: Scalars }>(`lightning/${name}`);
    const run = (await runsOf('logs/lightning')).get(folder)!;
    expect(pointsOf(await seriesOf(run), ['steps', 'epochs'])).toEqual(wanted(scalars));
    expect(run.files.filter(({ kind }) => kind === 'checkpoint').map(({ path }) => path)).toEqual(name === 'version_0' ? ['checkpoints/epoch=1-step=8.ckpt', 'checkpoints/last.ckpt'] : []);
  });

  it('Hugging Face Trainer: checkpoints of one output folder are one run, whose log is that of the newest', async () => {
    const run = (await runsOf('checkpoints/huggingface')).get('trainer')!;
    const { scalars } = JSON.parse(JSON.stringify(await expectationOf('trainer-checkpoint-20'))) as { scalars: Scalars };
    expect(pointsOf(await seriesOf(run), ['steps', 'epochs'])).toEqual(wanted(scalars));
    expect(new Set((await seriesOf(run)).map(({ source }) => source))).toEqual(new Set(['checkpoint-20/trainer_state.json']));
    expect(run.files.filter(({ path }) => path.endsWith('model.safetensors')).map(({ step }) => step)).toEqual([10, 20]);
  });

  it('Hugging Face Trainer: the state that is saved at the end counts when it is the newest', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'layerscope-trainer-'));
    try {
      cpSync(fixturePath('checkpoints/huggingface/trainer'), folder, { recursive: true });
      cpSync(fixturePath('checkpoints/huggingface/trainer-nonfinite/trainer_state.json'), join(folder, 'trainer_state.json'));
      const sources = async (modified: number) => {
        utimesSync(join(folder, 'trainer_state.json'), modified, modified);
        const { runs } = await findRuns([{ name: 'out', path: folder }]);
        return [...new Set((await seriesOf(runs[0]!)).map(({ source }) => source))];
      };
      expect(await sources(Date.now() / 1000 + 10)).toEqual(['trainer_state.json']);
      expect(await sources(1000)).toEqual(['checkpoint-20/trainer_state.json']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('Hugging Face Trainer: numbers that are not finite', async () => {
    const run = (await runsOf('checkpoints/huggingface')).get('trainer-nonfinite')!;
    const { scalars } = (await expectationOf('trainer-nonfinite')) as { scalars: Scalars };
    expect(pointsOf(await seriesOf(run), ['steps', 'epochs'])).toEqual(wanted(scalars));
  });

  it('MLflow: every run of the file store with its metrics', async () => {
    interface MlflowRun {
      readonly folder: string;
      readonly metrics: Readonly<Record<string, readonly [step: number, time: number, value: number | string][]>>;
    }
    const { runs: expected } = expectation<{ runs: readonly MlflowRun[] }>('mlflow/mlruns');
    const runs = await runsOf('logs/mlflow');
    expect([...runs.keys()].sort()).toEqual(expected.map(({ folder }) => folder).sort());
    for (const { folder, metrics } of expected) {
      const points = Object.fromEntries(Object.entries(metrics).map(([tag, values]) => [tag, values.map(([step, , value]) => [step, finite(value)])]));
      expect(pointsOf(await seriesOf(runs.get(folder)!), ['steps'])).toEqual(points);
    }
  });

  it.each(jsonNames('wandb'))('W&B: %s', async (name) => {
    interface Row {
      readonly step: number;
      readonly values: Readonly<Record<string, unknown>>;
    }
    const { run: folder, history } = expectation<{ run: string; history: readonly Row[] }>(`wandb/${name}`);
    const series = await seriesOf((await runsOf('logs/wandb')).get(folder)!);
    const points: Record<string, [number, number | null, number | null][]> = {};
    for (const { step, values } of history) {
      const epoch = typeof values.epoch === 'number' ? values.epoch : null;
      for (const [key, value] of Object.entries(values)) {
        const isNumber = typeof value === 'number' || /^(?:NaN|-?Infinity|-?\d{16,})$/.test(String(value));
        if (isNumber && key !== '_step' && key !== 'epoch') (points[key.replaceAll('␟', '.')] ??= []).push([step, epoch, finite(value as number | string)]);
      }
    }
    expect(pointsOf(series, ['steps', 'epochs'])).toEqual(points);
  });

  it('solo-learn: checkpoints by method and id, and what its loggers leave beside', async () => {
    const runs = await runsOf('logs/solo-learn');
    expect([...runs.keys()].sort()).toEqual([
      'logs/byol/version_0', 'trained_models/barlow_twins/offline-ab12cd34', 'trained_models/byol/0', 'trained_models/simclr/3x7k9q2m', 'wandb/offline-run-20260102_030405-3x7k9q2m',
    ]);
    expect(runs.get('trained_models/byol/0')!.files).toMatchObject([{ kind: 'checkpoint', epoch: 2 }]);
    const { scalars } = expectation<{ scalars: Scalars }>('solo-learn/byol');
    expect(pointsOf(await seriesOf(runs.get('logs/byol/version_0')!), ['steps', 'epochs'])).toEqual(wanted(scalars));
    expect((await seriesOf(runs.get('wandb/offline-run-20260102_030405-3x7k9q2m')!)).length).toBeGreaterThan(0);
  });

  it('lightly: the folder of a job with its checkpoint and the event files below is one run, and points get the epoch of their step', async () => {
    const runs = await runsOf('logs/lightly');
    // The expectation beside them is itself a table of rows.
    runs.delete('fixtures');
    expect([...runs.keys()].sort()).toEqual(['lightly-train', 'lightly_outputs/2026-01-02/03-04-05']);
    const run = runs.get('lightly_outputs/2026-01-02/03-04-05')!;
    expect(run.files.map(({ kind }) => kind).sort()).toEqual(['checkpoint', 'log']);
    const { scalars } = expectation<{ scalars: Scalars }>('lightly/lightly_outputs');
    const epochs = scalars['epoch']!.map(([, , value]) => value as number);
    expect(pointsOf(await seriesOf(run), ['steps', 'epochs'])).toEqual(
      Object.fromEntries(Object.entries(scalars).map(([tag, points]) => [tag, points.map(([step, , value]) => [step, epochs[step as number], value])])),
    );
    const { rows } = expectation<{ rows: readonly { train_loss?: number; epoch: number; step: number }[] }>('lightly/lightly-train');
    const losses = (await seriesOf(runs.get('lightly-train')!)).find(({ tag }) => tag === 'train_loss')!;
    expect(losses.steps).toEqual(rows.filter(({ train_loss: loss }) => loss !== undefined).map(({ step }) => step));
  });
});

async function expectationOf(name: string): Promise<unknown> {
  const { readFile } = await import('node:fs/promises');
  return JSON.parse(await readFile(fixturePath(`checkpoints/huggingface/${name}.expected.json`), 'utf8'));
}
