import path from 'node:path';
import { defaultMeasureOptions } from '../metrics';
import { recordsToCsv, runToJson } from '../store/exportRecords';
import { parseArguments } from './arguments';
import { type Command, UsageError } from './command';
import { measureTarget } from './measuring';
import { count, sayProblems } from './output';
import { replaceFile } from './replaceFile';
import { detailOf } from './runDetail';
import { openRun, readLogs } from './target';

export const exportRun: Command = {
  name: 'export',
  usage: 'RUN --out FILE.csv|FILE.json',
  summary: 'Measure what is missing and write the records of a run to a file.',
  details: '  RUN         folder of a run\n  --out FILE  .csv: one row a record; .json: the run with its findings, records and logged quantities',

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['RUN'], { out: { type: 'string' } });
    const [target = ''] = positionals;
    const { out } = values;
    if (out === undefined) throw new UsageError('--out FILE is missing');
    const ending = path.extname(out).toLowerCase();
    if (ending !== '.csv' && ending !== '.json') throw new UsageError(`--out ends in .csv or .json, not ${JSON.stringify(path.basename(out))}`);
    const run = await openRun(target, terminal.signal);
    const logs = await readLogs(run, terminal.signal);
    const measured = await measureTarget({ target, options: defaultMeasureOptions, engine: 'auto' }, terminal);
    await replaceFile(out, ending === '.csv' ? recordsToCsv(measured.records) : runToJson(detailOf(run, logs, measured)));
    sayProblems(terminal, [...measured.problems, ...logs.problems]);
    terminal.say(`${count(measured.records.length, 'record')} written to ${out}`);
  },
};
