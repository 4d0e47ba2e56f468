import { metricCatalog } from '../metrics';
import { isOfTraining, type MeasurementRecord, type MetricGroup, type Split } from '../protocol';
import { type Block, inlinesOf, type Table, type Text } from './blocks';
import { layersOf, shading, valueCell } from './metricTables';
import { aboutMetric, titleWithUnit } from './metricWords';
import { momentsOf } from './moments';
import { formatSplit } from './numbers';

const splits: readonly (Split | null)[] = ['gap', 'train', 'held_out', null];

/** The last value of each metric in each layer, a table for each group of metrics and each split, behind one line. */
export function lastValues(records: readonly MeasurementRecord[]): readonly Block[] {
  const ofFiles = records.filter((record) => !isOfTraining(record));
  const ofTraining = records.filter(isOfTraining);
  const blocks = [...groupsOf(ofFiles).flatMap(([group, ids]) => groupBlocks(group, ids, ofFiles)), ...groupsOf(ofTraining).flatMap(([, ids]) => groupBlocks('Recorded in training', ids, ofTraining))];
  return blocks.length === 0 ? [] : [{ kind: 'section', level: 3, heading: 'All measures', blocks: [{ kind: 'folded', summary: 'Last values of everything that was measured', blocks }] }];
}

/** Metrics that are there, by their group, in the order of the catalog; those that it does not know at the end. */
function groupsOf(records: readonly MeasurementRecord[]): readonly (readonly [string, readonly string[]])[] {
  const there = new Set(records.map(({ metric }) => metric));
  const groups = new Map<MetricGroup | 'Others', string[]>();
  const groupOf = new Map(metricCatalog.map(({ id, group }) => [id, group]));
  for (const id of new Set([...metricCatalog.map((metric) => metric.id), ...there])) {
    const group = groupOf.get(id) ?? 'Others';
    if (there.has(id)) groups.set(group, [...(groups.get(group) ?? []), id]);
  }
  return [...groups];
}

function groupBlocks(group: string, ids: readonly string[], records: readonly MeasurementRecord[]): readonly Block[] {
  const last = lastOf(records.filter(({ metric }) => ids.includes(metric)));
  const tables = splits.flatMap((split) => {
    const ofSplit = last.filter((record) => record.split === split);
    return ofSplit.length === 0 ? [] : [tableOf(group, split, ids, ofSplit)];
  });
  return [...tables, ...ids.flatMap(aboutWithName)];
}

function aboutWithName(id: string): readonly Block[] {
  const [summary, ...rest] = aboutMetric(id);
  if (summary?.kind !== 'paragraph') return [];
  return [{ ...summary, text: [...inlinesOf(titleWithUnit(id)), ': ', ...inlinesOf(summary.text)] }, ...rest];
}

/** Of each layer, metric and split the record of the last moment; of several at one moment that with a value. */
function lastOf(records: readonly MeasurementRecord[]): readonly MeasurementRecord[] {
  const place = new Map(momentsOf(records).map((moment, index) => [JSON.stringify([moment.source, moment.epoch, moment.step]), index]));
  const placeOf = ({ source, epoch, step }: MeasurementRecord): number => place.get(JSON.stringify([source, epoch, step])) ?? -1;
  const last = new Map<string, MeasurementRecord>();
  for (const record of records) {
    const key = JSON.stringify([record.layer, record.metric, record.split]);
    const before = last.get(key);
    const isLater = before === undefined || placeOf(record) > placeOf(before) || (placeOf(record) === placeOf(before) && before.value === null);
    if (isLater) last.set(key, record);
  }
  return [...last.values()];
}

function tableOf(group: string, split: Split | null, all: readonly string[], records: readonly MeasurementRecord[]): Table {
  const ids = all.filter((id) => records.some(({ metric }) => metric === id));
  const cells = new Map(records.map((record) => [JSON.stringify([record.layer, record.metric]), record]));
  const moments = momentsOf(records);
  const [first, last] = [moments[0], moments.at(-1)];
  const when: Text = first === undefined || last === undefined ? '' : first === last ? inlinesOf(last.label) : ['each at its last, ', ...inlinesOf(first.label), ' to ', ...inlinesOf(last.label)];
  return {
    kind: 'table',
    caption: [`${group}, ${formatSplit(split)}, `, ...inlinesOf(when)],
    ...shading(records),
    corner: 'layer',
    columns: ids.map(titleWithUnit),
    rows: layersOf(records).map((layer) => ({ header: [{ name: layer }], cells: ids.map((id) => valueCell(cells.get(JSON.stringify([layer, id])))) })),
  };
}
