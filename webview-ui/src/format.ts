import type { OptionValue, Split, Uncertainty } from '../../src/protocol';

const plain = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const scientific = new Intl.NumberFormat(undefined, { notation: 'scientific', maximumSignificantDigits: 4 });
const tick = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const tickCompact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumSignificantDigits: 3 });
const tickScientific = new Intl.NumberFormat(undefined, { notation: 'scientific', maximumSignificantDigits: 2 });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const place = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const minus = (text: string): string => text.replaceAll('-', '\u2212');

/** A measured value with four significant digits. */
export function formatValue(value: number): string {
  const size = Math.abs(value);
  return minus((size !== 0 && (size < 1e-4 || size >= 1e7) ? scientific : plain).format(value));
}

/** A value in a narrow place: three significant digits. */
export function formatShort(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? minus(tickScientific.format(value)) : minus(tick.format(value));
}

/** A value at an axis: short. */
export function formatTick(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-3) return minus(tickScientific.format(value));
  return minus((size >= 1e4 ? tickCompact : tick).format(value));
}

export function formatCount(count: number): string {
  return whole.format(count);
}

/** A place on the time axis: an epoch, a step or the number of a checkpoint. */
export function formatAt(at: number): string {
  return minus((Math.abs(at) >= 1e5 ? tickCompact : place).format(at));
}

export function formatInterval(uncertainty: Uncertainty): string {
  return `${formatShort(uncertainty.low)} to ${formatShort(uncertainty.high)}`;
}

export function formatSplit(split: Split | null): string {
  if (split === 'held_out') return 'held-out';
  return split ?? 'all';
}

export function formatOption(value: OptionValue): string {
  if (typeof value === 'number') return formatValue(value);
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : value;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** What remains of dotted names when the parts that all of them share at the start and at the end are left out. */
export function distinctPart(names: readonly string[]): (name: string) => string {
  const split = names.map((name) => name.split('.'));
  const [first = []] = split;
  const shortest = Math.min(...split.map((parts) => parts.length));
  let head = 0;
  while (names.length > 1 && head < shortest - 1 && split.every((parts) => parts[head] === first[head])) head++;
  let tail = 0;
  while (names.length > 1 && tail < shortest - 1 - head && split.every((parts) => parts.at(-1 - tail) === first.at(-1 - tail))) tail++;
  return (name) => {
    const parts = name.split('.');
    return parts.slice(head, parts.length - tail).join('.');
  };
}

/** Keeps the end, which tells layers apart, and some of the beginning. */
export function shortenMiddle(text: string, fits: (candidate: string) => boolean): string {
  if (fits(text)) return text;
  for (let kept = text.length - 1; kept > 2; kept--) {
    const head = Math.floor(kept / 4);
    const candidate = `${text.slice(0, head)}\u2026${text.slice(text.length - (kept - head))}`;
    if (fits(candidate)) return candidate;
  }
  return `\u2026${text.slice(-2)}`;
}
