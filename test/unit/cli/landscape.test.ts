import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LandscapeSurface } from '../../../src/protocol';
import { CommandLine, documentOf, repository } from './commandLine';
import { temporaryFolder } from './files';

const fixtures = path.join(repository, 'test/fixtures/landscape');
const model = ['--data', path.join(fixtures, 'images.npy'), '--images', '4', '--heads', '2', '--decoder-heads', '2', '--norm-pix', '--threads', '1'];
let cli: CommandLine;
let run: string;

beforeAll(async () => {
  cli = await CommandLine.build();
});
afterAll(() => cli.remove());
beforeEach(async () => {
  run = path.join(await temporaryFolder(), 'mae');
  for (const step of [15, 30, 60]) await cp(path.join(fixtures, `mae-step${step}.pt`), path.join(run, 'checkpoints', `step=${step}.pt`));
  await writeFile(path.join(run, 'log.txt'), '{"epoch": 0, "train_loss": 1}\n');
});
afterEach(() => rm(path.dirname(run), { recursive: true, force: true }));

interface Landscapes {
  readonly surfaces: readonly LandscapeSurface[];
  readonly problems: readonly unknown[];
}

describe('layerscope landscape', () => {
  it('computes the surface of the last checkpoint of a run, keeps its points in the run, and writes the document to a file', async () => {
    const out = path.join(run, 'surface.json');
    const finished = await cli.run(['landscape', run, ...model, '--grid', '3', '--out', out, '--json']);
    expect([finished.code, finished.stderr]).toEqual([0, '']);
    const { surfaces, problems } = documentOf<Landscapes>(finished);
    expect(problems).toEqual([]);
    expect(surfaces).toHaveLength(1);
    expect(surfaces[0]).toMatchObject({ name: 'mae/checkpoints/step=60.pt', step: 60, setting: { loss: 'mae', directions: 'random', images: 4 } });
    expect(JSON.parse(await readFile(out, 'utf8'))).toEqual({ surfaces, problems });
    expect((await readFile(path.join(run, '.layerscope', 'landscapes.jsonl'), 'utf8')).trimEnd().split('\n')).toHaveLength(1 + 9);
    const again = await cli.run(['landscape', run, ...model, '--grid', '3']);
    expect(again.stderr).toContain('0 points computed now');
    expect(again.stdout).toMatch(/^mae\/checkpoints\/step=60\.pt +mae +3 x 3 +\d/m);
  });

  it('draws a line, and a trajectory of all checkpoints of a run', async () => {
    const line = documentOf<Landscapes>(await cli.run(['landscape', '--line', path.join(run, 'checkpoints/step=15.pt'), run, ...model, '--grid', '5', '--json']));
    expect(line.surfaces[0]).toMatchObject({ x: [-0.5, 0, 0.5, 1, 1.5], y: [], name: 'mae/checkpoints/step=15.pt to mae/checkpoints/step=60.pt' });
    const plane = documentOf<Landscapes>(await cli.run(['landscape', run, '--trajectory', ...model, '--grid', '4', '--json']));
    expect(plane.surfaces[0]!.trajectory.map(({ step }) => step)).toEqual([15, 30, 60]);
  });

  it.skipIf(process.platform === 'win32')('goes on after it was interrupted', async () => {
    const args = ['landscape', run, ...model, '--grid', '15', '--json'];
    const file = path.join(run, '.layerscope', 'landscapes.jsonl');
    const points = async () => (await readFile(file, 'utf8').catch(() => '')).trimEnd().split('\n').length - 1;
    const finished = await cli.run(args, (child) => {
      const timer = setInterval(() => {
        void points().then((known) => {
          if (known < 5) return;
          clearInterval(timer);
          child.kill('SIGINT');
        });
      }, 5);
      child.on('exit', () => clearInterval(timer));
    });
    expect([finished.code, finished.stdout]).toEqual([130, '']);
    const known = await points();
    expect(known).toBeLessThan(225);
    const rest = await cli.run(args.slice(0, -1));
    expect(rest.stderr).toContain(`${225 - known} points computed now`);
  });

  it('says what is wrong with the arguments or the files', async () => {
    const failing = async (...args: string[]) => {
      const { code, stderr, stdout } = await cli.run(['landscape', ...args]);
      expect(stdout).toBe('');
      return [code, stderr] as const;
    };
    expect(await failing()).toEqual([2, expect.stringContaining('RUN or CHECKPOINT is missing')]);
    expect(await failing(run)).toEqual([2, expect.stringContaining('--data DIR|FILE is missing')]);
    expect(await failing(run, ...model, '--grid', '4')).toEqual([2, expect.stringContaining('--grid is an odd number of at least 3')]);
    expect(await failing(run, ...model, '--grid', '53')).toEqual([2, expect.stringContaining('--grid is at most 51')]);
    expect(await failing(run, ...model, '--line')).toEqual([2, expect.stringContaining('--line takes two checkpoints, not 1')]);
    expect(await failing(run, ...model, '--range', '0')).toEqual([2, expect.stringContaining('--range is a number above 0')]);
    expect(await failing(run, ...model, '--role', 'pupil')).toEqual([2, expect.stringContaining('--role is model, student, teacher')]);
    expect(await failing(run, ...model, '--loss', 'hinge')).toEqual([1, expect.stringContaining('There is no loss "hinge"')]);
    expect(await failing(run, '--data', path.join(run, 'nothing'))).toEqual([1, expect.stringContaining('nothing')]);
    expect(await failing(path.join(fixtures, 'images.npy'), ...model)).toEqual([1, expect.stringContaining('images.npy: cannot be run: No known model')]);
  });
});

describe('layerscope surface', () => {
  it('reads the surface of another program', async () => {
    const finished = await cli.run(['surface', path.join(fixtures, 'reference.h5'), '--json']);
    expect([finished.code, finished.stderr]).toEqual([0, '']);
    expect(documentOf<LandscapeSurface>(finished)).toMatchObject({ name: 'reference', setting: { directions: 'imported', loss: 'train_loss' }, minimum: { x: 0, y: 0, loss: 1 } });
    expect((await cli.run(['surface', path.join(fixtures, 'companion.npz')])).stdout).toMatch(/^companion +loss +5 x 5 +0\.1366/m);
  });

  it('says why a file is no surface', async () => {
    expect(await cli.run(['surface', path.join(fixtures, 'no-surface.npz')])).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('is no loss surface') as string });
  });
});
