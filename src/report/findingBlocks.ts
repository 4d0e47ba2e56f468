import { diagnosedMetrics } from '../diagnosis';
import type { Finding, MeasurementRecord, Onset, RunDetail } from '../protocol';
import { type Block, type Cell, join, names, type Section, type Table, type Text } from './blocks';
import { caveatOf, titleOf, titleWithUnit } from './metricWords';
import { momentsOf } from './moments';
import { formatAt, formatCount, formatSplit, formatValue, plural } from './numbers';

/** What was found, or what was looked at without a finding: that is not to say that all is well. */
export function findingsSection({ run: { findings }, records }: RunDetail): Section {
  return { kind: 'section', level: 3, heading: 'Findings', blocks: findings.length === 0 ? lookedAt(records) : findings.map(findingSection) };
}

function findingSection(finding: Finding): Section {
  const { severity, title, explanation, advice, layers, metrics, onset, evidence } = finding;
  return {
    kind: 'section',
    level: 4,
    heading: [{ strong: severity }, `: ${title}`],
    tone: severity,
    blocks: [
      {
        kind: 'facts',
        entries: [
          ['Since', describeOnset(onset)],
          ['Layers', names(layers)],
          ['Seen in', join(metrics.map(titleOf), ', ')],
        ],
      },
      ...metrics.flatMap(caveatOf),
      ...sentences(explanation).map((text): Block => ({ kind: 'paragraph', text })),
      ...(advice.length === 0 ? [] : [{ kind: 'paragraph', text: [{ strong: 'What to do' }] } as const, { kind: 'list', items: advice } as const]),
      ...(evidence.length === 0 ? [] : [evidenceTable(finding)]),
    ],
  };
}

function describeOnset({ axis, at, low, high }: Onset): string {
  const established = `established at ${axis} ${formatAt(at)}`;
  return low === high ? established : `between ${axis} ${formatAt(low)}, where it was not visible, and ${axis} ${formatAt(high)}; ${established}`;
}

/** A long explanation reads better a sentence a paragraph. */
function sentences(text: string): readonly string[] {
  return text.split(/(?<=\.)\s+(?=[A-Z])/);
}

function evidenceTable({ evidence, onset: { axis } }: Finding): Table {
  const number = (value: number | undefined): Cell => (value === undefined ? { text: '' } : { text: formatValue(value), value });
  return {
    kind: 'table',
    caption: 'Evidence: the measurements that decided',
    corner: 'layer',
    columns: ['measure', axis, 'value', 'low, 95\u00a0%', 'high, 95\u00a0%', 'n', 'views', 'method'],
    rows: evidence.map((record) => ({
      header: [{ name: record.layer }],
      cells: [
        { text: [...join([titleWithUnit(record.metric)], ''), `, ${formatSplit(record.split)}`], words: true },
        { text: formatAt(record[axis] ?? record.epoch ?? record.step ?? 0) },
        record.value === null ? { text: 'none' } : number(record.value),
        number(record.uncertainty?.low),
        number(record.uncertainty?.high),
        { text: formatCount(record.n) },
        { text: formatCount(record.views) },
        { text: String(record.method) },
      ],
    })),
  };
}

function lookedAt(records: readonly MeasurementRecord[]): readonly Block[] {
  const gaps = records.filter(({ metric, split, value, uncertainty }) => split === 'gap' && value !== null && uncertainty !== undefined && diagnosedMetrics.includes(metric));
  if (gaps.length === 0) {
    const text: Text = ['No findings, because nothing could be looked at: findings rest on the gap between training and held-out samples, with its uncertainty, of ', ...join(diagnosedMetrics.map(titleOf), ', '), ', and this run has none.'];
    return [{ kind: 'paragraph', text }];
  }
  const metrics = diagnosedMetrics.filter((id) => gaps.some(({ metric }) => metric === id));
  const layers = new Set(gaps.map(({ layer }) => layer)).size;
  const text: Text = [
    `No findings. What was looked at: ${plural(gaps.length, 'gap')} between training and held-out samples with their uncertainty, in ${plural(layers, 'layer')} at ${plural(momentsOf(gaps).length, 'checkpoint')}, by `,
    ...join(metrics.map(titleOf), ', '),
    '. Nothing in them was beyond the limits of the rules (docs/diagnosis.md); what the rules do not look at was not judged.',
  ];
  return [{ kind: 'paragraph', text }];
}
