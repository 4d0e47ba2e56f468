import { momentWords, type RunComparison, type WhereToCompare } from '../diagnosis';
import type { FileProblem, MeasurementRecord } from '../protocol';
import type { ComparedRun } from './comparedRun';
import { largest } from './runs';
import { sampleSetsOf } from './sampleSets';

/** What is to be known before the numbers are read: who lacks the moment, and how far the others went on. */
export function reservations(runs: readonly ComparedRun[], accepted: readonly (readonly MeasurementRecord[])[], { features, weights, rows }: RunComparison, at: WhereToCompare): FileProblem[] {
  const problem = (place: string, reason: string): FileProblem => ({ file: '.', place, reason, severity: 'warning' });
  const found: FileProblem[] = [];
  for (const [index, { run }] of runs.entries()) {
    if (!rows.some(({ values }) => values[index] !== null)) found.push(problem(run, `has no value ${momentWords(features ?? weights)}`));
  }
  const subjects = [
    { moment: features, ofSubject: ({ split }: MeasurementRecord) => split !== null },
    { moment: weights, ofSubject: ({ split }: MeasurementRecord) => split === null },
  ];
  const apart = subjects.some(({ moment }) => moment?.axis === null);
  if (apart && at !== 'last') found.push(problem('', 'the runs share neither an epoch nor a step; the last values of each are compared'));
  for (const { moment, ofSubject } of at === 'common' ? subjects : []) {
    if (moment === null || moment.axis === null) continue;
    const { axis } = moment;
    const lasts = accepted.map((records) => largest(records.filter(ofSubject).map((record) => record[axis])));
    const further = lasts.flatMap((last, index) => (last !== null && last > moment.at ? [`${runs[index]?.run ?? ''} to ${String(last)}`] : []));
    const what = moment === weights && features !== null ? ' of weights' : '';
    if (further.length > 0) found.push(problem('', `${axis} ${String(moment.at)} is the latest${what} that all have; measured further: ${further.join(', ')} (--at last compares the last of each)`));
  }
  if (rows.length > 0 && rows.every(({ values }) => values.filter((value) => value !== null).length < 2)) found.push(problem('', 'no layer has the same name in two of the runs'));
  return found;
}

/** Values of other samples compare as two draws do, not as one probe does. */
export async function sampleNotes(runs: readonly ComparedRun[], { rows }: RunComparison, signal: AbortSignal): Promise<FileProblem[]> {
  const sources = runs.map((_, index) => rows.find(({ split, values }) => split !== null && values[index] != null)?.values[index]?.source ?? null);
  const sets = await sampleSetsOf(runs.map(({ folder }, index) => ({ folder, source: sources[index] ?? null })), signal);
  const [first] = sets;
  const others = runs.filter((_, index) => index > 0 && first != null && sets[index] != null && sets[index] !== first).map(({ run }) => run);
  if (others.length === 0) return [];
  const reason = `other samples, parts or views than in ${runs[0]?.run ?? ''}: differences hold as between two draws of samples`;
  return others.map((run): FileProblem => ({ file: '.', place: run, reason, severity: 'info' }));
}
