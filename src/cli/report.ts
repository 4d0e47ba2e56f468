import path from 'node:path';
import packageJson from '../../package.json';
import { defaultMeasureOptions } from '../metrics';
import { noteOf } from '../monitor/runNote';
import { type FileProblem, isOfTraining, type RunDetail } from '../protocol';
import { readReportParts, type ReportedRun, reportText } from '../report';
import type { RunOnDisk } from '../runs';
import { parseArguments } from './arguments';
import { type Command, InputError, type Terminal, UsageError } from './command';
import { measureTarget } from './measuring';
import { count, formatBytes, onOneLine, sayProblems } from './output';
import { replaceFile } from './replaceFile';
import { detailOf } from './runDetail';
import { kindOfPath, openRun, readLogs, refuseTwice } from './target';

export const report: Command = {
  name: 'report',
  usage: 'RUN [RUN ...] --out FILE.html|FILE.md',
  summary: 'Measure what is missing and write one file about one or more runs that can be read anywhere.',
  details: [
    '  RUN         folder of a run',
    '  --out FILE  .html: a page with the panel of the editor in it, which loads nothing; .md: Markdown as GitHub shows it',
  ].join('\n'),

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['RUN'], { out: { type: 'string' } }, true);
    const out = parseOut(values.out);
    await refuseTwice(positionals);
    if ((await kindOfPath(path.dirname(out))) !== 'folder') throw new InputError(`${path.dirname(out)}: is not a folder`);
    const parts = isHtml(out) ? await readReportParts(path.join(__dirname, 'webview')) : null;
    const onDisk = await Promise.all(positionals.map((target) => openRun(target, terminal.signal)));
    const runs: ReportedRun[] = [];
    for (const [place, run] of onDisk.entries()) {
      if (onDisk.length > 1) terminal.say(`run ${String(place + 1)} of ${String(onDisk.length)}: ${onOneLine(run.name)}`);
      runs.push(await measured(positionals[place] ?? '', run, terminal));
    }
    const text = await reportText(runs, parts, { at: new Date(), version: packageJson.version });
    await replaceFile(out, text);
    terminal.say(`report on ${count(runs.length, 'run')} written to ${out} (${formatBytes(Buffer.byteLength(text))})`);
  },
};

function parseOut(out: string | undefined): string {
  if (out === undefined) throw new UsageError('--out FILE is missing');
  if (!isHtml(out) && path.extname(out).toLowerCase() !== '.md') throw new UsageError(`--out ends in .html or .md, not ${JSON.stringify(path.basename(out))}`);
  return out;
}

function isHtml(file: string): boolean {
  return path.extname(file).toLowerCase() === '.html';
}

async function measured(target: string, run: RunOnDisk, terminal: Terminal): Promise<ReportedRun> {
  const logs = await readLogs(run, terminal.signal);
  const result = await measureTarget({ target, options: defaultMeasureOptions, engine: 'auto' }, terminal);
  sayProblems(terminal, [...result.problems, ...logs.problems].map((problem): FileProblem => ({ ...problem, file: `${run.name}/${problem.file}` })));
  return { detail: withNote(detailOf(run, logs, result)), engine: result.engine };
}

/** With the reason in words where nothing can be measured of what the layers have learned. */
function withNote(detail: RunDetail): RunDetail {
  const { run, records } = detail;
  const files = run.files.map((file) => ({ disk: file, state: file.state, problems: run.problems.filter((problem) => problem.file === file.path) }));
  const note = noteOf(files, { any: records.length > 0, ofTraining: records.some(isOfTraining) });
  return note === null ? detail : { ...detail, run: { ...run, note } };
}
