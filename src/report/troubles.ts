import type { FileProblem, MeasurementRecord } from '../protocol';
import { type Block, join, type Section, type Table } from './blocks';
import { titleOf } from './metricWords';
import { formatCount } from './numbers';

/** So many kinds of warnings and problems are listed; a run with more has one reason for all of them. */
const mostListed = 200;

/** What the measurements themselves say about how to read them, alike ones together. */
export function warningsSection(records: readonly MeasurementRecord[]): Section {
  const without = records.filter(({ value }) => value === null).length;
  const groups = groupWarnings(records);
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const summary = records.length === 0 ? 'Nothing was measured.' : `Measurements without a value: ${formatCount(without)} of ${formatCount(records.length)}. Warnings on measurements: ${formatCount(count)}.`;
  const blocks: Block[] = [{ kind: 'paragraph', text: summary }];
  if (groups.length > 0) blocks.push({ kind: 'folded', summary: 'Warnings', blocks: [warningTable(groups), ...restOf(groups.length)] });
  return { kind: 'section', level: 3, heading: 'Warnings', blocks };
}

interface Warnings {
  readonly text: string;
  count: number;
  /** Whether some say the same with other numbers. */
  varies: boolean;
  readonly metrics: Set<string>;
}

/** Warnings that differ in their numbers alone are one. */
function groupWarnings(records: readonly MeasurementRecord[]): readonly Warnings[] {
  const groups = new Map<string, Warnings>();
  for (const { metric, warnings } of records) {
    for (const text of warnings) {
      const key = text.replace(/\d+(\.\d+)?(e[+-]?\d+)?/g, '#');
      const group = groups.get(key) ?? { text, count: 0, varies: false, metrics: new Set() };
      group.count += 1;
      group.varies ||= group.text !== text;
      group.metrics.add(metric);
      groups.set(key, group);
    }
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

function warningTable(groups: readonly Warnings[]): Table {
  return {
    kind: 'table',
    caption: 'Warnings on the measurements',
    corner: 'warning',
    columns: ['measurements', 'measures'],
    rows: groups.slice(0, mostListed).map(({ text, count, varies, metrics }) => ({
      header: varies ? `For example: ${text}` : text,
      cells: [{ text: formatCount(count) }, { text: join([...metrics].map(titleOf), ', '), words: true }],
    })),
  };
}

/** Files that could not be used, or not in full. */
export function problemsSection(problems: readonly FileProblem[]): Section {
  const blocks: readonly Block[] = problems.length === 0 ? [{ kind: 'paragraph', text: 'No file had a problem.' }] : [problemTable(problems), ...restOf(problems.length)];
  return { kind: 'section', level: 3, heading: 'Problems of files', blocks };
}

function problemTable(problems: readonly FileProblem[]): Table {
  return {
    kind: 'table',
    caption: 'Files with problems',
    corner: 'file',
    columns: ['severity', 'place', 'reason'],
    rows: problems.slice(0, mostListed).map(({ file, place, reason, severity }) => ({
      header: [{ name: file }],
      cells: [{ text: severity, words: true }, { text: place === '' ? '' : [{ name: place }], words: true }, { text: reason, words: true }],
    })),
  };
}

function restOf(count: number): readonly Block[] {
  return count > mostListed ? [{ kind: 'paragraph', text: `${formatCount(count - mostListed)} more are left out.`, note: true }] : [];
}
