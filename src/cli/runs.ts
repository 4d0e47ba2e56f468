import type { RunOnDisk } from '../runs';
import { parseArguments } from './arguments';
import type { Command } from './command';
import { count, formatBytes, formatTable, printJson, sayProblems } from './output';
import { runsBelow } from './target';

export const runs: Command = {
  name: 'runs',
  usage: 'DIR [--json]',
  summary: 'Look for runs below a folder: their logs, checkpoints and probes.',
  details: '  DIR     folder to search\n  --json  one JSON document: runs, problems',

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['DIR'], { json: { type: 'boolean' } });
    const found = await runsBelow(positionals[0] ?? '', terminal.signal);
    const sorted = [...found.runs].sort((a, b) => (a.name < b.name ? -1 : 1));
    const summaries = sorted.map(summarize);
    if (values.json) {
      printJson(terminal, { runs: summaries, problems: found.problems });
      return;
    }
    if (sorted.length === 0) {
      terminal.write('No runs found.\n');
    } else {
      const rows = summaries.map(({ name, epoch, step, files, problems }) => {
        const ofKind = (kind: string): number => files.filter((file) => file.kind === kind).length;
        const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
        return [name, epoch, step, ofKind('log'), ofKind('checkpoint'), ofKind('probe'), formatBytes(bytes), problems.length];
      });
      terminal.write(formatTable(['run', 'epoch', 'step', 'logs', 'checkpoints', 'probes', 'size', 'problems'], rows));
      terminal.say(count(sorted.length, 'run'));
    }
    sayProblems(terminal, [
      ...found.problems,
      ...summaries.flatMap(({ name, problems }) => problems.map((problem) => ({ ...problem, file: `${name}/${problem.file}` }))),
    ]);
  },
};

function summarize({ name, folder, files, problems }: RunOnDisk) {
  return {
    name,
    folder,
    epoch: largest(files.map(({ epoch }) => epoch)),
    step: largest(files.map(({ step }) => step)),
    modified: largest(files.map(({ modified }) => modified)),
    files: files.map(({ kind, path, format, bytes, modified, epoch, step }) => ({ kind, path, format, bytes, modified, epoch, step })),
    problems: [...problems, ...files.flatMap(({ problem, hint }) => [problem, hint].filter((each) => each != null))],
  };
}

export function largest(values: readonly (number | null)[]): number | null {
  return values.reduce((most, value) => (value !== null && (most === null || value > most) ? value : most), null);
}
