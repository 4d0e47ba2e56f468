import { metricCatalog } from '../metrics';
import { isOfTraining, type MeasurementRecord, type Onset, type RunDetail, type Split } from '../protocol';
import { type Block, type Cell, inlinesOf, type Section, shades, type Table } from './blocks';
import { describeConditions, describeManner } from './conditions';
import { aboutMetric, titleOf, titleWithUnit } from './metricWords';
import { type Moment, momentKey, momentsOf, spreadOver } from './moments';
import { formatError, formatRange, formatSplit, formatValue } from './numbers';

/** So many checkpoints fit beside each other on a page. */
export const mostColumns = 8;

/** What says most about memorization by itself; shown where nothing was found. */
const preferred = 'coding_rate_reduction';

/** The metrics that a report shows over the training: those that findings rest on, else coding rate reduction, else the first in the catalog that has values. */
export function importantMetrics({ run, records }: Pick<RunDetail, 'run' | 'records'>): readonly string[] {
  const measured = new Set(records.filter(({ value }) => value !== null).map(({ metric }) => metric));
  const found = new Set(run.findings.flatMap(({ metrics }) => metrics).filter((id) => measured.has(id)));
  if (found.size > 0) return [...found];
  const first = [preferred, ...metricCatalog.map(({ id }) => id), ...measured].find((id) => measured.has(id));
  return first === undefined ? [] : [first];
}

/** A metric over the training: a table of its gaps, those of its values behind one line; where there is no gap, of its values. */
export function metricSection(detail: RunDetail, id: string): Section {
  const ofMetric = detail.records.filter(({ metric }) => metric === id);
  const ofFiles = ofMetric.filter((record) => !isOfTraining(record));
  const records = ofFiles.length > 0 ? ofFiles : ofMetric;
  const moments = shownMoments(records, detail.run.findings.map(({ onset }) => onset));
  const table = (split: Split | null): Table[] => {
    const ofSplit = records.filter((record) => record.split === split);
    return ofSplit.some(({ value }) => value !== null) ? [tableOf(id, ofSplit, moments)] : [];
  };
  const conditions = conditionBlocks(records.filter(({ value }) => value !== null), moments);
  const [gap, values] = [table('gap'), [...table('train'), ...table('held_out'), ...table(null)]];
  const behind: readonly Block[] = gap.length > 0 && values.length > 0 ? [{ kind: 'folded', summary: 'The values behind the gap', blocks: values }] : [];
  const blocks = behind.length > 0 ? [...gap, ...conditions, ...behind] : [...gap, ...values, ...conditions];
  const note: readonly Block[] = records === ofMetric && ofFiles.length === 0 ? [{ kind: 'paragraph', text: 'Recorded by the training of its own batches.', note: true }] : [];
  return {
    kind: 'section', level: 3, heading: titleOf(id),
    blocks: [...aboutMetric(id), ...note, ...blocks],
  };
}

function shownMoments(records: readonly MeasurementRecord[], onsets: readonly Onset[]): readonly Moment[] {
  const all = momentsOf(records);
  const wanted = onsets.flatMap(({ axis, low, at }) => [low, at].map((place) => all.findIndex((moment) => moment[axis] === place)));
  return spreadOver(all.length, mostColumns, wanted).flatMap((place) => all[place] ?? []);
}

function tableOf(id: string, records: readonly MeasurementRecord[], moments: readonly Moment[]): Table {
  const [split = null] = records.map((record) => record.split);
  const cells = new Map(records.map((record) => [cellKey(record.layer, momentKey(record)), record]));
  const layers = layersOf(records);
  const shown = layers.map((layer) => moments.map(({ key }) => cells.get(cellKey(layer, key))));
  const rows = split === null ? '' : `, n ${formatRange(records.map(({ n }) => n))}`;
  const all = momentsOf(records).length;
  const some = moments.length < all ? `, at ${String(moments.length)} of ${String(all)} checkpoints` : '';
  return {
    kind: 'table',
    caption: [...inlinesOf(titleWithUnit(id)), `, ${formatSplit(split)}${rows}${some}`],
    ...shading(shown.flat()),
    corner: 'layer',
    columns: moments.map(({ label }) => label),
    rows: layers.map((layer, row) => ({ header: [{ name: layer }], cells: (shown[row] ?? []).map((record) => valueCell(record)) })),
  };
}

const cellKey = (layer: string, moment: string): string => JSON.stringify([layer, moment]);

/** Shallow to deep. */
export function layersOf(records: readonly MeasurementRecord[]): readonly string[] {
  return [...new Map(records.map(({ layer, layerIndex }) => [layer, layerIndex]))].sort(([, a], [, b]) => a - b).map(([layer]) => layer);
}

/** A value with its standard error; a dash where there is none. */
export function valueCell(record: MeasurementRecord | undefined): Cell {
  if (record === undefined || record.value === null) return { text: '\u2013' };
  const { value, uncertainty } = record;
  const shade = shadeOf(record);
  return {
    text: formatValue(value),
    value,
    ...(uncertainty === undefined ? {} : { beside: `\u00b1\u00a0${formatError(uncertainty.standardError)}` }),
    ...(shade > 0 ? { shade } : {}),
  };
}

/** What the shading of a table means, where there is some. */
export function shading(records: readonly (MeasurementRecord | undefined)[]): Pick<Table, 'shading'> {
  return records.some((record) => shadeOf(record) > 0) ? { shading: 'Shaded: above 0 by more than twice its noise (standard error), the stronger the further.' } : {};
}

/** By how many times its noise a gap is beyond 0: what is within noise must not look like something. */
function shadeOf(record: MeasurementRecord | undefined): number {
  const error = record?.uncertainty?.standardError ?? 0;
  if (record?.split !== 'gap' || record.value === null || !(error > 0)) return 0;
  return Math.max(0, Math.min(shades, Math.floor(record.value / error) - 1));
}

/** What the shown values were measured on and how, and where that changes from one checkpoint to the next. */
function conditionBlocks(records: readonly MeasurementRecord[], moments: readonly Moment[]): readonly Block[] {
  if (records.length === 0) return [];
  const bySeries = new Map<string, MeasurementRecord[]>();
  for (const record of records) {
    const key = JSON.stringify([record.layer, record.split]);
    const series = bySeries.get(key);
    if (series) series.push(record);
    else bySeries.set(key, [record]);
  }
  const changes = new Map<string, Moment>();
  for (const series of bySeries.values()) {
    const conditions = new Map(series.map((record) => [momentKey(record), describeConditions(record)]));
    let before: string | undefined;
    for (const moment of moments) {
      const now = conditions.get(moment.key);
      if (now !== undefined && before !== undefined && now !== before) changes.set(moment.key, moment);
      before = now ?? before;
    }
  }
  const uncertain = records.some(({ uncertainty }) => uncertainty !== undefined) ? '\u00b1: standard error over samples. ' : '';
  const manners = [...new Set(records.map(describeManner))];
  const how = `Measured with ${manners[0] ?? ''}${manners.length === 1 ? '' : ', or as the options of each measure say further down'}.`;
  return [
    { kind: 'paragraph', text: `${uncertain}${how}`, note: true },
    ...[...changes.values()].map(({ label }): Block => ({ kind: 'paragraph', text: [{ strong: 'Do not compare across' }, ' the checkpoint at ', ...inlinesOf(label), ': from there on it was measured on something else or in another way.'] })),
  ];
}
