import type { JSX } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import { formatAt, formatShort, formatTick } from '../format';
import type { Theme } from '../theme';
import { nearestPoint } from './grid';
import { makePlotArea, pathOf, type PlotArea } from './plotArea';
import { pointName, titleOf } from './summary';
import type { SurfaceModel } from './surfaceModel';
import type { Place } from './contours';

/** Contours of one surface. The cursor is shared, so that surfaces side by side show the same place. */
export function ContourPlot(props: {
  readonly id: string;
  readonly model: SurfaceModel;
  readonly width: number;
  readonly theme: Theme;
  readonly cursor: Place | null;
  readonly selected: string | null;
  readonly onPoint: (place: Place | null) => void;
  readonly onOpen: (file: string) => void;
}): JSX.Element {
  const { id, model, width, theme, cursor, selected, onPoint, onOpen } = props;
  const { grid, surface } = model;
  const frame = useRef<HTMLDivElement>(null);
  const area = useMemo(() => makePlotArea(grid, width), [grid, width]);
  const here = nearestPoint(grid, ...(cursor ?? defaultPlace(model)));
  const locate = (event: PointerEvent): void => {
    const box = frame.current?.getBoundingClientRect();
    if (box) onPoint(area.locate(event.clientX - box.left, event.clientY - box.top));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = steps[event.key];
    if (event.key === 'Escape') onPoint(null);
    else if (event.key === 'Home') onPoint(defaultPlace(model));
    else if (step) {
      const bounded = (value: number, count: number): number => Math.min(count - 1, Math.max(0, value));
      const [column, row] = cursor === null ? [here.column, here.row] : [bounded(here.column + step[0], grid.columns), bounded(here.row + step[1], grid.rows)];
      onPoint([grid.x[column] ?? 0, grid.y[row] ?? 0]);
    } else return;
    event.preventDefault();
  };
  return (
    <div
      ref={frame}
      id={id}
      class="chart contour-plot"
      style={{ height: `${area.height}px` }}
      role="slider"
      tabIndex={0}
      aria-label={`Contours of ${titleOf(surface)}. Arrow keys: walk over the points. Home: lowest point.`}
      aria-valuemin={0}
      aria-valuemax={grid.values.length - 1}
      aria-valuenow={here.row * grid.columns + here.column}
      aria-valuetext={describePoint(model, here)}
      data-plot={[area.left, area.top, area.right, area.bottom].join(' ')}
      onKeyDown={onKeyDown}
      onPointerMove={locate}
      onPointerLeave={() => onPoint(null)}
      onBlur={() => onPoint(null)}
    >
      <ContourPicture id={id} model={model} area={area} theme={theme} selected={selected} onOpen={onOpen} />
      {cursor && <Crosshair area={area} grid={grid} here={here} theme={theme} />}
    </div>
  );
}

const steps: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Where nothing is pointed at: the lowest point, else the origin. */
export function defaultPlace({ surface }: SurfaceModel): Place {
  return surface.minimum ? [surface.minimum.x, surface.minimum.y] : [0, 0];
}

/** A point of the grid in words. */
export function describePoint({ grid, surface }: SurfaceModel, { column, row }: { readonly column: number; readonly row: number }): string {
  const index = row * grid.columns + column;
  const loss = surface.loss[index] ?? null;
  const value = loss === null ? (grid.unfinished ? 'not computed yet' : 'not finite') : `loss ${formatShort(loss)}`;
  const convex = surface.convex.length === 0 ? '' : surface.convex[index] === true ? ', in the convex region' : ', outside of the convex region';
  return `(${formatAt(grid.x[column] ?? 0)}, ${formatAt(grid.y[row] ?? 0)}): ${value}${convex}`;
}

