import { access, chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { featureCatalog, weightCatalog } from '../../../src/metrics';
import type { FileProblem, MeasurementRecord } from '../../../src/protocol';
import { parseRecord, recordKey } from '../../../src/store';
import { CommandLine, documentOf, sampleRuns } from './commandLine';
import { f32, probe, safetensors, temporaryFolder, writeFiles } from './files';
import { zipOf } from '../formats/build';
import { checkpointBytes } from '../worker/writeCheckpoint';

interface Measured {
  readonly run: string;
  readonly engine: { readonly name: string; readonly version: string };
  readonly records: readonly MeasurementRecord[];
  readonly problems: readonly FileProblem[];
}

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

const measure = async (...args: string[]): Promise<Measured> => {
  const finished = await cli.run(['measure', ...args, '--json']);
  expect(finished).toMatchObject({ code: 0 });
  return documentOf<Measured>(finished);
};

const quick = ['--metric', 'alignment'];
const stored = async (): Promise<string> => readFile(path.join(folder, '.layerscope/records.jsonl'), 'utf8');
const exists = (file: string): Promise<boolean> => access(file).then(() => true, () => false);

describe('layerscope measure', () => {
  it('measures every metric of a recorded probe, each record complete', async () => {
    await cp(path.join(sampleRuns, 'simclr-digits-memorizing/probes/epoch=0000.safetensors'), path.join(folder, 'epoch=0000.safetensors'));
    const { engine, records, problems } = await measure(path.join(folder, 'epoch=0000.safetensors'));
    expect(engine).toMatchObject({ name: 'onnxruntime' });
    expect(engine.version).toMatch(/^\d+\.\d+/);
    expect(problems).toEqual([]);
    for (const record of records) {
      expect(parseRecord(JSON.stringify(record))).toEqual(record);
      expect(record).toMatchObject({ run: path.basename(folder), source: 'epoch=0000.safetensors', epoch: 0, layer: expect.any(String) as string });
      expect(record.value === null ? record.warnings.length : 1).toBeGreaterThan(0);
    }
    const layers = new Set(records.map(({ layer }) => layer));
    expect(layers.size).toBeGreaterThanOrEqual(3);
    for (const { id, hasGap } of featureCatalog) {
      const splits = records.filter(({ metric, layerIndex }) => metric === id && layerIndex === 0).map(({ split }) => split);
      expect([id, ...splits]).toEqual([id, 'train', 'held_out', ...(hasGap ? ['gap'] : [])]);
    }
    expect(records.length).toBe(layers.size * featureCatalog.reduce((sum, { hasGap }) => sum + (hasGap ? 3 : 2), 0));
  });

  it('takes the metrics, layers and options that were asked for', async () => {
    await writeFiles(folder, { 'epoch=1.safetensors': probe({ epoch: 1, layers: ['enc.0', 'enc.1', 'head'] }) });
    const { records } = await measure(folder, '--metric', 'alignment,coding_rate', '--layer', 'enc*', '--eps2', '0.1');
    expect(new Set(records.map(({ metric }) => metric))).toEqual(new Set(['alignment', 'coding_rate']));
    expect([...new Set(records.map(({ layer }) => layer))]).toEqual(['enc.0', 'enc.1']);
    const rates = records.filter(({ metric }) => metric === 'coding_rate');
    expect(rates.every(({ options }) => options['eps2'] === 0.1)).toBe(true);
    const other = await measure(folder, '--metric', 'coding_rate', '--layer', 'enc.0');
    expect(other.records.map(({ options }) => options['eps2'])).toEqual([0.5, 0.5, 0.5]);
    expect(other.records[0]?.value).not.toBe(rates[0]?.value);
  });

  it('keeps what it measured beside the run, returns it again and measures nothing twice', async () => {
    await writeFiles(folder, { 'log.txt': '{"epoch": 0}\n', 'probes/epoch=0.safetensors': probe({ epoch: 0 }), 'probes/epoch=1.safetensors': probe({ epoch: 1 }) });
    const first = await cli.run(['measure', folder, ...quick, '--json']);
    expect(first.stderr).toBe('');
    const file = await stored();
    const lines = file.trimEnd().split('\n').map(parseRecord);
    expect(lines).toHaveLength(documentOf<Measured>(first).records.length);
    expect(await cli.run(['measure', folder, ...quick, '--json'])).toEqual(first);
    expect(await stored()).toBe(file);
    const told = await cli.run(['measure', folder, ...quick]);
    expect(told.stderr).toMatch(/^0 layers measured now/m);
    expect(told.stdout).toMatch(/^18 records of 2 files$/m);
    expect(told.stdout).toMatch(/^block0 +alignment +[\d.]+ +[\d.]+ +-?[\d.e-]+ +[\d.e-]+$/m);
  });

  it('refuses a glob that matches no layer, says what there is, and measures nothing', async () => {
    const good = probe({ epoch: 1, layers: ['enc.0', 'enc.1'] });
    await writeFiles(folder, { 'probes/epoch=0.safetensors': good.subarray(0, good.length - 40), 'probes/epoch=1.safetensors': good });
    const out = path.join(folder, 'records.out');
    for (const options of [[], ['--json'], ['--out', out]]) {
      const { code, stdout, stderr } = await cli.run(['measure', folder, '--layer', 'block*', ...options]);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^error: probes\/epoch=0\.safetensors/m);
      expect(stderr).toContain(`layerscope measure: ${folder}: no layer matches --layer "block*"; there are 2 layers: enc.0, enc.1\n`);
    }
    expect(await exists(path.join(folder, '.layerscope'))).toBe(false);
    expect(await exists(out)).toBe(false);
  });

  it('takes a part of the files of which no layer matches for nothing wrong where one of another part does', async () => {
    await writeFiles(folder, { 'probes/epoch=0.safetensors': probe({ epoch: 0, layers: ['old'] }), 'probes/epoch=1.safetensors': probe({ epoch: 1, layers: ['new'] }) });
    const parts = [await measure(folder, ...quick, '--layer', 'new', '--shard', '1/3'), await measure(folder, ...quick, '--layer', 'new', '--shard', '2/3'), await measure(folder, ...quick, '--layer', 'new', '--shard', '3/3')];
    expect(parts.map(({ records }) => records.length)).toEqual([0, 3, 0]);
    expect(await cli.run(['measure', folder, '--layer', 'none', '--shard', '3/3'])).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/there are 2 layers: old, new\n$/) as string });
  });

  it('refuses metrics of which nothing in a run can be measured, and lists one among others as a problem', async () => {
    await writeFiles(folder, { 'probes/epoch=0.safetensors': probe({ epoch: 0 }) });
    expect(await cli.run(['measure', folder, '--metric', 'ww_alpha', '--json'])).toMatchObject({ code: 1, stdout: '', stderr: `layerscope measure: ${folder}: holds no checkpoint: ww_alpha cannot be measured of it\n` });
    const { records, problems } = await measure(folder, '--metric', 'alignment,ww_alpha');
    expect(new Set(records.map(({ metric }) => metric))).toEqual(new Set(['alignment']));
    expect(problems).toEqual([{ file: '.', place: 'metric ww_alpha', reason: 'cannot be measured: there is no checkpoint', severity: 'warning' }]);
  });

  it('lists a bad probe of a run and measures the rest', async () => {
    const good = probe({ epoch: 1 });
    await writeFiles(folder, { 'probes/epoch=0.safetensors': good.subarray(0, good.length - 40), 'probes/epoch=1.safetensors': good });
    const { records, problems } = await measure(folder, ...quick);
    expect(new Set(records.map(({ source }) => source))).toEqual(new Set(['probes/epoch=1.safetensors']));
    expect(problems.map(({ file }) => file)).toContain('probes/epoch=0.safetensors');
    for (const { place, reason } of problems) expect(`${place}${reason}`).not.toBe('');
  });

  it('gives null with the reason where features cannot be measured', async () => {
    const views = (layer: number, index: number): number => (layer === 1 ? 0 : layer === 2 ? NaN : Math.sin(index));
    await writeFiles(folder, { 'epoch=0.safetensors': probe({ epoch: 0, valueAt: views }) });
    const finished = await cli.run(['measure', folder, ...quick, '--json']);
    expect(finished.stdout).not.toMatch(/: -?(NaN|Infinity)/);
    const { records } = documentOf<Measured>(finished);
    const of = (layer: string): MeasurementRecord | undefined => records.find((record) => record.layer === layer && record.split === 'train');
    expect(of('block0')?.value).toEqual(expect.any(Number));
    expect(of('block1')?.value).toBeNull();
    expect(of('block1')?.warnings.join()).toContain('zero');
    expect(of('block2')?.value).toBeNull();
    expect(of('block2')?.warnings.join()).toContain('NaN');
  });

  it('says why a probe with one view has no alignment', async () => {
    await writeFiles(folder, { 'epoch=0.safetensors': probe({ epoch: 0, views: 1 }) });
    const { records } = await measure(folder, ...quick);
    expect(records.length).toBeGreaterThan(0);
    for (const { value, warnings } of records) {
      expect(value).toBeNull();
      expect(warnings.join()).toContain('two views');
    }
  });

  it('shares the layers of a run with another one that measures it at the same time', async () => {
    const probes = Array.from({ length: 10 }, (_, epoch) => [`probes/epoch=${String(epoch)}.safetensors`, probe({ epoch, samples: 64, views: 8, width: 48 })] as const);
    await writeFiles(folder, Object.fromEntries(probes));
    const both = await Promise.all([1, 2].map(() => measure(folder, '--metric', 'alignment,rankme,coding_rate')));
    expect(both[0]?.records).toHaveLength(10 * 3 * 8);
    expect(both[0]).toEqual(both[1]);
    const lines = (await stored()).trimEnd().split('\n').map(parseRecord);
    expect(new Set(lines.map(recordKey)).size).toBe(10 * 3 * 8);
    // What both have at the same moment is measured twice; each layer would be if they did not look.
    expect(lines.length).toBeLessThan(1.5 * 10 * 3 * 8);
  });

  it('adds to --out what is not in it yet, and mends nothing else', async () => {
    await writeFiles(folder, { 'run/probes/epoch=0.safetensors': probe({ epoch: 0 }), 'run/probes/epoch=1.safetensors': probe({ epoch: 1 }) });
    const out = path.join(folder, 'all.jsonl');
    const run = path.join(folder, 'run');
    const one = await measure(run, ...quick, '--shard', '1/2', '--out', out);
    const two = await measure(run, ...quick, '--shard', '2/2', '--out', out);
    expect([one.records.length, two.records.length]).toEqual([9, 9]);
    const lines = await readFile(out, 'utf8');
    expect(lines.trimEnd().split('\n').map(parseRecord)).toEqual([...one.records, ...two.records]);
    const whole = await measure(run, ...quick, '--out', out);
    expect(whole.records).toHaveLength(18);
    expect(await readFile(out, 'utf8')).toBe(lines);
    await writeFile(path.join(folder, 'notes.txt'), 'my notes\n');
    const refused = await cli.run(['measure', run, ...quick, '--out', path.join(folder, 'notes.txt')]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('notes.txt, line 1: not a record');
    expect(await readFile(path.join(folder, 'notes.txt'), 'utf8')).toBe('my notes\n');
  });

  it('leaves nothing beside a probe that lies alone', async () => {
    await writeFiles(folder, { 'sent.safetensors': probe({ epoch: 3 }), 'letter.docx': 'hello' });
    const { records } = await measure(path.join(folder, 'sent.safetensors'), ...quick);
    expect(records).toHaveLength(9);
    expect((await readdir(folder)).sort()).toEqual(['letter.docx', 'sent.safetensors']);
    await writeFiles(folder, { 'log.txt': '{"epoch": 0}\n' });
    await measure(path.join(folder, 'sent.safetensors'), ...quick);
    expect(await exists(path.join(folder, '.layerscope/records.jsonl'))).toBe(true);
  });

  it('measures again what a full disk cut off, also when only the last part of a metric is lost', async () => {
    await writeFiles(folder, { 'log.txt': '{"epoch": 0}\n', 'probes/epoch=0.safetensors': probe({ epoch: 0 }) });
    const whole = await measure(folder, '--metric', 'rankme,alignment');
    const text = await stored();
    for (const cut of [40, text.length - text.trimEnd().lastIndexOf('\n') + 40]) {
      await writeFiles(folder, { '.layerscope/records.jsonl': text.slice(0, -cut) });
      const { records, problems } = await measure(folder, '--metric', 'rankme,alignment');
      const inOrder = (some: readonly MeasurementRecord[]) => some.map((record) => JSON.stringify(record)).sort();
      expect([inOrder(records), problems]).toEqual([inOrder(whole.records), []]);
    }
  });

  it('prints the records all the same where it cannot keep them, with a note', async () => {
    await writeFiles(folder, { 'log.txt': '{"epoch": 0}\n', 'probes/epoch=0.safetensors': probe({ epoch: 0 }), '.layerscope': 'a file where the folder should be' });
    const finished = await cli.run(['measure', folder, ...quick]);
    expect(finished.code).toBe(0);
    expect(finished.stdout).toContain('9 records of 1 file');
    expect(finished.stderr).toContain('records cannot be written here');
  });

  it.skipIf(process.getuid?.() === 0)('measures in a folder that it may only read', async () => {
    await writeFiles(folder, { 'log.txt': '{"epoch": 0}\n', 'probes/epoch=0.safetensors': probe({ epoch: 0 }) });
    await chmod(folder, 0o555);
    const finished = await cli.run(['measure', folder, ...quick]);
    await chmod(folder, 0o755);
    expect(finished.code).toBe(0);
    expect(finished.stderr).toContain('records cannot be written here');
  });

  it('refuses a probe it cannot use, a folder without a run, and names the runs below', async () => {
    const bytes = probe({ epoch: 0 });
    await writeFiles(folder, { 'bad/epoch=0.safetensors': bytes.subarray(0, 60), 'good/probes/epoch=0.safetensors': bytes });
    await mkdir(path.join(folder, 'good/empty'));
    const bad = await cli.run(['measure', path.join(folder, 'bad/epoch=0.safetensors'), '--json']);
    expect(bad).toMatchObject({ code: 1, stdout: '' });
    expect(bad.stderr).toContain('epoch=0.safetensors');
    const above = await cli.run(['measure', folder]);
    expect(above.code).toBe(1);
    expect(above.stderr).toContain('runs below it: ');
    expect(above.stderr).toContain('good');
    const empty = await cli.run(['measure', path.join(folder, 'good/empty')]);
    expect(empty.code).toBe(1);
    expect(empty.stderr).toContain('holds no');
  });

  it('ends with the reason where no file of a run can be used, and lists an empty probe beside others', async () => {
    await writeFiles(folder, { 'log.txt': '{"epoch": 0}\n', 'probes/epoch=0.npz': zipOf([]) });
    const empty = { code: 1, signal: null, stdout: '', stderr: `layerscope measure: ${path.join(folder, 'probes/epoch=0.npz')}: is empty: it holds no tensor\n` };
    expect(await cli.run(['measure', folder, '--json'])).toEqual(empty);
    expect(await cli.run(['measure', path.join(folder, 'probes/epoch=0.npz'), '--json'])).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('is empty: it holds no tensor') as string });
    const found = await cli.run(['runs', folder]);
    expect(found).toMatchObject({ code: 0, stderr: expect.stringMatching(/^warning: .*probes\/epoch=0\.npz: is empty: it holds no tensor$/m) as string });
    await writeFiles(folder, { 'probes/epoch=1.safetensors': probe({ epoch: 1 }), 'probes/epoch=2.safetensors': safetensors({}) });
    const { records, problems } = await measure(folder, ...quick);
    expect(new Set(records.map(({ source }) => source))).toEqual(new Set(['probes/epoch=1.safetensors']));
    expect(problems.map(({ file, reason, severity }) => [file, reason, severity]).sort()).toEqual(
      ['probes/epoch=0.npz', 'probes/epoch=2.safetensors'].map((name) => [name, 'is empty: it holds no tensor', 'error']),
    );
    expect((await cli.run(['measure', folder, ...quick, '--shard', '1/3'])).code).toBe(0);
  });

  it('measures features that do not say what they are as weights, with a warning that says what would make them a probe', async () => {
    const bytes = safetensors({ block0: f32([64, 8], Math.sin), block1: f32([64, 6], Math.cos) });
    await writeFiles(folder, { 'epoch=1.safetensors': bytes });
    const finished = await cli.run(['measure', path.join(folder, 'epoch=1.safetensors'), '--metric', 'frobenius_norm']);
    expect(finished.code).toBe(0);
    const warning = 'warning: epoch=1.safetensors: is taken for a checkpoint, but looks like features: its 2 matrices have 64 rows and the names of layers. ' +
      'To have it measured as a probe, put it into a folder called probes or save a tensor sample_id [rows] with it.';
    expect(finished.stderr.split('\n')).toContain(warning);
    expect((await cli.run(['runs', folder])).stderr).toContain('looks like features');
    const refused = await cli.run(['measure', path.join(folder, 'epoch=1.safetensors'), '--metric', 'rankme']);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/is a checkpoint: rankme cannot be measured of it\. It is taken for .*folder called probes/) as string });
    await writeFiles(folder, { 'probes/epoch=1.safetensors': bytes });
    const { records, problems } = await measure(path.join(folder, 'probes/epoch=1.safetensors'), '--metric', 'rankme');
    expect([records.length, problems]).toEqual([2, []]);
  });

  it.skipIf(process.platform === 'win32')('stops cleanly when interrupted, keeps what is finished and goes on from there', async () => {
    const probes = Array.from({ length: 12 }, (_, epoch) => [`probes/epoch=${String(epoch)}.safetensors`, probe({ epoch, samples: 64, views: 8, width: 64 })] as const);
    await writeFiles(folder, Object.fromEntries(probes));
    const finished = await cli.run(['measure', folder, '--json'], (child) => {
      const timer = setInterval(() => {
        void exists(path.join(folder, '.layerscope/records.jsonl')).then((begun) => {
          if (!begun) return;
          clearInterval(timer);
          child.kill('SIGINT');
        });
      }, 10);
      child.on('close', () => clearInterval(timer));
    });
    expect(finished).toMatchObject({ code: 130, signal: null, stdout: '' });
    expect(finished.stderr).toBe('layerscope: interrupted; what was finished is kept\n');
    const kept = (await stored()).trimEnd().split('\n').map(parseRecord);
    expect(kept.length).toBeGreaterThan(0);
    const { records } = await measure(folder);
    expect(records.length).toBeGreaterThan(kept.length);
    const again = records.filter(({ source, layer }) => source === kept[0]?.source && layer === kept[0].layer);
    expect(again).toEqual(kept.filter(({ source, layer }) => source === kept[0]?.source && layer === kept[0].layer));
  });
});

