import * as assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { parse } from 'csv-parse/sync';
import { after, before, describe, it } from 'mocha';
import * as vscode from 'vscode';
import type { RunDetail } from '../../../src/protocol';
import { answering, memorizing, show } from '../support/extension';

describe('Exporting a run', () => {
  let folder = '';
  let detail: RunDetail;

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'layerscope-export-'));
    detail = await show(memorizing);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function exported(command: string, name: string): Promise<string> {
    const file = path.join(folder, name);
    await answering('showInformationMessage', () => undefined, () =>
      answering('showSaveDialog', () => vscode.Uri.file(file), () => vscode.commands.executeCommand(command)),
    );
    return readFile(file, 'utf8');
  }

  it('writes CSV that holds every record with its value, layer, epoch and options', async () => {
    const rows = parse(await exported('layerscope.exportCsv', 'run.csv'), { columns: true }) as Record<string, string>[];
    assert.equal(rows.length, detail.records.length);
    for (const column of ['run', 'source', 'epoch', 'step', 'layer', 'metric', 'split', 'value', 'n', 'd', 'views', 'seed', 'method']) {
      assert.ok(column in (rows[0] ?? {}), `no column ${column}`);
    }
    const written = rows.map((row) => [row['source'], row['layer'], row['metric'], row['split'], row['value']].join(' ')).sort();
    const known = detail.records.map((one) => [one.source, one.layer, one.metric, one.split ?? '', one.value ?? ''].join(' ')).sort();
    assert.deepEqual(written, known);
  });

  it('writes JSON from which the run can be read again', async () => {
    const again = JSON.parse(await exported('layerscope.exportJson', 'run.json')) as { records: unknown[] };
    assert.deepEqual(again.records, JSON.parse(JSON.stringify(detail.records)));
  });

  it('saves a report as a page that loads nothing and as Markdown, with the finding and the values', async () => {
    const page = await exported('layerscope.saveReport', 'run.html');
    const markdown = await exported('layerscope.saveReport', 'run.md');
    const [finding] = detail.run.findings;
    assert.ok(finding !== undefined && page.includes(finding.title) && markdown.includes(finding.title));
    const last = detail.records.filter((one) => one.metric === 'coding_rate_reduction' && one.split === 'gap' && one.layer === 'projector').at(-1);
    assert.ok(typeof last?.value === 'number' && page.includes(`<data value="${String(last.value)}">`), 'the exact value is not in the page');
    assert.match(page, /default-src 'none'; script-src 'sha256-/);
    assert.match(page, /<script type="application\/octet-stream" id="report-data">[\w+/=]{1000,}</);
    assert.ok(![page, markdown].some((text) => text.includes(detail.run.folder)), 'the folder is in the report');
  });
});
