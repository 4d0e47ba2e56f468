import path from 'node:path';
import { parseArguments, parseGlob } from './arguments';
import type { Command } from './command';
import { nothingMatches } from './noMatch';
import { formatTable, printJson, round, sayProblems } from './output';
import { kindOfPath, nameOfRun, openRun, readLogFile, readLogs } from './target';

export const scalars: Command = {
  name: 'scalars',
  usage: 'RUN|FILE [--tag GLOB] [--json]',
  summary: 'Read the quantities that a training logged: loss, learning rate, ...',
  details: [
    '  RUN|FILE    folder of a run, or one log file (TensorBoard, W&B, MLflow, JSON lines, CSV, ...)',
    '  --tag GLOB  only quantities whose name matches; * stands for anything',
    '  --json      one JSON document: run, series, problems',
  ].join('\n'),

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['RUN or FILE'], { tag: { type: 'string' }, json: { type: 'boolean' } });
    const accept = parseGlob('--tag', values.tag);
    const [target = ''] = positionals;
    const isFolder = (await kindOfPath(target)) === 'folder';
    const read = isFolder ? await readLogs(await openRun(target, terminal.signal), terminal.signal) : await readLogFile(target, terminal.signal);
    const series = read.series.filter(({ tag }) => accept?.(tag) ?? true);
    if (values.tag !== undefined && series.length === 0) {
      sayProblems(terminal, read.problems);
      throw nothingMatches({ target, option: '--tag', glob: values.tag, noun: 'quantity', plural: 'quantities', names: read.series.map(({ tag }) => tag) });
    }
    if (values.json) {
      printJson(terminal, { run: nameOfRun(isFolder ? target : path.dirname(path.resolve(target))), series, problems: read.problems });
      return;
    }
    if (series.length === 0) {
      terminal.write('Nothing has been logged.\n');
    } else {
      const rows = series.map(({ tag, source, values: numbers }) => {
        const known = numbers.filter((value) => value !== null);
        const least = known.reduce((least, value) => Math.min(least, value), Infinity);
        const most = known.reduce((most, value) => Math.max(most, value), -Infinity);
        return [tag, source, numbers.length, ...[known[0], known[known.length - 1], least, most].map(round)];
      });
      terminal.write(formatTable(['tag', 'file', 'points', 'first', 'last', 'least', 'most'], rows));
    }
    sayProblems(terminal, read.problems);
  },
};
