import type { Finding, MeasurementRecord, Split } from '../../../src/protocol';
import type { Checkpoints } from './checkpoints';
import { cellAt, comparable, type Grid } from './grid';

export interface LinePoint {
  readonly at: number;
  readonly column: number;
  readonly value: number;
  readonly record: MeasurementRecord;
}

/** One layer and split. A new segment begins where values stop comparing, and after a checkpoint that could not be measured. */
export interface Line {
  readonly layer: string;
  readonly split: Split | null;
  readonly segments: readonly (readonly LinePoint[])[];
}

export function buildLine(grid: Grid, layer: string, checkpoints: Checkpoints): Line {
  const row = grid.layers.indexOf(layer);
  const segments: LinePoint[][] = [];
  let segment: LinePoint[] | null = null;
  let before: MeasurementRecord | undefined;
  for (let column = 0; row >= 0 && column < grid.columns; column++) {
    const record = cellAt(grid, row, column);
    if (record && record.value === null) segment = null;
    if (!record || record.value === null) continue;
    if (!segment || (before && !comparable(before, record))) {
      segment = [];
      segments.push(segment);
    }
    segment.push({ at: checkpoints.list[column]?.at ?? 0, column, value: record.value, record });
    before = record;
  }
  return { layer, split: grid.split, segments };
}

const maximumDefaultLayers = 3;

/**
 * The layers drawn as lines: the person's own, else the deepest of the worst finding, and the deepest that has a value. Layers chosen among features say nothing
 * where weights are shown, and the other way round.
 */
export function chosenLayers(
  chosen: readonly string[] | null,
  layers: readonly string[],
  findings: readonly Finding[],
  hasValue: (layer: string) => boolean = () => true,
): readonly string[] {
  if (chosen && (chosen.length === 0 || chosen.some((layer) => layers.includes(layer)))) return layers.filter((layer) => chosen.includes(layer));
  const found = findings[0]?.layers ?? [];
  const deepest = [...layers].reverse().find(hasValue) ?? layers.at(-1);
  const wanted = layers.filter((layer) => layer === deepest || found.includes(layer));
  return wanted.slice(-maximumDefaultLayers);
}

const rank = { act: 0, watch: 1 } as const;

/** Worst first; the order within one severity is the host's. */
export function sortFindings(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort((a, b) => rank[a.severity] - rank[b.severity]);
}
