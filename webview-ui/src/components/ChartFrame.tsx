import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { TimeChart } from '../charts/timeChart';

/** Where the cursor may go by keyboard, and what is said there. */
export interface ChartKeys {
  readonly count: number;
  readonly index: number;
  readonly text: string;
  move(step: 'previous' | 'next' | 'first' | 'last' | 'up' | 'down'): void;
  choose?(): void;
  zoom(direction: 'in' | 'out' | 'whole'): void;
  leave(): void;
}

const steps: Readonly<Record<string, Parameters<ChartKeys['move']>[0]>> = {
  ArrowLeft: 'previous',
  ArrowRight: 'next',
  ArrowUp: 'up',
  ArrowDown: 'down',
  Home: 'first',
  End: 'last',
};

/**
 * A canvas that can be focused and walked through. To a screen reader it is a slider over the checkpoints whose value text is
 * what the cursor shows: announced when it moves, without a live region.
 */
export function ChartFrame<Model>(props: {
  readonly id: string;
  readonly create: (canvas: HTMLCanvasElement) => TimeChart<Model>;
  readonly model: Model;
  readonly height: number;
  readonly label: string;
  readonly keys: ChartKeys;
}): JSX.Element {
  const { id, create, model, height, label, keys } = props;
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const chart = useRef<TimeChart<Model> | null>(null);

  useEffect(() => {
    if (!canvas.current) return undefined;
    const created = create(canvas.current);
    chart.current = created;
    return () => created.destroy();
  }, [create]);
  useEffect(() => chart.current?.render(model), [model, height]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const step = steps[event.key];
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (step) keys.move(step);
    else if ((event.key === 'Enter' || event.key === ' ') && keys.choose) keys.choose();
    else if (event.key === '+' || event.key === '=') keys.zoom('in');
    else if (event.key === '-') keys.zoom('out');
    else if (event.key === '0') keys.zoom('whole');
    else if (event.key === 'Escape') keys.leave();
    else return;
    event.preventDefault();
  };
  return (
    <div
      ref={frame}
      id={id}
      class="chart"
      style={{ height: `${height}px` }}
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, keys.count - 1)}
      aria-valuenow={Math.max(0, keys.index)}
      aria-valuetext={keys.text}
      onKeyDown={onKeyDown}
      onFocus={() => {
        if (frame.current?.matches(':focus-visible')) keys.move('last');
      }}
      onBlur={() => keys.leave()}
    >
      <canvas ref={canvas} aria-hidden="true" />
    </div>
  );
}
