import type { JSX } from 'preact';
import type { HealthState } from '../../../src/protocol';

const shapes: Readonly<Record<HealthState | 'chevron' | 'close' | 'warning', JSX.Element>> = {
  healthy: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M5.2 8.2l2 2 3.7-4.2" />
    </>
  ),
  watch: (
    <>
      <path d="M8 2.2L14.4 13.5H1.6z" />
      <path d="M8 6.4v3.4M8 11.4v.6" />
    </>
  ),
  act: (
    <>
      <path class="filled" d="M5.3 1.7h5.4l3.6 3.6v5.4l-3.6 3.6H5.3l-3.6-3.6V5.3z" />
      <path class="on-filled" d="M8 4.6v4.2M8 10.8v.7" />
    </>
  ),
  unknown: <circle cx="8" cy="8" r="6.25" stroke-dasharray="2 2.4" />,
  warning: (
    <>
      <path d="M8 2.2L14.4 13.5H1.6z" />
      <path d="M8 6.4v3.4M8 11.4v.6" />
    </>
  ),
  chevron: <path d="M6 3.5L10.5 8 6 12.5" />,
  close: <path d="M4 4l8 8M12 4l-8 8" />,
};

/** Decoration: what it says stands beside it in words. */
export function Icon({ name, class: extra = '' }: { name: keyof typeof shapes; class?: string }): JSX.Element {
  return (
    <svg class={`icon icon-${name} ${extra}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {shapes[name]}
    </svg>
  );
}
