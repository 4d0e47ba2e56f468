import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { formatTick } from '../format';
import type { Theme } from '../theme';
import { describeCamera, keyTurn, turn, type Camera } from './camera';
import { lossAt } from './grid';
import { boxHeight, checkpointPlace, toBox } from './surfaceMesh';
import type { SurfaceModel } from './surfaceModel';
import type { Project, SurfaceRenderer } from './surfaceRenderer';
import { titleOf } from './summary';

/** Degrees a pixel of dragging. */
const dragSpeed = 0.45;
/** A click this near to a checkpoint is meant for it. */
const clickReach = 11;
/** A pointer that moved less than this has clicked. */
const clickSlack = 4;

/** One surface in space. All surfaces on the page are seen from the same side. */
export function SurfacePlot(props: {
  readonly id: string;
  readonly model: SurfaceModel;
  readonly renderer: SurfaceRenderer;
  readonly width: number;
  readonly theme: Theme;
  /** What is drawn now, and where keys lead to: on the way between them the view turns. */
  readonly camera: Camera;
  readonly target: Camera;
  readonly selected: string | null;
  readonly onTurn: (change: (camera: Camera) => Camera, smoothly: boolean) => void;
  readonly onOpen: (file: string) => void;
}): JSX.Element {
  const { id, model, renderer, width, theme, camera, target, selected, onTurn, onOpen } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const drag = useRef<{ x: number; y: number; moved: number } | null>(null);
  const project = useRef<Project | null>(null);
  const height = Math.round(width * 0.78);

  useEffect(() => {
    if (!canvas.current || width === 0) return;
    const ratio = Math.min(3, Math.max(1, devicePixelRatio));
    project.current = renderer.draw(canvas.current, model, camera, theme, { width, height, ratio });
    const pen = canvas.current.getContext('2d');
    if (pen) drawMarks(pen, { model, theme, selected, project: project.current, camera });
  }, [renderer, model, camera, theme, width, height, selected]);

  // Listened to by hand: a listener that keeps the page from scrolling may not be passive.
  useEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    const onWheel = (event: WheelEvent): void => {
      if (!event.ctrlKey && document.activeElement !== element.parentElement) return;
      event.preventDefault();
      onTurn((view) => turn(view, { distance: Math.exp(event.deltaY * 0.001) }), false);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [onTurn]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const change = event.ctrlKey || event.altKey || event.metaKey ? null : keyTurn(event.key);
    if (change === null) return;
    onTurn(change, true);
    event.preventDefault();
  };
  const onPointerMove = (event: PointerEvent): void => {
    const from = drag.current;
    if (!from) return;
    const [right, down] = [event.clientX - from.x, event.clientY - from.y];
    drag.current = { x: event.clientX, y: event.clientY, moved: from.moved + Math.abs(right) + Math.abs(down) };
    onTurn((view) => turn(view, { azimuth: -right * dragSpeed, elevation: down * dragSpeed }), false);
  };
  const onPointerUp = (event: PointerEvent): void => {
    const clicked = drag.current !== null && drag.current.moved < clickSlack;
    drag.current = null;
    const box = canvas.current?.getBoundingClientRect();
    if (!clicked || !box || !project.current) return;
    const file = checkpointAt(model, project.current, event.clientX - box.left, event.clientY - box.top);
    if (file !== null) onOpen(file);
  };
  return (
    <div
      id={id}
      class="chart surface-plot"
      style={{ height: `${height}px` }}
      role="slider"
      tabIndex={0}
      aria-label={`Surface of ${titleOf(model.surface)}. Arrow keys: turn. Plus and minus: nearer and farther. 0: first view.`}
      aria-valuemin={0}
      aria-valuemax={359}
      aria-valuenow={Math.round(target.azimuth) % 360}
      aria-valuetext={describeCamera(target)}
      data-view={`${Math.round(camera.azimuth * 10) / 10} ${Math.round(camera.elevation * 10) / 10} ${Math.round(camera.distance * 100) / 100}`}
      onKeyDown={onKeyDown}
    >
      <canvas
        ref={canvas}
        data-picture
        aria-hidden="true"
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          drag.current = { x: event.clientX, y: event.clientY, moved: 0 };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={() => (drag.current = null)}
      />
    </div>
  );
}

function checkpointAt(model: SurfaceModel, project: Project, x: number, y: number): string | null {
  const near = model.surface.trajectory.flatMap((point) => {
    const place = checkpointPlace(model.grid, model.scale, point);
    if (place === null) return [];
    const at = project(place);
    return [{ file: point.file, distance: Math.hypot(at.x - x, at.y - y) }];
  });
  const [nearest] = near.sort((a, b) => a.distance - b.distance);
  return nearest && nearest.distance <= clickReach ? nearest.file : null;
}