/** The picture alone, in plain attributes, so that it can be saved as it is. */
function ContourPicture(props: {
  readonly id: string;
  readonly model: SurfaceModel;
  readonly area: PlotArea;
  readonly theme: Theme;
  readonly selected: string | null;
  readonly onOpen: (file: string) => void;
}): JSX.Element {
  const { id, model, area, theme, selected, onOpen } = props;
  const { grid, scale, contours, outline, surface } = model;
  const paths = useMemo(
    () => ({
      bands: contours.bands.map(({ level, rings }) => ({ level, d: pathOf(rings, area, true), fill: scale.bandColor(level === null ? 0 : scale.levels.indexOf(level) + 1) })),
      lines: scale.levels.map((level) => ({ level, d: pathOf(contours.lines.filter((line) => line.level === level).map(({ places }) => places), area, false) })).filter(({ d }) => d !== ''),
      outline: pathOf(outline, area, false),
    }),
    [contours, outline, scale, area],
  );
  const missing = `${id}-missing`;
  return (
    <svg class="contours" data-picture width={area.width} height={area.height} viewBox={`0 0 ${area.width} ${area.height}`} aria-hidden="true" focusable="false" fill="none">
      <defs>
        <pattern id={missing} width="6" height="6" patternUnits="userSpaceOnUse">
          <path d="M2,2h1v1h-1zM5,5h1v1h-1z" fill={theme.muted} />
        </pattern>
      </defs>
      <rect x={area.left} y={area.top} width={area.right - area.left} height={area.bottom - area.top} fill={`url(#${missing})`} />
      {paths.bands.map(({ level, d, fill }) => (
        <path key={level ?? 'all'} d={d} fill={fill} fill-rule="evenodd" stroke={fill} stroke-width="0.4" data-band={level ?? 'all'} />
      ))}
      {paths.lines.map(({ level, d }) => (
        <path key={level} d={d} stroke={scale.lineColor(level)} stroke-opacity={theme.highContrast ? 1 : 0.55} stroke-width="0.9" data-level={level} />
      ))}
      {grid.unfinished && <ComputedPoints model={model} area={area} />}
      <Axes area={area} theme={theme} />
      {paths.outline !== '' && (
        <g data-test="convex">
          <path d={paths.outline} stroke="#000000" stroke-width="4.5" stroke-linejoin="round" />
          <path d={paths.outline} stroke="#ffffff" stroke-width="2" stroke-dasharray="6 3" stroke-linejoin="round" />
        </g>
      )}
      <Trajectory model={model} area={area} selected={selected} onOpen={onOpen} />
      <g transform={`translate(${area.toX(0)},${area.toY(0)})`} data-test="origin">
        <path d="M-6,0H6M0,-6V6" stroke="#000000" stroke-width="3.6" />
        <path d="M-6,0H6M0,-6V6" stroke="#ffffff" stroke-width="1.4" />
      </g>
      {surface.minimum && (
        <g transform={`translate(${area.toX(surface.minimum.x)},${area.toY(surface.minimum.y)})`} data-test="minimum">
          <path d={diamond} fill="#ffffff" stroke="#000000" stroke-width="1.4" />
        </g>
      )}
    </svg>
  );
}

export const diamond = 'M0,-6.5L5,0L0,6.5L-5,0Z';

/** While a surface is being computed: what is known, against what lies between. */
function ComputedPoints({ model: { grid, scale }, area }: { model: SurfaceModel; area: PlotArea }): JSX.Element {
  const points = [...grid.values.keys()].filter((index) => !Number.isNaN(grid.values[index]));
  const d = (color: string): string =>
    points
      .filter((index) => lineColorAt(scale, grid.values[index] ?? 0) === color)
      .map((index) => `M${area.toX(grid.x[index % grid.columns] ?? 0).toFixed(1)},${area.toY(grid.y[Math.floor(index / grid.columns)] ?? 0).toFixed(1)}h0`)
      .join('');
  return (
    <g data-test="computed" data-count={points.length} stroke-width="2.2" stroke-linecap="round">
      <path d={d('#ffffff')} stroke="#ffffff" />
      <path d={d('#000000')} stroke="#000000" />
    </g>
  );
}

