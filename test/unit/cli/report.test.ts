import { cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MeasurementRecord, ReportData } from '../../../src/protocol';
import { plainText } from '../../../src/report/blocks';
import { titleWithUnit } from '../../../src/report/metricWords';
import { formatValue } from '../../../src/report/numbers';
import { CommandLine, documentOf, sampleRuns } from './commandLine';
import { probe, temporaryFolder, writeFiles } from './files';

let cli: CommandLine;
let folder: string;
/** Part of a recorded run, and one by hand. */
let sample: string;
let small: string;
let records: readonly MeasurementRecord[];

beforeAll(async () => {
  cli = await CommandLine.build({ panel: true });
  folder = await temporaryFolder();
  sample = path.join(folder, 'recorded');
  small = path.join(folder, 'small');
  for (const name of ['log.txt', 'probes/epoch=0000.safetensors', 'probes/epoch=0600.safetensors', 'checkpoints/epoch=0600.pt']) {
    await cp(path.join(sampleRuns, 'simclr-digits-memorizing', name), path.join(sample, name));
  }
  await writeFiles(small, { 'probes/epoch=0.safetensors': probe({ epoch: 0, layers: ['a|b', '<i>@octocat</i>', 'block2'] }), 'probes/epoch=1.safetensors': probe({ epoch: 1 }).subarray(0, 100) });
  ({ records } = documentOf<{ records: MeasurementRecord[] }>(await cli.run(['measure', sample, '--json'])));
}, 120_000);
afterAll(async () => {
  await cli.remove();
  await rm(folder, { recursive: true, force: true });
});

