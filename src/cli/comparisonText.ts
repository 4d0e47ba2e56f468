import { type ComparisonRow, isClear, layersByObstacle, momentWords, rowsToShow, type RunComparison } from '../diagnosis';
import { metricInfo } from '../metrics';
import type { ComparedRun } from './comparedRun';
import { count, formatTable, onOneLine, round } from './output';

/** A table of the runs, then one a metric: of gaps where the metric has one, else of the part seen in training, else of weights. */
export function comparisonText(runs: readonly ComparedRun[], comparison: RunComparison): string {
  const about = runs.map(({ run, health, epoch, step, findings }) => [run, health, epoch, step, findings.map(({ title }) => title).join('; ') || 'none']);
  const tables = [...new Set(comparison.rows.map(({ metric }) => metric))].map((metric) => metricTable(metric, runs, comparison));
  const note = comparison.rows.some(({ differences }) => differences.some(isClear)) ? ['* the 95 % interval of the difference leaves out zero; other seeds of the same training may differ as much\n'] : [];
  return [formatTable(['run', 'health', 'epoch', 'step', 'findings'], about), ...tables, ...note].join('\n');
}

function metricTable(metric: string, runs: readonly ComparedRun[], { rows, features, weights }: RunComparison): string {
  const { split, shown } = rowsToShow(rows, metric);
  const part = { gap: ', gap', train: ', train', held_out: ', held out' }[split ?? 'gap'];
  const title = `${metricInfo(metric)?.title ?? metric}${split === null ? '' : part} ${momentWords(split === null ? weights : features)}`;
  const header = ['layer', ...runs.flatMap(({ run }, index) => (index === 0 ? [run] : [run, 'difference', '+-', '']))];
  return `${onOneLine(title)}\n${formatTable(header, shown.map(cellsOf))}${obstaclesOf(shown, runs)}`;
}

function cellsOf({ layer, values, differences }: ComparisonRow): (string | number | null)[] {
  const cells: (string | number | null)[] = [layer];
  for (const [index, record] of values.entries()) {
    cells.push(round(record?.value));
    const difference = differences[index - 1];
    if (difference === undefined) continue;
    cells.push(round(difference.value), round(difference.standardError), isClear(difference) ? '*' : '');
  }
  return cells;
}

/** Why differences are missing, each reason once with the number of layers. */
function obstaclesOf(rows: readonly ComparisonRow[], runs: readonly ComparedRun[]): string {
  const lines: string[] = [];
  for (const [index, { run }] of runs.slice(1).entries()) {
    for (const [words, layers] of layersByObstacle(rows, index)) lines.push(`  ${run}: no difference in ${count(layers.length, 'layer')}: ${onOneLine(words)}\n`);
  }
  return lines.join('');
}
