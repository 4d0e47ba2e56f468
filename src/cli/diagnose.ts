import { diagnose, diagnosedMetrics } from '../diagnosis';
import { defaultMeasureOptions } from '../metrics';
import type { Finding } from '../protocol';
import { parseArguments } from './arguments';
import type { Command, Terminal } from './command';
import { measureTarget } from './measuring';
import { count, onOneLine, printJson, sayProblems } from './output';

export const diagnoseRun: Command = {
  name: 'diagnose',
  usage: 'RUN [--json]',
  summary: 'Measure what is missing and say what is wrong with a run: which layers, since when, what to do.',
  details: '  RUN     folder of a run\n  --json  one JSON document: run, findings, records (how many were looked at), problems',

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['RUN'], { json: { type: 'boolean' } });
    const { run, records, problems } = await measureTarget(
      { target: positionals[0] ?? '', options: defaultMeasureOptions, engine: 'auto', metrics: diagnosedMetrics },
      terminal,
    );
    const findings = diagnose(records);
    if (values.json) {
      printJson(terminal, { run, findings, records: records.length, problems });
      return;
    }
    const checkpoints = new Set(records.map(({ source }) => source)).size;
    const looked = `${count(records.length, 'record')} of ${count(checkpoints, 'checkpoint')}`;
    if (findings.length === 0) terminal.write(`No findings in ${looked}.\n`);
    for (const finding of findings) printFinding(terminal, finding);
    sayProblems(terminal, problems);
  },
};

function printFinding(terminal: Terminal, { severity, title, explanation, advice }: Finding): void {
  const lines = [
    `${severity.toUpperCase()}: ${onOneLine(title)}`,
    ...wrap(onOneLine(explanation), '  '),
    '',
    '  What to do:',
    ...advice.flatMap((each) => wrap(onOneLine(each), '    ').map((line, index) => (index === 0 ? `  - ${line.trimStart()}` : line))),
  ];
  terminal.write(`${lines.join('\n')}\n`);
}

/** Lines of at most 100 characters, broken at blanks. */
function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1];
    if (last !== undefined && last.length + 1 + word.length <= 100) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(indent + word);
  }
  return lines;
}
