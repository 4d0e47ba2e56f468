import json5 from 'json5';

/** json5 is a hundred times slower than JSON.parse; lines with NaN in them are still short. */
const largestJson5Text = 1024 * 1024;
/** A row of a log names tens of quantities; one with more is data. */
export const mostNumbers = 10_000;
/** Loggers nest one or two levels ("train" / "loss"). */
const deepestNesting = 8;

/** Takes a number out of a row to be its place on an axis; null, and nothing is taken, when it is not finite. */
export function takeFinite(values: Map<string, number>, name: string | null): number | null {
  const value = name === null ? undefined : values.get(name);
  if (name === null || value === undefined || !Number.isFinite(value)) {
    return null;
  }
  values.delete(name);
  return value;
}

/** Null when the text is no JSON object. */
export function parseObject(line: string): object | null {
  const value = parseJson(line);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
}

/** JSON as Python writes it, that is with NaN and Infinity; undefined when it is something else. */
export function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Python's json writes NaN, Infinity and -Infinity, which are JSON5 but not JSON.
    if (line.length > largestJson5Text || !/NaN|Infinity/.test(line)) {
      return undefined;
    }
  }
  try {
    return json5.parse(line);
  } catch {
    return undefined;
  }
}

/** The numbers of an object, nested names joined; texts, truth values and lists are no scalars. At most one more than `mostNumbers`. */
export function flatten(object: object, joinedBy = '/'): Map<string, number> {
  const numbers = new Map<string, number>();
  const visit = (part: object, prefix: string, depth: number) => {
    for (const [key, value] of Object.entries(part) as [string, unknown][]) {
      if (numbers.size > mostNumbers) {
        return;
      }
      if (typeof value === 'number') {
        numbers.set(prefix + key, value);
      } else if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < deepestNesting) {
        visit(value, `${prefix}${key}${joinedBy}`, depth + 1);
      }
    }
  };
  visit(object, '', 1);
  return numbers;
}