interface Marks {
  readonly model: SurfaceModel;
  readonly theme: Theme;
  readonly selected: string | null;
  readonly project: Project;
  readonly camera: Camera;
}

/** What lies over the surface in the plane of the screen: ends of the axes, the lowest point, the training. */
function drawMarks(pen: CanvasRenderingContext2D, marks: Marks): void {
  pen.lineJoin = 'round';
  drawLabels(pen, marks);
  drawTrajectory(pen, marks);
  const { model, project } = marks;
  const atOrigin = lossAt(model.grid, 0, 0);
  if (!Number.isNaN(atOrigin)) {
    const { x, y } = project(toBox(model.grid, model.scale, [0, 0], atOrigin));
    for (const [color, width] of [['#000000', 3.6], ['#ffffff', 1.4]] as const) {
      pen.strokeStyle = color;
      pen.lineWidth = width;
      pen.stroke(new Path2D(`M${x - 6},${y}h12M${x},${y - 6}v12`));
    }
  }
  const { minimum } = model.surface;
  if (minimum === null) return;
  const at = project(toBox(model.grid, model.scale, [minimum.x, minimum.y], minimum.loss));
  pen.beginPath();
  for (const [dx, dy] of [[0, -6.5], [5, 0], [0, 6.5], [-5, 0]] as const) pen.lineTo(at.x + dx, at.y + dy);
  pen.closePath();
  paint(pen, '#ffffff', '#000000', 1.4);
}

function paint(pen: CanvasRenderingContext2D, fill: string, stroke: string, width: number): void {
  pen.fillStyle = fill;
  pen.fill();
  pen.strokeStyle = stroke;
  pen.lineWidth = width;
  pen.stroke();
}

function drawTrajectory(pen: CanvasRenderingContext2D, { model, project, selected }: Marks): void {
  const shown = model.surface.trajectory.flatMap((point) => {
    const place = checkpointPlace(model.grid, model.scale, point);
    return place === null ? [] : [{ file: point.file, at: project(place) }];
  });
  for (const [color, width] of [['#000000', 3.4], ['#ffffff', 1.4]] as const) {
    pen.beginPath();
    for (const { at } of shown) pen.lineTo(at.x, at.y);
    pen.strokeStyle = color;
    pen.lineWidth = width;
    pen.stroke();
  }
  for (const { file, at } of shown) {
    pen.beginPath();
    pen.arc(at.x, at.y, file === selected ? 6.5 : 4, 0, 2 * Math.PI);
    if (file === selected) paint(pen, '#000000', '#ffffff', 2.5);
    else paint(pen, '#ffffff', '#000000', 1.4);
  }
}

/** Both ends of the floor's edges that are nearest to the viewer, and of the height at the corner farthest to the left. */
function drawLabels(pen: CanvasRenderingContext2D, { model, theme, project, camera }: Marks): void {
  const { grid, scale } = model;
  const around = (camera.azimuth * Math.PI) / 180;
  const [front, side] = [Math.cos(around) >= 0 ? 1 : -1, Math.sin(around) >= 0 ? 1 : -1];
  pen.font = `11px ${theme.fontFamily}`;
  pen.fillStyle = theme.muted;
  pen.strokeStyle = theme.muted;
  pen.lineWidth = 1;
  pen.textBaseline = 'middle';
  const out = 1.14;
  const write = (text: string, place: readonly [number, number, number], align: CanvasTextAlign = 'center'): void => {
    const at = project(place);
    pen.textAlign = align;
    pen.fillText(text, at.x, at.y);
  };
  const [x0, x1, y0, y1] = [grid.x[0] ?? 0, grid.x.at(-1) ?? 1, grid.y[0] ?? 0, grid.y.at(-1) ?? 1];
  write(formatTick(x0), [-0.92, 0, front * out]);
  write('x', [0, 0, front * out]);
  write(formatTick(x1), [0.92, 0, front * out]);
  write(formatTick(y1), [side * out, 0, -0.92]);
  write('y', [side * out, 0, 0]);
  write(formatTick(y0), [side * out, 0, 0.92]);
  if (camera.elevation > 70) return;
  const corners = ([[-1, -1], [-1, 1], [1, -1], [1, 1]] as const).map(([right, near]) => ({ right, near, x: project([right, 0, near]).x }));
  const corner = corners.reduce((left, one) => (one.x < left.x ? one : left));
  const [bottom, top] = [project([corner.right, 0, corner.near]), project([corner.right, boxHeight, corner.near])];
  pen.beginPath();
  pen.moveTo(bottom.x, bottom.y);
  pen.lineTo(top.x, top.y);
  pen.stroke();
  pen.textAlign = 'right';
  for (const [loss, at] of [[scale.high, top], [scale.low, bottom]] as const) {
    const text = formatTick(loss);
    pen.fillText(text, Math.max(pen.measureText(text).width + 2, at.x - 6), at.y - 5);
  }
}
