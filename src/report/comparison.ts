import { type ComparisonRow, compareRuns, isClear, layersByObstacle, momentWords, rowsToShow, type RunComparison, type RunDifference } from '../diagnosis';
import { metricCatalog } from '../metrics';
import { type Block, type Cell, inlinesOf, join, type Section, type Table, type Text } from './blocks';
import { importantMetrics, layersOf, valueCell } from './metricTables';
import { aboutMetric, titleWithUnit } from './metricWords';
import { formatError, formatSplit, formatValue, plural } from './numbers';
import type { ReportedRun } from './runSection';

/** The runs side by side, layer by layer, with differences to the first one; nothing where no two of them have a layer in common. */
export function comparisonSection(runs: readonly ReportedRun[]): readonly Section[] {
  const comparison = compareRuns(runs.map(({ detail }) => detail.records));
  const shared = comparison.rows.filter(({ values }) => values.filter((value) => value !== null).length > 1);
  const names = runs.map(({ detail }): Text => [{ name: detail.run.name }]);
  const important = new Set(runs.flatMap(({ detail }) => importantMetrics(detail)));
  const measured = new Set(shared.map(({ metric }) => metric));
  const known = metricCatalog.map(({ id }) => id);
  const [first, others] = [true, false].map((isImportant) => [...known, ...measured].filter((id, place, all) => measured.has(id) && important.has(id) === isImportant && all.indexOf(id) === place));
  const blocksOf = (ids: readonly string[] = []): readonly Block[] => ids.flatMap((id) => metricBlocks(id, { ...comparison, rows: shared }, names));
  if (measured.size === 0) return [];
  return [
    {
      kind: 'section', level: 2, heading: 'Comparison', id: comparisonAnchor,
      blocks: [
        { kind: 'paragraph', text: ['Every other run beside ', ...(names[0] ?? ''), ', layer by layer. \u00b1: standard error over samples; that of a difference is as if both runs had samples drawn independently.'] },
        { kind: 'paragraph', text: 'It says how far other samples could move a difference, not how far another seed of the same training would.', note: true },
        ...blocksOf(first),
        ...(others === undefined || others.length === 0 ? [] : [{ kind: 'folded', summary: `${plural(others.length, 'other measure')} side by side`, blocks: blocksOf(others) } satisfies Block]),
      ],
    },
  ];
}

export const comparisonAnchor = 'comparison';

function metricBlocks(id: string, { rows, features, weights }: RunComparison, names: readonly Text[]): readonly Block[] {
  const { split, shown } = rowsToShow(rows, id);
  const table: Table = {
    kind: 'table',
    caption: [...inlinesOf(titleWithUnit(id)), `, ${formatSplit(split)}, ${momentWords(split === null ? weights : features)}`],
    ...(shown.some(({ differences }) => differences.some(isClear)) ? { shading: 'Shaded: the 95 % interval of the difference leaves out 0.' } : {}),
    corner: 'layer',
    columns: names.flatMap((name, run) => (run === 0 ? [name] : [name, ['\u2212 ', ...(names[0] ?? '')]])),
    rows: layersOf(shown.flatMap(({ values }) => values.filter((value) => value !== null))).flatMap((layer) => shown.filter((row) => row.layer === layer)).map((row) => ({ header: [{ name: row.layer }], cells: cellsOf(row) })),
  };
  return [table, ...aboutMetric(id).slice(1), ...obstaclesOf(shown, names)];
}

function cellsOf({ values, differences }: ComparisonRow): Cell[] {
  return values.flatMap((record, run) => {
    // Shading is for differences here.
    const value = { ...valueCell(record ?? undefined), shade: 0 };
    const difference = differences[run - 1];
    return difference === undefined ? [value] : [value, differenceCell(difference)];
  });
}

/** Strong enough to be seen, whatever the size of the difference: what is clear and what is large are two things. */
const clearShade = 3;

function differenceCell(difference: RunDifference): Cell {
  const { value, standardError } = difference;
  if (value === null) return { text: '\u2013' };
  return { text: formatValue(value), value, ...(standardError === null ? {} : { beside: `\u00b1\u00a0${formatError(standardError)}` }), ...(isClear(difference) ? { shade: clearShade } : {}) };
}

/** Why differences are missing, each reason once. */
function obstaclesOf(rows: readonly ComparisonRow[], names: readonly Text[]): readonly Block[] {
  return names.slice(1).flatMap((name, other) =>
    [...layersByObstacle(rows, other)].map(([words, layers]): Block => ({
      kind: 'paragraph', note: true,
      text: ['No difference of ', ...inlinesOf(name), ' in ', ...inlinesOf(join(layers.map((layer) => [{ name: layer }]), ', ')), `: ${words}.`.replace(/\.\.$/, '.')],
    })),
  );
}
