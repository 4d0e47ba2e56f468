import type { MeasurementRecord } from '../protocol';
import { formatCount, formatOption, plural } from './numbers';

/** The option that names what a checkpoint was compared with: it differs from one to the next by itself. */
const reference = 'since';

/** "eps2 0.5, normalisation l2"; empty where there are none. */
export function describeOptions({ options }: Pick<MeasurementRecord, 'options'>): string {
  return Object.entries(options)
    .filter(([name]) => name !== reference)
    .map(([name, value]) => `${name} ${formatOption(value)}`)
    .join(', ');
}

/** What a value was measured on and how: two values with different words do not compare. */
export function describeConditions(record: MeasurementRecord): string {
  const { split, n, d } = record;
  return `${split === null ? `${formatCount(n)} by ${formatCount(d)}` : `n ${formatCount(n)}`}, ${describeManner(record)}`;
}

/** The same without how much of it there was. */
export function describeManner(record: MeasurementRecord): string {
  const { split, views, seed, method } = record;
  const seen = split !== null ? [plural(views, 'view')] : views > 1 ? [`${formatCount(views)} kernel positions`] : [];
  return [...seen, ...(seed === null ? [] : [`seed ${String(seed)}`]), `method ${String(method)}`, describeOptions(record)].filter((part) => part !== '').join(', ');
}
