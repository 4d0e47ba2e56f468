import type { JSX } from 'preact';
import type { MarkerName } from '../charts/markerNames';
import type { Theme } from '../theme';

const markers: Readonly<Record<MarkerName, JSX.Element>> = {
  circle: <circle cx="11" cy="6" r="3" />,
  rect: <path d="M8.2 3.2h5.6v5.6H8.2z" />,
  triangle: <path d="M11 2.6l3.2 5.8H7.8z" />,
  rectRot: <path d="M11 2.2L14.8 6 11 9.8 7.2 6z" />,
  star: <path d="M11 2.6v6.8M7.6 6h6.8M8.6 3.6l4.8 4.8M13.4 3.6L8.6 8.4" />,
  crossRot: <path d="M8.4 3.4l5.2 5.2M13.6 3.4L8.4 8.6" />,
};

/** A piece of line as the chart draws it. */
export function LineSample(props: { color?: string | undefined; marker?: MarkerName | undefined; dashed?: boolean; theme: Theme }): JSX.Element {
  const color = props.color ?? props.theme.foreground;
  return (
    <svg class="line-sample" viewBox="0 0 22 12" aria-hidden="true" focusable="false" stroke={color} fill={color}>
      <path d="M1 6h20" stroke-dasharray={props.dashed ? '5 3' : undefined} />
      {props.marker && markers[props.marker]}
    </svg>
  );
}
