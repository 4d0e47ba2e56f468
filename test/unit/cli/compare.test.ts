import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FileProblem, MeasurementRecord } from '../../../src/protocol';
import { CommandLine, documentOf, sampleRuns } from './commandLine';
import { probe, temporaryFolder, writeFiles } from './files';

interface Compared {
  readonly runs: readonly { readonly run: string; readonly health: string; readonly epoch: number | null; readonly findings: readonly { readonly title: string }[]; readonly problems: readonly FileProblem[] }[];
  readonly features: { readonly axis: string | null; readonly at: number | null } | null;
  readonly weights: { readonly axis: string | null; readonly at: number | null } | null;
  readonly rows: readonly {
    readonly metric: string; readonly split: string | null; readonly layer: string;
    readonly values: readonly (MeasurementRecord | null)[];
    readonly differences: readonly { readonly value: number | null; readonly low: number | null; readonly high: number | null; readonly obstacles: readonly string[] }[];
  }[];
  readonly problems: readonly FileProblem[];
}

const names = ['simclr-digits-healthy', 'simclr-digits-memorizing'] as const;
let cli: CommandLine;
let folder: string;
beforeAll(async () => {
  cli = await CommandLine.build();
  folder = await temporaryFolder();
  for (const name of names) {
    await cp(path.join(sampleRuns, name), path.join(folder, name), { recursive: true, filter: (file) => path.basename(file) !== '.layerscope' });
  }
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await cli.remove();
});

const at = (name: string): string => path.join(folder, name);
const both = (): string[] => names.map(at);

describe('layerscope compare on the recorded runs', () => {
  it('says of each what is wrong with it, and that their projectors differ in the gap while the first block does not', { timeout: 300_000 }, async () => {
    const compared = documentOf<Compared>(await cli.run(['compare', ...both(), '--json']));
    expect(compared.runs.map(({ run, health, epoch }) => [run, health, epoch])).toEqual([['simclr-digits-healthy', 'healthy', 600], ['simclr-digits-memorizing', 'act', 600]]);
    expect(compared.runs.map(({ findings }) => findings.length)).toEqual([0, 1]);
    expect([compared.features, compared.weights, compared.problems]).toEqual([{ axis: 'epoch', at: 600 }, null, []]);
    const gap = (layer: string) => compared.rows.find((row) => row.metric === 'coding_rate_reduction' && row.split === 'gap' && row.layer === layer)!;
    expect(gap('projector').differences[0]!.low).toBeGreaterThan(0);
    const [first] = gap('block0').differences;
    expect([first!.low! < 0, first!.high! > 0]).toEqual([true, true]);
  });

  it('shows the numbers of layerscope measure, and their differences', { timeout: 300_000 }, async () => {
    const metrics = ['--metric', 'alignment,rankme,spectral_norm'];
    const { rows, weights } = documentOf<Compared>(await cli.run(['compare', ...both(), ...metrics, '--json']));
    expect(weights?.axis).toBe('epoch');
    const records: MeasurementRecord[][] = [];
    for (const run of both()) records.push([...documentOf<{ records: MeasurementRecord[] }>(await cli.run(['measure', run, ...metrics, '--json'])).records]);
    expect(new Set(rows.map(({ metric }) => metric))).toEqual(new Set(['alignment', 'rankme', 'spectral_norm']));
    for (const { metric, split, layer, values, differences } of rows) {
      const moment = split === null ? weights?.at : 600;
      const expected = records.map((ofRun) => ofRun.find((each) => each.metric === metric && each.split === split && each.layer === layer && each.epoch === moment)?.value);
      expect(values.map((each) => each?.value)).toEqual(expected);
      expect(differences).toHaveLength(1);
      if (differences[0]!.obstacles.length === 0) expect(differences[0]!.value).toBe(expected[1]! - expected[0]!);
    }
  });

  it('writes a table of the runs and one a metric for people, of the layers that were asked for', async () => {
    const { code, stdout, stderr } = await cli.run(['compare', ...both(), '--layer', '*block[05]', '--at', '100']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^simclr-digits-memorizing +act +600 .*memorizes? since epoch \d+$/m);
    expect(stdout).toMatch(/^Coding rate reduction, gap at epoch 100\nlayer +simclr-digits-healthy +simclr-digits-memorizing +difference +\+-$/m);
    expect(stdout.match(/^block\d/gm)).toEqual(['block0', 'block5', 'block0', 'block5', 'block0', 'block5']);
  });
});

