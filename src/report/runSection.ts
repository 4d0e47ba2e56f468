import type { HealthState, RunDetail, RunFile, RunFileKind, RunSummary } from '../protocol';
import { type Block, type Section, type Text } from './blocks';
import { findingsSection } from './findingBlocks';
import { type EngineInUse, howMeasured } from './howMeasured';
import { lastValues } from './lastValues';
import { importantMetrics, metricSection } from './metricTables';
import { formatAt, plural } from './numbers';
import { problemsSection, warningsSection } from './troubles';

/** A run and with what it was measured. */
export interface ReportedRun {
  readonly detail: RunDetail;
  /** Null where none was running. */
  readonly engine: EngineInUse | null;
}

/** Everything about one run, what matters most first. */
export function runSection({ detail, engine }: ReportedRun, version: string, place: number): Section {
  const { run, records } = detail;
  return {
    kind: 'section',
    level: 2,
    heading: ['Run ', { name: run.name }],
    id: runAnchor(place),
    blocks: [
      { kind: 'facts', entries: [['Health', healthWords(run)], ['How far', howFar(run)], ['Files', filesWords(run.files)]] },
      ...(run.note === undefined ? [] : [{ kind: 'paragraph', text: run.note } satisfies Block]),
      findingsSection(detail),
      ...importantMetrics(detail).map((id) => metricSection(detail, id)),
      ...lastValues(records),
      howMeasured(records, engine, version),
      warningsSection(records),
      problemsSection(run.problems),
    ],
  };
}

export function runAnchor(place: number): string {
  return `run-${String(place + 1)}`;
}

const meanings: Readonly<Record<HealthState, string>> = {
  healthy: 'enough was measured for a finding to show, and none did',
  watch: 'something was found that may get worse',
  act: 'something was found that calls for a decision',
  unknown: 'too little was measured to say: a finding takes three layers of which training and held-out samples were measured at three checkpoints, and half of the probes',
};

function healthWords({ health }: RunSummary): Text {
  return [{ strong: health }, `: ${meanings[health]}`];
}

export function howFar({ epoch, step }: Pick<RunSummary, 'epoch' | 'step'>): string {
  const parts = [...(epoch === null ? [] : [`epoch ${formatAt(epoch)}`]), ...(step === null ? [] : [`step ${formatAt(step)}`])];
  return parts.length === 0 ? 'no file says' : parts.join(', ');
}

function filesWords(files: readonly RunFile[]): string {
  const words = (kind: RunFileKind, one: string): string[] => {
    const ofKind = files.filter((file) => file.kind === kind);
    if (ofKind.length === 0) return [];
    const [measured, troubled] = (['measured', 'problem'] as const).map((state) => ofKind.filter((file) => file.state === state).length);
    const states = [...(kind === 'log' ? [] : [`${String(measured)} measured`]), ...(troubled === 0 ? [] : [`${String(troubled)} with a problem`])];
    return [`${plural(ofKind.length, one)}${states.length === 0 ? '' : ` (${states.join(', ')})`}`];
  };
  const all = [...words('probe', 'probe'), ...words('checkpoint', 'checkpoint'), ...words('log', 'log')];
  return all.length === 0 ? 'none' : all.join(', ');
}
