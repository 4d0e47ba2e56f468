import { chmod, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CommandLine, documentOf, sampleRuns } from './commandLine';
import { f32, probe, safetensors, temporaryFolder, writeFiles } from './files';

let cli: CommandLine;
let folder: string;
beforeAll(async () => {
  cli = await CommandLine.build();
});
afterAll(() => cli.remove());
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Problem {
  readonly file: string;
  readonly place: string;
  readonly reason: string;
  readonly severity: string;
}

describe('layerscope runs', () => {
  it('finds the recorded runs with their files, as one JSON document', async () => {
    const finished = await cli.run(['runs', sampleRuns, '--json']);
    expect([finished.code, finished.stderr]).toEqual([0, '']);
    const { runs, problems } = documentOf<{ runs: Record<string, unknown>[]; problems: Problem[] }>(finished);
    expect(problems).toEqual([]);
    expect(runs.map(({ name }) => name)).toEqual(['simclr-digits-healthy', 'simclr-digits-memorizing']);
    for (const run of runs) {
      expect(Object.keys(run)).toEqual(['name', 'folder', 'epoch', 'step', 'modified', 'files', 'problems']);
      expect(run).toMatchObject({ folder: path.join(sampleRuns, String(run['name'])), problems: [] });
      const files = run['files'] as { kind: string; path: string; format: string; bytes: number; epoch: number | null }[];
      expect(files.find(({ kind }) => kind === 'log')).toMatchObject({ path: 'log.txt' });
      const probes = files.filter(({ kind }) => kind === 'probe');
      expect(probes.length).toBeGreaterThanOrEqual(12);
      expect(probes[0]).toMatchObject({ path: 'probes/epoch=0000.safetensors', format: 'safetensors probe', epoch: 0 });
      expect(run['epoch']).toBe(Math.max(...probes.map(({ epoch }) => epoch ?? 0)));
    }
  });

  it('prints a table for people', async () => {
    const { code, stdout } = await cli.run(['runs', sampleRuns]);
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/^run +epoch +step +logs +checkpoints +probes +size +problems$/);
    expect(stdout).toMatch(/^simclr-digits-memorizing +\d+ /m);
  });

  it('finds nothing in an empty folder and that is no error', async () => {
    expect(documentOf(await cli.run(['runs', folder, '--json']))).toEqual({ runs: [], problems: [] });
    expect(await cli.run(['runs', folder])).toMatchObject({ code: 0, stdout: 'No runs found.\n' });
  });

  it('lists a broken file as a problem of its run, with place and reason', async () => {
    await writeFiles(folder, { 'log.txt': '{"epoch": 0, "loss": 1}\n', 'probes/epoch=0001.safetensors': probe({ epoch: 1 }).subarray(0, 100) });
    const finished = await cli.run(['runs', folder, '--json']);
    expect(finished.code).toBe(0);
    const { runs } = documentOf<{ runs: { name: string; problems: Problem[] }[] }>(finished);
    expect(runs).toHaveLength(1);
    expect(runs[0]?.problems).toHaveLength(1);
    expect(runs[0]?.problems[0]).toMatchObject({ file: 'probes/epoch=0001.safetensors', severity: 'warning' });
    expect(runs[0]?.problems[0]?.reason).not.toBe('');
  });

  it.skipIf(process.getuid?.() === 0)('names a folder it may not look into and goes on', async () => {
    await writeFiles(folder, { 'a/log.txt': '{"epoch": 0, "loss": 1}\n' });
    await mkdir(path.join(folder, 'closed'), { mode: 0 });
    const finished = await cli.run(['runs', folder, '--json']);
    await chmod(path.join(folder, 'closed'), 0o755);
    expect(finished.code).toBe(0);
    const { runs, problems } = documentOf<{ runs: unknown[]; problems: Problem[] }>(finished);
    expect(runs).toHaveLength(1);
    expect(problems[0]).toMatchObject({ file: path.join(folder, 'closed') });
  });

  it('refuses a file', async () => {
    await writeFiles(folder, { 'log.txt': '{"epoch": 0}\n' });
    const { code, stderr } = await cli.run(['runs', path.join(folder, 'log.txt')]);
    expect(code).toBe(1);
    expect(stderr).toContain('is not a folder');
  });
});