describe('layerscope compare on other runs', () => {
  const options = ['--metric', 'alignment'];
  beforeAll(async () => {
    await writeFiles(folder, {
      'short/probes/epoch=1.safetensors': probe({ epoch: 1 }),
      'short/probes/epoch=3.safetensors': probe({ epoch: 3 }),
      'long/probes/epoch=1.safetensors': probe({ epoch: 1 }),
      'long/probes/epoch=9.safetensors': probe({ epoch: 9 }),
      'wide/probes/epoch=9.safetensors': probe({ epoch: 9, width: 8, samples: 32 }),
      'other/short/probes/epoch=1.safetensors': probe({ epoch: 1 }),
      'odd/probes/epoch=9.safetensors': probe({ epoch: 9, layers: ['conv'] }),
      'broken/probes/epoch=1.safetensors': Buffer.from('not a probe'),
    });
  });

  it('tells that one of them went on longer than the latest epoch that both have, and compares the last of each when asked to', async () => {
    const common = documentOf<Compared>(await cli.run(['compare', at('short'), at('long'), ...options, '--json']));
    expect(common.features).toEqual({ axis: 'epoch', at: 1 });
    expect(common.problems.map(({ reason }) => reason)).toEqual(['epoch 1 is the latest that all have; measured further: short to 3, long to 9 (--at last compares the last of each)']);
    const last = documentOf<Compared>(await cli.run(['compare', at('short'), at('long'), ...options, '--at', 'last', '--json']));
    expect(last.rows[0]?.values.map((value) => value?.epoch)).toEqual([3, 9]);
    expect(last.problems).toEqual([]);
  });

  it('shows values of another probe beside each other without a difference, and says why', async () => {
    const { rows, problems } = documentOf<Compared>(await cli.run(['compare', at('long'), at('wide'), ...options, '--json']));
    const gap = rows.find(({ split }) => split === 'gap');
    expect(gap?.differences).toEqual([{ value: null, standardError: null, low: null, high: null, obstacles: ['n is 64 and 128', 'width is 6 and 8'] }]);
    expect(gap?.values.map((value) => typeof value?.value)).toEqual(['number', 'number']);
    expect(problems.map(({ place, reason }) => [place, reason])).toEqual([['wide', 'other samples, parts or views than in long: differences hold as between two draws of samples']]);
    const { stdout } = await cli.run(['compare', at('long'), at('wide'), ...options]);
    expect(stdout).toContain('  wide: no difference in 3 layers: n is 64 and 128, width is 6 and 8');
  });

  it('tells runs of the same name apart by what was given, and layers without a namesake', async () => {
    const { runs } = documentOf<Compared>(await cli.run(['compare', at('short'), at('other/short'), ...options, '--json']));
    expect(runs.map(({ run }) => run)).toEqual([at('short'), at('other/short')]);
    const { problems } = documentOf<Compared>(await cli.run(['compare', at('long'), at('odd'), ...options, '--json']));
    expect(problems.map(({ reason }) => reason)).toContain('no layer has the same name in two of the runs');
  });

  it('goes on without a run that cannot be used as long as there are two others', async () => {
    const { code, stdout, stderr } = await cli.run(['compare', at('short'), at('broken'), at('long'), ...options]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^broken +unknown/m);
    expect(stderr).toMatch(/error: broken\/probes\/epoch=1\.safetensors/);
    expect(stderr).toMatch(/warning: \., broken: has no value at epoch 1/);
    const two = await cli.run(['compare', at('short'), at('broken'), ...options, '--json']);
    expect([two.code, two.stdout]).toEqual([1, '']);
    expect(two.stderr).toContain(`${at('broken')}: holds no value of alignment to compare`);
    expect(two.stderr).toContain('broken/probes/epoch=1.safetensors');
  });

  it.each([
    ['a single run', () => [at('short')], 2, /the second RUN is missing/],
    ['a run given twice', () => [at('short'), `${at('long')}/../short`], 2, /is named twice, also as/],
    ['a moment that is no number', () => [at('short'), at('long'), '--at', 'end'], 2, /--at is common, last or an epoch from 0, not "end"/],
    ['a moment that nobody has', () => [at('short'), at('long'), '--at', '7'], 1, /nothing was measured at 7; there is 1, 3, 9/],
    ['a layer that nobody has', () => [at('short'), at('long'), '--layer', 'head*'], 1, /no layer matches --layer "head\*"/],
    ['a metric that is not known', () => [at('short'), at('long'), '--metric', 'rankmee'], 2, /Nearest: rankme/],
    ['a file', () => [at('short'), at('long/probes/epoch=9.safetensors')], 1, /is not a folder/],
    ['a folder that is not there', () => [at('short'), at('none')], 1, /none: .*(no such|does not exist)/i],
  ] as const)('refuses %s', async (_, args, code, message) => {
    const finished = await cli.run(['compare', ...args()]);
    expect([finished.code, finished.stdout]).toEqual([code, '']);
    expect(finished.stderr).toMatch(message);
  });
});
