import { Chart, LinearScale, LineController, LineElement, LogarithmicScale, PointElement, type ChartDataset } from 'chart.js';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { LandscapeSurface } from '../../../src/protocol';
import { markerNames } from '../charts/markerNames';
import { LineSample } from '../components/LineSample';
import { formatTick } from '../format';
import type { Theme } from '../theme';
import type { HeightKind } from './heightScale';
import { summarize, titleOf } from './summary';

Chart.register(LinearScale, LogarithmicScale, LineController, LineElement, PointElement);
// Nothing moves unless data moved.
Chart.defaults.animation = false;

const fontSize = 11;

/** Losses along lines, all in one chart; told apart by colour, dash and marker. */
export function LossLines({ lines, theme, height }: { lines: readonly LandscapeSurface[]; theme: Theme; height: HeightKind }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const chart = useRef<Chart<'line'> | null>(null);
  useEffect(() => {
    if (!canvas.current) return undefined;
    const made = new Chart<'line'>(canvas.current, {
      type: 'line',
      data: { datasets: [] },
      options: { responsive: true, maintainAspectRatio: false, parsing: false, normalized: true, events: [] },
    });
    chart.current = made;
    return () => made.destroy();
  }, []);
  useEffect(() => {
    const drawn = chart.current;
    if (!drawn) return;
    drawn.data.datasets = lines.map((line, index) => datasetOf(line, index, theme));
    const common = { grid: { drawOnChartArea: false, color: theme.lines, tickLength: 4 }, border: { color: theme.lines } };
    const ticks = { color: theme.muted, maxRotation: 0, font: { family: theme.fontFamily, size: fontSize }, callback: (value: number | string) => formatTick(Number(value)) };
    const title = (text: string): object => ({ display: true, text, color: theme.muted, font: { family: theme.fontFamily, size: fontSize, weight: 'normal' } });
    const logarithmic = height === 'log' && lines.every(({ loss }) => loss.every((one) => one === null || one > 0));
    drawn.options.scales = {
      x: { type: 'linear', ...common, ticks, title: title('place on the line') },
      y: { type: logarithmic ? 'logarithmic' : 'linear', ...common, ticks: { ...ticks, autoSkip: true, maxTicksLimit: 8 }, title: title('loss') },
    };
    drawn.update('none');
  }, [lines, theme, height]);
  return (
    <figure class="surface-figure" data-title="Loss along the line">
      <div class="line-plot" id="loss-lines" role="img" aria-label={`Chart of the loss along the line. ${lines.map(summarize).join(' ')}`}>
        <canvas ref={canvas} data-picture aria-hidden="true" />
      </div>
      <figcaption class="line-names">
        {lines.map((line, index) => (
          <span key={index}>
            <LineSample color={colorOf(index, theme)} marker={markerOf(index)} dashed={index % 2 === 1} theme={theme} /> {titleOf(line)}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

/** Points without a value are gaps; a marker about every tenth. */
function datasetOf({ x, loss }: LandscapeSurface, index: number, theme: Theme): ChartDataset<'line'> {
  const color = colorOf(index, theme);
  const every = Math.max(1, Math.round(x.length / 10));
  return {
    data: x.map((at, place) => ({ x: at, y: loss[place] ?? NaN })),
    borderColor: color,
    backgroundColor: color,
    borderWidth: 1.8,
    borderDash: index % 2 === 1 ? [5, 3] : [],
    pointStyle: markerOf(index),
    pointRadius: x.map((_, place) => (place % every === 0 ? 3 : 0)),
    spanGaps: false,
  };
}

function colorOf(index: number, theme: Theme): string {
  return theme.series[index % theme.series.length] ?? theme.foreground;
}

function markerOf(index: number): (typeof markerNames)[number] {
  return markerNames[index % markerNames.length] ?? 'circle';
}
