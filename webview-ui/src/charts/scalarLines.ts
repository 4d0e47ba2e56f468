import { nearestPoint, type PlacedScalar } from '../select/scalars';
import { decimate, type Point } from './decimate';
import { heldOutDash, lineScale, type ValueRange } from './layerLines';
import type { OnsetMark } from './marks';
import { createTimeChart, type TimeChart, type TimeModel } from './timeChart';

export interface ScalarLine {
  readonly placed: PlacedScalar;
  readonly label: string;
  readonly heldOut: boolean;
  readonly color: string;
}

/** The points behind a smoothed line. */
export type LoggedLine = Omit<ScalarLine, 'heldOut'>;

export interface ScalarLinesModel extends TimeModel {
  readonly lines: readonly ScalarLine[];
  readonly asLogged: readonly LoggedLine[];
  readonly onset: OnsetMark | null;
}

export function createScalarLines(canvas: HTMLCanvasElement): TimeChart<ScalarLinesModel> {
  return createTimeChart<ScalarLinesModel>(canvas, {
    type: 'line',
    top: 6,
    draw: ({ axis, theme, lines, asLogged, onset }, width) => {
      const draw = ({ placed }: LoggedLine): Point[] =>
        decimate(
          placed.at.length,
          (i) => axis.toAxis(placed.at[i] ?? NaN),
          (i) => placed.values[i] ?? NaN,
          { min: axis.min, max: axis.max, buckets: Math.max(1, Math.floor(width)) },
        );
      const drawn = lines.map(draw);
      const behind = asLogged.map(draw);
      const line = ({ label, color }: LoggedLine, data: readonly Point[] | undefined, borderWidth: number) => ({
        type: 'line' as const,
        label,
        data: data as { x: number; y: number }[],
        borderColor: color,
        borderWidth,
        pointRadius: 0,
        clip: 3 as const,
        spanGaps: false,
      });
      return {
        // What comes first lies above.
        datasets: [
          ...lines.map((each, index) => ({
            ...line(each, drawn[index], 1.5),
            borderDash: each.heldOut ? [...heldOutDash] : [],
            pointRadius: each.placed.at.length === 1 ? 3 : 0,
          })),
          ...asLogged.map((each, index) => line(each, behind[index], 0.5)),
        ],
        y: lineScale(theme, false, pointRange([...drawn, ...behind], axis)),
        marks: {
          onset,
          onsetStyle: 'shade',
          breaks: [],
          dots: (at) =>
            lines.flatMap(({ placed, color }) => {
              const index = nearestPoint(placed, at);
              const y = placed.values[index] ?? NaN;
              return Number.isNaN(y) ? [] : [{ at: placed.at[index] ?? 0, y, color }];
            }),
        },
      };
    },
    locate: ({ axis, lines }, x) => {
      const placed = lines[0]?.placed;
      const index = placed ? nearestPoint(placed, axis.fromAxis(x)) : -1;
      return placed && index >= 0 ? { at: placed.at[index] ?? 0, layer: null } : null;
    },
  });
}

/** Decimation keeps extremes, so its points reach as far as all of them. */
function pointRange(lines: readonly (readonly Point[])[], { min: from, max: to }: { readonly min: number; readonly max: number }): ValueRange {
  let [min, max] = [Infinity, -Infinity];
  for (const { x, y } of lines.flat()) {
    if (x < from || x > to || Number.isNaN(y)) continue;
    min = Math.min(min, y);
    max = Math.max(max, y);
  }
  return { min, max };
}
