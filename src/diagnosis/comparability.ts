import type { MeasurementRecord } from '../protocol';

/** Against which checkpoint a value was taken: another one in every run, and no obstacle. */
const reference = 'since';

/** Why two values of one metric do not compare, in words; empty where they do. */
export function obstaclesBetween(first: MeasurementRecord | null, other: MeasurementRecord | null): string[] {
  if (first === null || other === null) return ['not measured in both'];
  if (first.value === null || other.value === null) {
    return [...new Set([first, other].flatMap(({ value, warnings }) => (value === null ? [warnings.join(' ') || 'has no value'] : [])))];
  }
  const numbers = [
    ['n', first.n, other.n],
    ['width', first.d, other.d],
    ['views', first.views, other.views],
    ['seed', first.seed, other.seed],
    ['version of the definition', first.method, other.method],
  ] as const;
  const options = [...new Set([...Object.keys(first.options), ...Object.keys(other.options)])].filter((name) => name !== reference);
  return [...numbers, ...options.map((name) => [name, first.options[name] ?? null, other.options[name] ?? null] as const)]
    .filter(([, one, another]) => one !== another)
    .map(([name, one, another]) => `${name} is ${one ?? 'none'} and ${another ?? 'none'}`);
}