describe('layerscope measure of weights', () => {
  const checkpoint = (epoch: number): string => `checkpoints/epoch=${String(epoch)}.safetensors`;
  const files = (): Record<string, Buffer> => Object.fromEntries([1, 2, 3].map((epoch) => [checkpoint(epoch), checkpointBytes({ epoch })]));

  it('answers with one metric of one checkpoint', async () => {
    await writeFiles(folder, files());
    const { records, problems } = await measure(path.join(folder, checkpoint(2)), '--metric', 'ww_alpha');
    expect(problems).toEqual([]);
    expect(records.map(({ source, epoch, layer, layerIndex, metric, split, n, d }) => [source, epoch, layer, layerIndex, metric, split, n, d])).toEqual([
      [checkpoint(2), 2, 'block0', 0, 'ww_alpha', null, 64, 56], [checkpoint(2), 2, 'block1', 1, 'ww_alpha', null, 64, 56],
    ]);
    for (const { value, details } of records) {
      expect(value).toBeGreaterThan(1);
      expect(details?.['eigenvalues']).toBe(56);
    }
  });

  it('takes everything of a run, drift since the previous and the first checkpoint among it', async () => {
    await writeFiles(folder, files());
    const { records } = await measure(folder);
    expect(records).toHaveLength(3 * 2 * weightCatalog.length);
    const drift = (epoch: number, metric: string): number | null | undefined =>
      records.find((record) => record.epoch === epoch && record.metric === metric && record.layer === 'block1')?.value;
    expect([drift(1, 'drift_prev'), drift(1, 'drift_first'), drift(2, 'drift_prev')]).toEqual([null, 0, drift(2, 'drift_first')]);
    expect(drift(3, 'drift_prev')).toBeGreaterThan(0.05);
    expect(drift(3, 'drift_prev')).toBeLessThan(0.3);
    const text = await cli.run(['measure', folder, '--metric', 'ww_stable_rank,frobenius_norm']);
    expect(text.stdout).toMatch(/^layer +ww_stable_rank +frobenius_norm$/m);
    expect(text.stderr).toContain('0 layers measured now');
  });

  it('says where there is no teacher and where weights are not finite, and goes on', async () => {
    const values = (bad: number) => f32([60, 52], (index) => (index < bad ? NaN : Math.sin(index * 1.3) + Math.cos(index * 0.7)));
    const shifted = f32([60, 52], (index) => Math.sin(index * 1.3) + Math.cos(index * 0.7) + 0.1);
    await writeFiles(folder, {
      'dino.safetensors': safetensors({ 'student.head.weight': values(0), 'teacher.head.weight': shifted, 'student.fc.weight': values(3), 'student.pos_embed': values(0) }),
    });
    const { records, problems } = await measure(path.join(folder, 'dino.safetensors'), '--metric', 'teacher_distance,ww_alpha,nonfinite_count');
    const of = (layer: string, metric: string) => records.find((record) => record.layer === layer && record.metric === metric);
    expect(of('head', 'teacher_distance')?.value).toBeCloseTo(0.1, 1);
    expect(of('fc', 'teacher_distance')?.warnings).toEqual(['The checkpoint holds no teacher for this layer.']);
    expect(of('fc', 'nonfinite_count')?.value).toBe(3);
    expect(of('fc', 'ww_alpha')?.warnings).toEqual(['3 of 3120 weights are NaN or infinite.']);
    expect(problems).toEqual([expect.objectContaining({ severity: 'info', reason: 'not measured: student.pos_embed (is a table of positions)' })]);
  });
});
