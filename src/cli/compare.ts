import { type ComparisonRow, compareRuns, diagnosedMetrics, type WhereToCompare } from '../diagnosis';
import { type FileProblem, isOfTraining, type MeasurementRecord } from '../protocol';
import { parseArguments, parseGlob, parseMetrics, parseNumber } from './arguments';
import { type Command, InputError } from './command';
import { type ComparedRun, nameAmong, type OpenedRun, openRunToCompare } from './comparedRun';
import { reservations, sampleNotes } from './comparisonNotes';
import { comparisonText } from './comparisonText';
import { nothingMatches } from './noMatch';
import { printJson, sayProblems } from './output';
import { kindOfPath, refuseTwice } from './target';

export const compare: Command = {
  name: 'compare',
  usage: 'RUN RUN [RUN ...] [--metric ID,...] [--layer GLOB] [--at common|last|N] [--json]',
  summary: 'Measure what is missing and put two or more runs side by side, layer by layer.',
  details: [
    '  RUN           folder of a run; differences are to the first one',
    '  --metric ID   these metrics, separated by commas (default: those that findings rest on)',
    '  --layer GLOB  only layers whose name matches; * stands for anything, {a,b} for alternatives',
    '  --at WHERE    common: the latest epoch (or step) that all runs have; last: the last one of each; or a number (default common)',
    '  --json        one JSON document: runs, features, weights, rows, problems',
  ].join('\n'),

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['RUN', 'the second RUN'], { metric: { type: 'string' }, layer: { type: 'string' }, at: { type: 'string' }, json: { type: 'boolean' } }, true);
    const metrics = parseMetrics(values.metric) ?? diagnosedMetrics;
    const acceptLayer = parseGlob('--layer', values.layer);
    const at = parseWhere(values.at);
    const targets = positionals;
    await refuseTwice(targets);
    for (const target of targets) if ((await kindOfPath(target)) !== 'folder') throw new InputError(`${target}: is not a folder; runs are compared, not files`);
    const opened: OpenedRun[] = [];
    for (const target of targets) opened.push(await openRunToCompare(target, nameAmong(target, targets), metrics, terminal));
    const accepted = opened.map(({ records }) => (acceptLayer ? records.filter(({ layer }) => acceptLayer(layer)) : records).filter((record) => metrics.includes(record.metric) && !isOfTraining(record)));
    const layers = opened.flatMap((each) => each.layers);
    if (values.layer !== undefined && !layers.some((layer) => acceptLayer?.(layer))) {
      throw nothingMatches({ target: targets.join(', '), option: '--layer', glob: values.layer, noun: 'layer', names: layers });
    }
    const empty = targets.filter((_, index) => accepted[index]?.length === 0);
    if (targets.length - empty.length < 2) {
      for (const { about } of opened) sayProblems(terminal, problemsOf(about));
      throw new InputError(`${empty.join(', ')}: ${empty.length === 1 ? 'holds' : 'hold'} no value of ${metrics.join(', ')} to compare`);
    }
    const comparison = compareRuns(accepted, { at });
    if (comparison.rows.length === 0) throw new InputError(`${targets.join(', ')}: nothing was measured at ${String(at)}; there is ${positionsOf(accepted.flat())}`);
    const runs = opened.map(({ about }) => about);
    const problems = [...reservations(runs, accepted, comparison, at), ...(await sampleNotes(runs, comparison, terminal.signal))];
    if (values.json) {
      printJson(terminal, { runs, features: comparison.features, weights: comparison.weights, rows: comparison.rows.map(toDocument), problems });
      return;
    }
    terminal.write(comparisonText(runs, comparison));
    for (const run of runs) sayProblems(terminal, problemsOf(run));
    sayProblems(terminal, problems);
  },
};

/** What a row of the document says of each value, without what the row says already. */
function toDocument({ metric, split, layer, layerIndex, values, differences }: ComparisonRow) {
  const valueOf = ({ value, epoch, step, source, n, d, views, seed, options, method, warnings, uncertainty, standardDeviation }: MeasurementRecord) => ({
    value, epoch, step, source, n, d, views, seed, options, method, warnings,
    ...(uncertainty === undefined ? {} : { uncertainty }),
    ...(standardDeviation === undefined ? {} : { standardDeviation }),
  });
  return { metric, split, layer, layerIndex, values: values.map((record) => record && valueOf(record)), differences };
}

function parseWhere(text: string | undefined): WhereToCompare {
  if (text === undefined || text === 'common' || text === 'last') return text ?? 'common';
  return parseNumber('--at', text, 'common, last or an epoch from 0', (value) => value >= 0);
}

/** Every epoch (else step) at which something was measured. */
function positionsOf(records: readonly MeasurementRecord[]): string {
  return [...new Set(records.flatMap(({ epoch, step }) => epoch ?? step ?? []))].sort((a, b) => a - b).join(', ');
}

/** With the run before the file. */
function problemsOf({ run, problems }: ComparedRun): FileProblem[] {
  return problems.map((problem) => ({ ...problem, file: `${run}/${problem.file}` }));
}
