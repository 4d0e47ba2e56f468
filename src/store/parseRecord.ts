import type { MeasurementRecord } from '../protocol';

type Check = readonly [test: (value: unknown) => boolean, expected: string];

const text: Check = [(value) => typeof value === 'string', 'a string'];
const nullableNumber: Check = [(value) => value === null || isFiniteNumber(value), 'a finite number or null'];
const count: Check = [(value) => Number.isInteger(value) && Number(value) >= 0, 'a whole number'];

const checks: Readonly<Record<string, Check>> = {
  run: text,
  source: text,
  sourceVersion: text,
  epoch: nullableNumber,
  step: nullableNumber,
  layer: text,
  layerIndex: count,
  metric: text,
  split: [(value) => value === null || value === 'train' || value === 'held_out' || value === 'gap', '"train", "held_out", "gap" or null'],
  value: nullableNumber,
  n: count,
  d: count,
  views: count,
  seed: nullableNumber,
  options: [isOptions, 'an object of numbers, strings and booleans'],
  warnings: [(value) => Array.isArray(value) && value.every((warning) => typeof warning === 'string'), 'a list of strings'],
  method: count,
};

/**
 * A line of a records file.
 * @throws {SyntaxError} when it is not JSON; {TypeError} naming the first field that is not as inputs.md section 4 says.
 */
export function parseRecord(line: string): MeasurementRecord {
  const parsed: unknown = JSON.parse(line);
  if (!isObject(parsed)) throw new TypeError(`a record is an object, not ${Array.isArray(parsed) ? 'a list' : typeof parsed}`);
  for (const [field, [test, expected]] of Object.entries(checks)) {
    if (!test(parsed[field])) throw new TypeError(`"${field}" is ${shortly(parsed[field])}, expected ${expected}`);
  }
  return parsed as unknown as MeasurementRecord;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isOptions(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((option) => ['number', 'string', 'boolean'].includes(typeof option));
}

function shortly(value: unknown): string {
  const shown = value === undefined ? 'missing' : JSON.stringify(value);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}
