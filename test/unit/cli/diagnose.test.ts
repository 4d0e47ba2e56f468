import { cp, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FileProblem, Finding, RunDetail } from '../../../src/protocol';
import { CommandLine, documentOf, sampleRuns } from './commandLine';
import { probe, temporaryFolder, writeFiles } from './files';

interface Diagnosed {
  readonly run: string;
  readonly findings: readonly Finding[];
  readonly records: number;
  readonly problems: readonly FileProblem[];
}

let cli: CommandLine;
let folder: string;
beforeAll(async () => {
  cli = await CommandLine.build();
  folder = await temporaryFolder();
  for (const name of ['simclr-digits-memorizing', 'simclr-digits-healthy']) {
    const isOurs = (file: string): boolean => path.basename(file) !== '.layerscope';
    await cp(path.join(sampleRuns, name), path.join(folder, name), { recursive: true, filter: isOurs });
  }
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await cli.remove();
});

const run = (name: string): string => path.join(folder, name);

describe('layerscope diagnose on the recorded runs', () => {
  it('fires on the one that memorizes, with layers, onset, evidence and advice', { timeout: 300_000 }, async () => {
    const finished = await cli.run(['diagnose', run('simclr-digits-memorizing'), '--json']);
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    const { run: name, findings, records, problems } = documentOf<Diagnosed>(finished);
    expect([name, problems]).toEqual(['simclr-digits-memorizing', []]);
    expect(records).toBeGreaterThan(500);
    expect(findings).toHaveLength(1);
    const finding = findings[0]!;
    expect(finding).toMatchObject({ rule: 'late_layer_overfitting', severity: 'act', onset: { axis: 'epoch' } });
    expect(finding.title).toBe(
      finding.layers.length > 1 ? `Late layers memorize since epoch ${String(finding.onset.at)}` : `Layer projector memorizes since epoch ${String(finding.onset.at)}`,
    );
    expect(finding.layers).toContain('projector');
    expect(finding.layers.filter((layer) => !['block5', 'projector'].includes(layer))).toEqual([]);
    expect(finding.metrics).toEqual(expect.arrayContaining(['coding_rate_reduction', 'alignment']));
    expect(finding.onset.low).toBeLessThan(finding.onset.at);
    expect(finding.onset.high).toBe(finding.onset.at);
    expect(finding.advice.length).toBeGreaterThan(3);
    expect(finding.evidence.length).toBeGreaterThan(3);
    for (const record of finding.evidence) {
      expect(record).toMatchObject({ split: 'gap', run: 'simclr-digits-memorizing' });
      expect(record.uncertainty?.standardError).toBeGreaterThan(0);
    }
  });

  it('says it in words for people, without measuring again', async () => {
    const { code, stdout, stderr } = await cli.run(['diagnose', run('simclr-digits-memorizing')]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^ACT: .*memorizes? since epoch \d+$/m);
    expect(stdout).toContain('What to do:');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it('stays silent on the healthy one', { timeout: 300_000 }, async () => {
    const { findings, records } = documentOf<Diagnosed>(await cli.run(['diagnose', run('simclr-digits-healthy'), '--json']));
    expect(findings).toEqual([]);
    expect(records).toBeGreaterThan(500);
    expect((await cli.run(['diagnose', run('simclr-digits-healthy')])).stdout).toMatch(/^No findings in \d+ records of \d+ checkpoints\.$/m);
  });
});

describe('layerscope export', () => {
  it('writes the records as CSV', { timeout: 300_000 }, async () => {
    const out = path.join(folder, 'records.csv');
    const { code, stdout, stderr } = await cli.run(['export', run('simclr-digits-healthy'), '--out', out]);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/\d+ records written to /);
    const rows: Record<string, string>[] = parse(await readFile(out, 'utf8'), { columns: true });
    expect(rows.length).toBeGreaterThan(1000);
    const row = rows.find(({ metric, split, epoch }) => metric === 'coding_rate_reduction' && split === 'gap' && epoch !== '0');
    expect(Number(row?.['standardError'])).toBeGreaterThan(0);
    expect(row?.['option.eps2']).toBe('0.5');
  });

  it('writes everything that is known of the run as JSON, in place of what was there', { timeout: 300_000 }, async () => {
    const out = path.join(folder, 'run.json');
    await writeFiles(folder, { 'run.json': 'old' });
    expect(await cli.run(['export', run('simclr-digits-memorizing'), '--out', out])).toMatchObject({ code: 0, stdout: '' });
    const detail = JSON.parse(await readFile(out, 'utf8')) as RunDetail;
    expect(detail.run).toMatchObject({ name: 'simclr-digits-memorizing', health: 'act', problems: [] });
    expect(detail.run.findings).toHaveLength(1);
    expect(detail.layers.slice(-1)).toEqual(['projector']);
    expect(detail.series.map(({ tag }) => tag)).toContain('train_loss');
    expect(detail.run.files.filter(({ kind }) => kind === 'probe').every(({ state }) => state === 'measured')).toBe(true);
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('says which file it cannot write', async () => {
    await writeFiles(folder, { 'tiny/epoch=0.safetensors': probe({ epoch: 0, layers: ['a'] }) });
    const { code, stderr } = await cli.run(['export', run('tiny'), '--out', '/no/such/place/out.json']);
    expect(code).toBe(1);
    expect(stderr).toContain('/no/such/place/out.json: cannot be written');
  });
});