interface Scalars {
  readonly run: string;
  readonly series: readonly { tag: string; source: string; epochs: (number | null)[]; steps: (number | null)[]; values: (number | null)[]; nonFinite: number }[];
  readonly problems: readonly Problem[];
}

describe('layerscope scalars', () => {
  it('reads what a recorded run logged', async () => {
    const finished = await cli.run(['scalars', path.join(sampleRuns, 'simclr-digits-memorizing'), '--json']);
    expect([finished.code, finished.stderr]).toEqual([0, '']);
    const { run, series, problems } = documentOf<Scalars>(finished);
    expect([run, problems]).toEqual(['simclr-digits-memorizing', []]);
    const loss = series.find(({ tag }) => tag === 'train_loss');
    expect(loss).toMatchObject({ source: 'log.txt', nonFinite: 0 });
    expect(loss?.epochs.length).toBe(loss?.values.length);
    expect(loss?.steps.length).toBe(loss?.values.length);
    expect(loss?.values.length).toBeGreaterThan(100);
    expect(loss?.values.every((value) => typeof value === 'number' && value > 0)).toBe(true);
  });

  it('chooses quantities by a glob whose star stands for slashes, too', async () => {
    await writeFiles(folder, { 'log.txt': '{"epoch": 0, "train/loss": 1, "val/loss": 2, "lr": 3}\n' });
    const { series } = documentOf<Scalars>(await cli.run(['scalars', folder, '--tag', '*loss', '--json']));
    expect(series.map(({ tag }) => tag)).toEqual(['train/loss', 'val/loss']);
  });

  it.each([{ how: 'as a table', options: [] }, { how: 'as JSON', options: ['--json'] }])('refuses a glob that matches nothing and says what there is, $how', async ({ options }) => {
    await writeFiles(folder, { 'log.txt': `{"epoch": 0, ${Array.from({ length: 12 }, (_, at) => `"loss/${String(at)}": 1`).join(', ')}}\n` });
    expect(await cli.run(['scalars', folder, '--tag', 'acc*', ...options])).toMatchObject({
      code: 1, stdout: '',
      stderr: `layerscope scalars: ${folder}: no quantity matches --tag "acc*"; there are 12 quantities: loss/0, loss/1, loss/2, loss/3, loss/4, loss/5, loss/6, loss/7, ...\n`,
    });
    await writeFiles(folder, { 'log.txt': '' });
    expect(await cli.run(['scalars', path.join(folder, 'log.txt'), '--tag', 'acc*', ...options])).toMatchObject({
      code: 1, stdout: '', stderr: expect.stringContaining('no quantity matches --tag "acc*"; no quantity was found in it') as string,
    });
  });

  it('reads one log file, with NaN as null and counted', async () => {
    await writeFiles(folder, { 'metrics.csv': 'epoch,loss\n0,1.5\n1,nan\n2,inf\n3,0.5\n' });
    const finished = await cli.run(['scalars', path.join(folder, 'metrics.csv'), '--json']);
    expect(finished.code).toBe(0);
    const { run, series } = documentOf<Scalars>(finished);
    expect(run).toBe(path.basename(folder));
    expect(series).toEqual([
      { tag: 'loss', source: 'metrics.csv', epochs: [0, 1, 2, 3], steps: [null, null, null, null], values: [1.5, null, null, 0.5], nonFinite: 2 },
    ]);
  });

  it('names the line of a broken record and reads on behind it', async () => {
    await writeFiles(folder, { 'log.txt': '{"epoch": 0, "loss": 3}\n{"epoch": 1, "lo\n{"epoch": 2, "loss": 1}\n' });
    const finished = await cli.run(['scalars', folder, '--json']);
    expect(finished.code).toBe(0);
    const { series, problems } = documentOf<Scalars>(finished);
    expect(series[0]).toMatchObject({ tag: 'loss', epochs: [0, 2], values: [3, 1] });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ file: 'log.txt', place: 'line 2' });
  });

  it('says that an empty log is empty', async () => {
    await writeFiles(folder, { 'log.txt': '' , 'probes/epoch=0.safetensors': probe({ epoch: 0 }) });
    const finished = await cli.run(['scalars', folder, '--json']);
    expect(finished.code).toBe(0);
    expect(documentOf<Scalars>(finished)).toMatchObject({ series: [], problems: [{ file: 'log.txt', reason: 'is empty: nothing has been logged yet' }] });
  });

  it('refuses a file that is no log and a folder that holds no run, or only runs below it', async () => {
    await writeFiles(folder, { 'below/epoch=0.safetensors': probe({ epoch: 0 }) });
    const noLog = await cli.run(['scalars', path.join(folder, 'below/epoch=0.safetensors')]);
    expect([noLog.code, noLog.stdout]).toEqual([1, '']);
    expect(noLog.stderr).toContain('not a log that can be read');
    const above = await cli.run(['scalars', folder]);
    expect(above.code).toBe(1);
    expect(above.stderr).toContain('runs below it: below');
    await rm(path.join(folder, 'below'), { recursive: true });
    const none = await cli.run(['scalars', folder]);
    expect(none.code).toBe(1);
    expect(none.stderr).toContain('holds no run');
  });
});

