import type { JSX } from 'preact';
import { formatTick } from '../format';
import type { Theme } from '../theme';
import type { HeightScale } from './heightScale';

const barHeight = 12;
const fontSize = 11;

/** What the colours mean: one step a band, numbers at the steps as far as there is room. */
export function ScaleBar({ scale, width, theme, label }: { scale: HeightScale; width: number; theme: Theme; label: string }): JSX.Element {
  const bands = scale.levels.length + 1;
  const step = (width - 2 * sideRoom) / bands;
  return (
    <svg class="scale-bar" data-picture-legend width={width} height={barHeight + 20} viewBox={`0 0 ${width} ${barHeight + 20}`} role="img" aria-label={`Colours from ${formatTick(scale.low)} to ${formatTick(scale.high)}, ${label}`}>
      {Array.from({ length: bands }, (_, band) => (
        <rect key={band} x={sideRoom + band * step} y={0} width={step + 0.5} height={barHeight} fill={scale.bandColor(band)} />
      ))}
      <rect x={sideRoom} y={0.5} width={width - 2 * sideRoom} height={barHeight - 1} fill="none" stroke={theme.contrastBorder ?? theme.lines} />
      {scaleLabels(scale, step).map(({ edge, text }) => (
        <text key={edge} x={sideRoom + edge * step} y={barHeight + 14} text-anchor="middle" fill={theme.muted} font-family={theme.fontFamily} font-size={fontSize}>
          {text}
        </text>
      ))}
    </svg>
  );
}

/** Room beside the bar for half of the first and the last number. */
const sideRoom = 22;

/** Both ends, and of the levels between them those that have room; `edge` counts the steps from the left. */
export function scaleLabels({ levels, low, high }: HeightScale, step: number): readonly { readonly edge: number; readonly text: string }[] {
  const all = [low, ...levels, high].map((loss, edge) => ({ edge, text: formatTick(loss) }));
  const [first, last] = [all[0], all.at(-1)];
  if (!first || !last) return [];
  const room = (a: { edge: number; text: string }, b: { edge: number; text: string }): boolean => Math.abs(a.edge - b.edge) * step >= 3.4 * (a.text.length + b.text.length) + 8;
  const kept = [first];
  for (const one of all.slice(1, -1)) if (room(one, kept.at(-1) ?? first) && room(one, last)) kept.push(one);
  return [...kept, last];
}
