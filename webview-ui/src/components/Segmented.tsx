import type { JSX } from 'preact';

export interface Segment<Value extends string> {
  readonly value: Value;
  readonly label: string;
}

/** One of a few, all in sight. Native radio buttons: one tab stop, arrow keys inside. */
export function Segmented<Value extends string>(props: {
  readonly name: string;
  readonly label: string;
  readonly segments: readonly Segment<Value>[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
  /** Why it cannot be changed now; null when it can. */
  readonly disabled?: string | null;
}): JSX.Element {
  const { name, label, segments, value, onChange, disabled = null } = props;
  return (
    <fieldset class="segmented" disabled={disabled !== null} title={disabled ?? undefined}>
      <legend class="hidden">{disabled === null ? label : `${label}. ${disabled}`}</legend>
      {segments.map((segment) => (
        <label key={segment.value} class={segment.value === value ? 'segment chosen' : 'segment'}>
          <input type="radio" name={name} value={segment.value} checked={segment.value === value} onChange={() => onChange(segment.value)} />
          <span>{segment.label}</span>
        </label>
      ))}
    </fieldset>
  );
}
