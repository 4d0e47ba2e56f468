import { compareNaturally } from '../formats';
import type { FileProblem } from '../protocol';

/**
 * Layers from shallow to deep: as the metadata entry `layers` (a JSON array of names) says, those it does not name after them;
 * without it in natural order of their names.
 */
export function layerOrder(names: readonly string[], declared: string | undefined, file: string, problems: FileProblem[]): string[] {
  const natural = [...names].sort(compareNaturally);
  if (declared === undefined || declared.trim() === '') {
    return natural;
  }
  const order = parseNames(declared);
  const report = (reason: string) => problems.push({ file, place: 'metadata layers', reason, severity: 'warning' });
  if (order === null) {
    report('is not a JSON array of tensor names; the layers are in natural order of their names');
    return natural;
  }
  const present = new Set(names);
  const absent = order.filter((name) => !present.has(name));
  if (absent.length > 0) {
    report(`names ${list(absent)}, which the file does not hold as a layer`);
  }
  const listed = [...new Set(order)].filter((name) => present.has(name));
  const unlisted = natural.filter((name) => !listed.includes(name));
  if (unlisted.length > 0) {
    report(`does not name ${list(unlisted)}; ${unlisted.length === 1 ? 'it comes' : 'they come'} last`);
  }
  return [...listed, ...unlisted];
}

function parseNames(json: string): string[] | null {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) && value.every((name) => typeof name === 'string') ? value : null;
  } catch {
    return null;
  }
}

function list(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}