describe('layerscope inspect', () => {
  it('lists tensors in file order with shape, dtype and bytes', async () => {
    const file = path.join(folder, 'weights.safetensors');
    await writeFiles(folder, { 'weights.safetensors': safetensors({ b: f32([2, 3], () => 1), a: f32([4], () => 0) }, { note: 'hello' }) });
    const finished = await cli.run(['inspect', file, '--json']);
    expect([finished.code, finished.stderr]).toEqual([0, '']);
    expect(documentOf(finished)).toEqual({
      file,
      format: 'safetensors',
      metadata: { note: 'hello' },
      tensors: [{ name: 'b', shape: [2, 3], dtype: 'F32', bytes: 24 }, { name: 'a', shape: [4], dtype: 'F32', bytes: 16 }],
      problems: [],
    });
    const { stdout } = await cli.run(['inspect', file]);
    expect(stdout).toContain('note: hello');
    expect(stdout).toMatch(/^b +\[2, 3\] +F32 +24$/m);
  });

  it('keeps what a file says from moving the cursor', async () => {
    await writeFiles(folder, { 'odd.safetensors': safetensors({ 'a\u001b[2J\nb': f32([1], () => 0) }) });
    const { stdout } = await cli.run(['inspect', path.join(folder, 'odd.safetensors')]);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('a [2J b');
  });

  const whole = probe({ epoch: 0 });
  const headerTooLong = Buffer.from(whole);
  headerTooLong.writeBigUInt64LE(BigInt(whole.length * 2));
  it.each([
    ['a truncated file', whole.subarray(0, whole.length - 10)],
    ['a header that is longer than the file', headerTooLong],
    ['an empty file', Buffer.alloc(0)],
    ['another file', Buffer.from('nothing of ours')],
  ])('refuses %s with exit code 1, naming the file and the reason', async (_, bytes) => {
    const file = path.join(folder, 'epoch=0.safetensors');
    await writeFiles(folder, { 'epoch=0.safetensors': bytes });
    const { code, stdout, stderr } = await cli.run(['inspect', file, '--json']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.startsWith(`layerscope inspect: ${file}`)).toBe(true);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr.length).toBeGreaterThan(`layerscope inspect: ${file}`.length + 10);
  });

  it('refuses a folder', async () => {
    const { code, stderr } = await cli.run(['inspect', folder]);
    expect(code).toBe(1);
    expect(stderr).toContain('is a folder, not a file');
  });
});

describe('a reader that leaves early', () => {
  it('is no crash and no error', async () => {
    await writeFiles(folder, { 'log.txt': Array.from({ length: 60_000 }, (_, epoch) => `{"epoch": ${String(epoch)}, "loss": 0.123456789}\n`).join('') });
    const { code, signal, stderr } = await cli.run(['scalars', folder, '--json'], (child) => {
      child.stdout.once('data', () => child.stdout.destroy());
    });
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  });
});
