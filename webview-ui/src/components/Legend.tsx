import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { makePattern, type PatternName } from '../charts/patterns';
import { cssColor, type ColorScale } from '../colorScale';
import { formatAt, formatTick } from '../format';
import type { RunView } from '../runView';
import { cellState } from '../select/grid';
import type { Theme } from '../theme';

/** What the colours and patterns of the heat map mean, in numbers. */
export function Legend({ view, scale, theme }: { view: RunView; scale: ColorScale; theme: Theme }): JSX.Element {
  const states = emptyStates(view);
  const middle = scale.diverging ? 0 : (scale.low + scale.high) / 2;
  const { onset, checkpoints } = view;
  return (
    <div class="legend">
      <div class="legend-scale">
        <Gradient scale={scale} theme={theme} />
        <div class="legend-numbers">
          <span>{formatTick(scale.low)}</span>
          <span>{formatTick(middle)}</span>
          <span>{formatTick(scale.high)}</span>
        </div>
      </div>
      {(scale.diverging || states.length > 0 || onset || view.breaks.length > 0) && (
        <ul class="legend-keys">
          {scale.diverging && <li>above 0: memorizes</li>}
          {onset && (
            <li>
              <span class="onset-key" aria-hidden="true" />
              began, {checkpoints.unit} {onset.low === onset.high ? formatAt(onset.at) : `${formatAt(onset.low)} to ${formatAt(onset.high)}`}
            </li>
          )}
          {states.map((name) => (
            <li key={name}>
              <Swatch name={name} theme={theme} />
              {name === 'missing' ? 'not measured' : 'cannot be measured'}
            </li>
          ))}
          {view.breaks.length > 0 && (
            <li>
              <span class="break-key" aria-hidden="true" />
              do not compare across
            </li>
          )}
        </ul>
      )}
    </div>
  );
}

const gradientSteps = 128;

function Gradient({ scale, theme }: { scale: ColorScale; theme: Theme }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const pen = canvas.current?.getContext('2d');
    if (!pen) return;
    for (let i = 0; i < gradientSteps; i++) {
      pen.fillStyle = cssColor(scale.color(scale.low + ((scale.high - scale.low) * i) / (gradientSteps - 1)));
      pen.fillRect(i, 0, 1, 1);
    }
  }, [scale, theme]);
  return <canvas ref={canvas} class="gradient" width={gradientSteps} height={1} aria-hidden="true" />;
}

function Swatch({ name, theme }: { name: PatternName; theme: Theme }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    const pen = element?.getContext('2d');
    if (!element || !pen) return;
    const ratio = Math.max(1, Math.round(devicePixelRatio));
    element.width = 14 * ratio;
    element.height = 12 * ratio;
    pen.scale(ratio, ratio);
    pen.fillStyle = makePattern(name, theme, pen);
    pen.fillRect(0, 0, 14, 12);
  }, [name, theme]);
  return <canvas ref={canvas} class="swatch" width={14} height={12} aria-hidden="true" />;
}

function emptyStates({ grid, checkpoints }: RunView): PatternName[] {
  const found = new Set<PatternName>();
  for (let row = 0; row < grid.layers.length && found.size < 2; row++) {
    for (let column = 0; column < grid.columns; column++) {
      const state = cellState(grid, checkpoints, row, column);
      if (state !== 'measured') found.add(state);
    }
  }
  return (['missing', 'impossible'] as const).filter((name) => found.has(name));
}
