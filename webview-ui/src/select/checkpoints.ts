import type { FileProblem, MeasurementRecord, RunFile, RunFileState } from '../../../src/protocol';
import { isMeasured, type MeasuredKind, naturalOrder, type Timeline, type TimeUnit } from './timeline';

/** One column of the heat map. */
export interface Checkpoint {
  /** Place on the timeline. */
  readonly at: number;
  readonly source: string;
  /** State of the file, when the run still lists it. */
  readonly state: RunFileState | null;
  /** Why the file as a whole cannot be measured. */
  readonly problem: string | null;
}

export interface Checkpoints {
  readonly unit: TimeUnit;
  /** Ascending, one a place. */
  readonly list: readonly Checkpoint[];
  readonly bySource: ReadonlyMap<string, number>;
  /** What could not be placed, in words. */
  readonly notes: readonly string[];
}

/** The columns: every measured file, and every one that still waits for its turn. */
export function buildCheckpoints(
  records: readonly MeasurementRecord[],
  files: readonly RunFile[],
  problems: readonly FileProblem[],
  timeline: Timeline,
  kind: MeasuredKind = 'probe',
): Checkpoints {
  const sources = new Set<string>();
  for (const record of records) sources.add(record.source);
  for (const file of files) if (isMeasured(file, kind)) sources.add(file.path);

  const notes: string[] = [];
  const placed: { at: number; source: string }[] = [];
  let homeless = 0;
  for (const source of sources) {
    const at = timeline.ofSource(source);
    if (at === null) homeless++;
    else placed.push({ at, source });
  }
  if (homeless > 0) notes.push(`${homeless === 1 ? '1 file names' : `${homeless} files name`} neither epoch nor step and cannot be placed.`);

  const states = new Map(files.map((file) => [file.path, file.state]));
  const whole = new Map(problems.filter((problem) => problem.severity === 'error').map((problem) => [problem.file, problem.reason]));
  const list = onePerPlace(placed, notes)
    .sort((a, b) => a.at - b.at)
    .map(({ at, source }): Checkpoint => {
      const state = states.get(source) ?? null;
      return { at, source, state, problem: state === 'problem' ? (whole.get(source) ?? 'The file cannot be used.') : null };
    });
  return { unit: timeline.unit, list, bySource: new Map(list.map((checkpoint, index) => [checkpoint.source, index])), notes };
}

/** Two probes at one place are two different probes: only the one with more checkpoints is drawn. */
function onePerPlace(placed: readonly { at: number; source: string }[], notes: string[]): { at: number; source: string }[] {
  const families = new Map<string, { at: number; source: string }[]>();
  for (const one of placed) {
    const family = one.source.replace(/\d+/g, '#');
    const members = families.get(family);
    if (members) members.push(one);
    else families.set(family, [one]);
  }
  const taken = new Map<number, { at: number; source: string }>();
  const bySize = [...families.values()].sort((a, b) => b.length - a.length || naturalOrder(a[0]?.source ?? '', b[0]?.source ?? ''));
  for (const family of bySize) {
    const clashes = family.filter((one) => taken.has(one.at));
    const example = clashes[0];
    if (example) {
      notes.push(`${clashes.length === 1 ? example.source : `${clashes.length} files like ${example.source}`} not drawn: another file has the same place on the axis.`);
    }
    for (const one of family) if (!taken.has(one.at)) taken.set(one.at, one);
  }
  return [...taken.values()];
}