const outFile = (name: string): string => path.join(folder, name);
/** The rows of a table in HTML, by its caption: the exact numbers by heading of the row and of the column. */
function numbersOf(page: string, caption: string): Record<string, Record<string, number>> {
  const table = [...page.matchAll(/<table>[^]*?<\/table>/g)].map(([text]) => text).find((text) => text.includes(`<caption><span>${caption}`)) ?? '';
  const [, ...columns] = [...table.matchAll(/<th scope="col"[^>]*>(.*?)<\/th>/g)].map(([, text]) => text ?? '');
  return Object.fromEntries(
    [...table.matchAll(/<tr><th scope="row"><code>(.*?)<\/code><\/th>(.*?)<\/tr>/g)].map(([, layer = '', cells = '']) => {
      const values = [...cells.matchAll(/<td[^>]*>(?:<data value="([^"]+)">)?/g)].map(([, value]) => Number(value));
      return [layer, Object.fromEntries(columns.map((column, at) => [column, values[at] ?? NaN]))];
    }),
  );
}
const valuesOf = (metric: string, split: string): Record<string, Record<string, number>> => {
  const rows: Record<string, Record<string, number>> = {};
  for (const record of records) {
    if (record.metric !== metric || record.split !== split) continue;
    (rows[record.layer] ??= {})[`epoch ${String(record.epoch)}`] = record.value ?? NaN;
  }
  return rows;
};

describe('layerscope report', { timeout: 60_000 }, () => {
  it('writes a page with the numbers that measure prints, and says what it wrote and how large it is', async () => {
    const out = outFile('report.html');
    const { code, stdout, stderr } = await cli.run(['report', sample, '--out', out]);
    const { size } = await stat(out);
    expect([code, stdout, stderr]).toEqual([0, '', expect.stringMatching(new RegExp(`^report on 1 run written to ${out} \\(\\d+(\\.\\d+)? [kM]B\\)\n$`))]);
    expect(size).toBeGreaterThan(200_000);
    const page = await readFile(out, 'utf8');
    const gaps = valuesOf('coding_rate_reduction', 'gap');
    expect(Object.keys(gaps)).toHaveLength(7);
    expect(numbersOf(page, 'Coding rate reduction (nats), gap')).toEqual(gaps);
    expect(numbersOf(page, 'Coding rate reduction (nats), held-out samples')).toEqual(valuesOf('coding_rate_reduction', 'held_out'));
    const last = numbersOf(page, 'Spectrum, training samples, epoch 600');
    for (const [layer, row] of Object.entries(valuesOf('rankme', 'train'))) expect(last[layer]?.[plainText(titleWithUnit('rankme'))]).toBe(row['epoch 600']);
  });

  it('carries all records for its panel, without the folder of the run', async () => {
    const page = await readFile(outFile('report.html'), 'utf8');
    const packed = /id="report-data">([^<]*)</.exec(page)?.[1] ?? '';
    const data = gunzipSync(Buffer.from(packed, 'base64')).toString();
    const { runs } = JSON.parse(data) as ReportData;
    expect(runs.map(({ run, records: { count } }) => [run.name, run.folder, count])).toEqual([['recorded', '', records.length]]);
    for (const text of [page, data]) {
      expect(text).not.toContain(folder);
      expect(text).not.toContain(path.basename(folder));
    }
  });

  it('loads nothing: no element and no style of it has an address', async () => {
    const page = (await readFile(outFile('report.html'), 'utf8')).replace(/<script>[^]*?<\/script>/g, '');
    expect(page).not.toMatch(/<(?:link|img|iframe|object|embed|base|form)\b/i);
    expect(page).not.toMatch(/\b(?:src|srcset|action|data)="/i);
    expect([...page.matchAll(/href="([^"]*)"/g)].every(([, address]) => address?.startsWith('#'))).toBe(true);
    expect(page).not.toMatch(/url\(|@import/i);
  });

  it('writes Markdown with the same numbers, rounded', async () => {
    const out = outFile('report.md');
    expect(await cli.run(['report', sample, '--out', out])).toMatchObject({ code: 0, stdout: '' });
    const text = await readFile(out, 'utf8');
    expect(text).not.toContain(folder);
    const after = text.slice(text.indexOf('Coding rate reduction (nats), gap'));
    for (const [layer, row] of Object.entries(valuesOf('coding_rate_reduction', 'gap'))) {
      const line = after.split('\n').find((each) => each.startsWith(`| \`${layer}\` |`)) ?? '';
      expect(line.split(' | ').slice(1).map((cell) => cell.split(' ')[0])).toEqual(Object.values(row).map(formatValue));
    }
  });

  it('takes several runs, keeps names from becoming markup, and tells problems with the run they are of', async () => {
    const [page, text] = [outFile('two.html'), outFile('two.md')];
    const { code, stderr } = await cli.run(['report', sample, small, '--out', page]);
    expect(code).toBe(0);
    expect(stderr).toContain('run 1 of 2: recorded\nrun 2 of 2: small\n');
    expect(stderr).toMatch(/^error: small\/probes\/epoch=1\.safetensors.*: /m);
    expect(await cli.run(['report', small, '--out', text])).toMatchObject({ code: 0 });
    const html = await readFile(page, 'utf8');
    expect(html).toContain('<code>&lt;i&gt;@octocat&lt;/i&gt;</code>');
    expect(html).not.toContain('<i>');
    const markdown = await readFile(text, 'utf8');
    expect(markdown).toContain('<code>a&#124;b</code>');
    expect(markdown).toContain('`<i>@octocat</i>`');
    expect(markdown).toMatch(/\| `probes\/epoch=1\.safetensors` \| error \|/);
  });

  it.each([
    ['no --out', () => [sample], '--out FILE is missing'],
    ['another ending', () => [sample, '--out', outFile('report.pdf')], '--out ends in .html or .md, not "report.pdf"'],
    ['no run', () => ['--out', outFile('x.md')], 'RUN is missing'],
    ['a run twice', () => [sample, path.join(folder, '.', 'small', '..', 'recorded'), '--out', outFile('x.md')], 'is named twice'],
  ])('refuses %s as a wrong argument', async (_, args, reason) => {
    const { code, stdout, stderr } = await cli.run(['report', ...args()]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(reason);
    expect(stderr).toContain('Usage: layerscope report RUN [RUN ...] --out FILE.html|FILE.md');
  });

  it('knows a run again behind a link', async () => {
    await symlink(sample, path.join(folder, 'link'));
    expect(await cli.run(['report', sample, path.join(folder, 'link'), '--out', outFile('x.md')])).toMatchObject({ code: 2, stderr: expect.stringContaining('is named twice') as string });
  });

  it('names the one of several runs that cannot be used, before anything is measured, and leaves the file as it was', async () => {
    const [out, empty, fresh] = [outFile('kept.md'), path.join(folder, 'empty'), path.join(folder, 'fresh')];
    await mkdir(empty);
    await writeFile(out, 'as it was');
    await writeFiles(fresh, { 'probes/epoch=0.safetensors': probe({ epoch: 0 }) });
    const { code, stdout, stderr } = await cli.run(['report', fresh, empty, '--out', out]);
    expect([code, stdout, stderr]).toEqual([1, '', `layerscope report: ${empty}: holds no run: no log, checkpoint or probe was found\n`]);
    expect(await readdir(fresh)).toEqual(['probes']);
    expect(await readFile(out, 'utf8')).toBe('as it was');
    expect(await cli.run(['report', path.join(folder, 'nowhere'), '--out', out])).toMatchObject({ code: 1, stderr: expect.stringContaining('nowhere') as string });
  });

  it('says of a run without probes why nothing was measured', async () => {
    const logs = path.join(folder, 'logs');
    await writeFiles(logs, { 'log.txt': '{"epoch": 0, "loss": 1}\n' });
    expect(await cli.run(['report', logs, '--out', outFile('logs.md')])).toMatchObject({ code: 0 });
    const text = await readFile(outFile('logs.md'), 'utf8');
    expect(text).toContain('No probe files yet; logs alone do not show what the layers have learned.');
    expect(text).toContain('No findings, because nothing could be looked at');
  });

  it('says before it measures that the folder for the file is not there', async () => {
    const { code, stderr } = await cli.run(['report', small, '--out', path.join(folder, 'no', 'report.md')]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(path.join(folder, 'no'))]);
  });

  it('leaves nothing behind where the file cannot be written', async () => {
    await mkdir(path.join(folder, 'taken.md'));
    const before = await readdir(folder);
    const { code, stderr } = await cli.run(['report', small, '--out', path.join(folder, 'taken.md')]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('cannot be written')]);
    expect(await readdir(folder)).toEqual(before);
  });
});
