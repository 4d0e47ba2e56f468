import { metricCatalog } from '../metrics';
import { isOfTraining, type MeasurementRecord } from '../protocol';
import { type Block, join, names, type Section, type Text } from './blocks';
import { describeOptions } from './conditions';
import { titleOf } from './metricWords';
import { formatCount, formatRange, plural } from './numbers';

export interface EngineInUse {
  readonly name: string;
  readonly version: string;
}

/** With what the values were computed, on what, and with which options. */
export function howMeasured(records: readonly MeasurementRecord[], engine: EngineInUse | null, version: string): Section {
  const ofFeatures = records.filter((record) => record.split !== null && !isOfTraining(record));
  const rows = (split: 'train' | 'held_out'): string => formatRange(ofFeatures.filter((record) => record.split === split).map(({ n }) => n));
  const entries: [string, Text][] = [['Layerscope', version], ['Engine', engineWords(engine)]];
  const [train, heldOut] = [rows('train'), rows('held_out')];
  if (train !== '') entries.push(['Training rows', train]);
  if (heldOut !== '') entries.push(['Held-out rows', heldOut]);
  if (ofFeatures.length > 0) entries.push(['Views of a sample', formatRange(ofFeatures.map(({ views }) => views))], ['Width of the layers', widthsOf(ofFeatures)]);
  const blocks: Block[] = [{ kind: 'facts', entries }];
  if (records.length > 0) blocks.push({ kind: 'folded', summary: 'Options, seeds and methods of each measure', blocks: [optionsTable(records)] });
  return { kind: 'section', level: 3, heading: 'How it was measured', blocks };
}

function engineWords(engine: EngineInUse | null): string {
  if (engine === null) return 'not running when this was written: everything had been measured before';
  const { name, version } = engine;
  if (name === 'unavailable') return 'none could be loaded: only what had been measured before is here';
  return `${name} ${version}; what had been measured before may come from another engine, with the same results within rounding`;
}

/** Layers of one width together. */
function widthsOf(records: readonly MeasurementRecord[]): Text {
  const layers = new Map([...records].sort((a, b) => a.layerIndex - b.layerIndex).map(({ layer, d }) => [layer, d]));
  const byWidth = new Map<number, string[]>();
  for (const [layer, width] of layers) byWidth.set(width, [...(byWidth.get(width) ?? []), layer]);
  return join([...byWidth].map(([width, ofWidth]): Text => [`${formatCount(width)} (`, ...names(ofWidth), ')']), ', ');
}

function optionsTable(records: readonly MeasurementRecord[]): Block {
  const order = new Map(metricCatalog.map(({ id }, index) => [id, index]));
  const rows = new Map<string, MeasurementRecord[]>();
  for (const record of records) {
    const key = JSON.stringify([record.metric, describeOptions(record), record.seed, record.method, isOfTraining(record)]);
    const row = rows.get(key);
    if (row) row.push(record);
    else rows.set(key, [record]);
  }
  const sorted = [...rows.values()].sort(([a], [b]) => (order.get(a?.metric ?? '') ?? Infinity) - (order.get(b?.metric ?? '') ?? Infinity));
  return {
    kind: 'table',
    caption: `Options, seeds and methods of ${plural(records.length, 'measurement')}`,
    corner: 'measure',
    columns: ['options', 'seed', 'method', 'rows (n)', 'views', 'measurements'],
    rows: sorted.flatMap((row) => {
      const [first] = row;
      if (first === undefined) return [];
      const cells = [
        { text: describeOptions(first) || 'none', words: true },
        { text: first.seed === null ? 'none' : String(first.seed) },
        { text: String(first.method) },
        { text: formatRange(row.map(({ n }) => n)) },
        { text: formatRange(row.map(({ views }) => views)) },
        { text: formatCount(row.length) },
      ];
      return [{ header: isOfTraining(first) ? join([titleOf(first.metric), 'recorded in training'], ', ') : titleOf(first.metric), cells }];
    }),
  };
}
