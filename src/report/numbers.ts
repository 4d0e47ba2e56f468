import type { OptionValue, Split, Uncertainty } from '../protocol';

const plain = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });
const scientific = new Intl.NumberFormat('en-US', { notation: 'scientific', maximumSignificantDigits: 4 });
const short = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 2 });
const shortScientific = new Intl.NumberFormat('en-US', { notation: 'scientific', maximumSignificantDigits: 2 });
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const place = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2, useGrouping: false });

const minus = (text: string): string => text.replaceAll('-', '\u2212');
const isOdd = (size: number, least: number): boolean => size !== 0 && (size < least || size >= 1e7);

/** A measured value with four significant digits. */
export function formatValue(value: number): string {
  return minus((isOdd(Math.abs(value), 1e-4) ? scientific : plain).format(value));
}

/** How uncertain it is: two significant digits. */
export function formatError(error: number): string {
  return minus((isOdd(error, 1e-4) ? shortScientific : short).format(error));
}

export function formatInterval({ low, high }: Pick<Uncertainty, 'low' | 'high'>): string {
  return `${formatValue(low)} to ${formatValue(high)}`;
}

export function formatCount(count: number): string {
  return whole.format(count);
}

/** An epoch or a step. */
export function formatAt(at: number): string {
  return minus(place.format(at));
}

/** "256", or "64 to 256" of several. */
export function formatRange(values: Iterable<number>): string {
  const sorted = [...new Set(values)].sort((a, b) => a - b);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) return '';
  return least === most ? formatCount(least) : `${formatCount(least)} to ${formatCount(most)}`;
}

export function formatSplit(split: Split | null): string {
  if (split === null) return 'weights';
  return { train: 'training samples', held_out: 'held-out samples', gap: 'gap' }[split];
}

export function formatOption(value: OptionValue): string {
  if (typeof value === 'number') return formatValue(value);
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : value;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** "2026-03-01 09:30 UTC" */
export function formatMoment(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