function lineColorAt(scale: SurfaceModel['scale'], loss: number): string {
  const level = scale.levels[scale.band(loss)] ?? scale.levels.at(-1);
  return level === undefined ? '#ffffff' : scale.lineColor(level);
}

function Axes({ area, theme }: { area: PlotArea; theme: Theme }): JSX.Element {
  const line = theme.contrastBorder ?? theme.lines;
  const text = { fill: theme.muted, 'font-family': theme.fontFamily, 'font-size': 11 };
  return (
    <g>
      <rect x={area.left} y={area.top} width={area.right - area.left} height={area.bottom - area.top} stroke={line} />
      {area.ticksX.map((at) => (
        <g key={at}>
          <path d={`M${area.toX(at)},${area.bottom}v4`} stroke={line} />
          <text {...text} x={area.toX(at)} y={area.bottom + 16} text-anchor="middle">
            {formatTick(at)}
          </text>
        </g>
      ))}
      {area.ticksY.map((at) => (
        <g key={at}>
          <path d={`M${area.left},${area.toY(at)}h-4`} stroke={line} />
          <text {...text} x={area.left - 7} y={area.toY(at) + 4} text-anchor="end">
            {formatTick(at)}
          </text>
        </g>
      ))}
    </g>
  );
}

/** The path of the training; its points can be clicked. The list below the plot offers the same to the keyboard. */
function Trajectory(props: { model: SurfaceModel; area: PlotArea; selected: string | null; onOpen: (file: string) => void }): JSX.Element | null {
  const { model, area, selected, onOpen } = props;
  const { trajectory } = model.surface;
  const { x, y } = model.grid;
  const [x0, x1, y0, y1] = [x[0] ?? 0, x.at(-1) ?? 1, y[0] ?? 0, y.at(-1) ?? 1];
  const shown = trajectory.filter((point) => point.x >= x0 && point.x <= x1 && point.y >= y0 && point.y <= y1);
  if (shown.length === 0) return null;
  const d = pathOf([shown.map((point): Place => [point.x, point.y])], area, false);
  return (
    <g data-test="trajectory">
      <path d={d} stroke="#000000" stroke-width="3.4" stroke-linejoin="round" />
      <path d={d} stroke="#ffffff" stroke-width="1.4" stroke-linejoin="round" />
      {shown.map((point) => (
        <circle
          key={point.file}
          class="checkpoint"
          data-file={point.file}
          cx={area.toX(point.x)}
          cy={area.toY(point.y)}
          r={point.file === selected ? 6.5 : 4}
          fill={point.file === selected ? '#000000' : '#ffffff'}
          stroke={point.file === selected ? '#ffffff' : '#000000'}
          stroke-width={point.file === selected ? 2.5 : 1.4}
          onClick={() => onOpen(point.file)}
        >
          <title>{`${pointName(point)}${point.loss === null ? '' : `, loss ${formatShort(point.loss)}`}`}</title>
        </circle>
      ))}
    </g>
  );
}

function Crosshair(props: { area: PlotArea; grid: SurfaceModel['grid']; here: { readonly column: number; readonly row: number }; theme: Theme }): JSX.Element {
  const { area, grid, here } = props;
  const [x, y] = [area.toX(grid.x[here.column] ?? 0), area.toY(grid.y[here.row] ?? 0)];
  return (
    <svg class="crosshair" width={area.width} height={area.height} aria-hidden="true" focusable="false" fill="none">
      <path d={`M${area.left},${y}H${area.right}M${x},${area.top}V${area.bottom}`} stroke="#000000" stroke-width="2.4" stroke-opacity="0.5" />
      <path d={`M${area.left},${y}H${area.right}M${x},${area.top}V${area.bottom}`} stroke="#ffffff" stroke-width="1" />
    </svg>
  );
}
