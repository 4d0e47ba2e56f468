import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { FormatError } from '../formats/byteSource';
import { type ProbeData, probeDataDefaults } from '../protocol';

const fileName = 'probe-data.json';

/** A longer file is none of ours. */
const mostBytes = 1_000_000;

type Check = readonly [test: (value: unknown) => boolean, expected: string];

const mostSamples = 100_000;
const mostViews = 1_000;
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isWhole = (value: unknown, least: number, most: number): boolean => Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
const isList = (value: unknown, test: (each: number) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'number' && Number.isFinite(each) && test(each));
const orNull = ([test, expected]: Check): Check => [(value) => value === null || test(value), `${expected}, or null`];
const count: Check = orNull([(value) => isWhole(value, 1, 65_536), 'a whole number from 1 to 65536']);
const roles: readonly unknown[] = ['model', 'student', 'teacher'];

const checks: { readonly [Name in keyof ProbeData]: Check } = {
  train: [isText, 'a path'],
  heldOut: orNull([isText, 'a path']),
  samples: [(value) => isWhole(value, 1, mostSamples), `a whole number from 1 to ${mostSamples}`],
  views: [(value) => isWhole(value, 1, mostViews), `a whole number from 1 to ${mostViews}`],
  seed: [(value) => isWhole(value, 0, 2 ** 32 - 1), 'a whole number from 0 to 4294967295'],
  mean: orNull([(value) => isList(value, () => true), 'a list of numbers']),
  deviation: orNull([(value) => isList(value, (each) => each > 0), 'a list of numbers above 0']),
  graph: orNull([isText, 'a path']),
  heads: count,
  decoderHeads: count,
  imageSize: count,
  role: orNull([(value) => roles.includes(value), '"model", "student" or "teacher"']),
};

/**
 * Probe data as they should be: what is left out is the default, and nothing is there that has no meaning.
 * @throws {FormatError} naming the file, the field, its value and what is expected
 */
export function checkProbeData(value: unknown, file: string): ProbeData {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FormatError(file, '', 'is no object that says which images a model is shown');
  const unknown = Object.keys(value).find((field) => !Object.hasOwn(checks, field));
  if (unknown !== undefined) throw new FormatError(file, `"${unknown}"`, `is not known; there are ${Object.keys(checks).join(', ')}`);
  const data: Readonly<Record<string, unknown>> = { ...probeDataDefaults, ...value };
  for (const [field, [test, expected]] of Object.entries(checks)) {
    if (!test(data[field])) throw new FormatError(file, `"${field}"`, `is ${shortly(data[field])}, expected ${expected}`);
  }
  // In one order, so that what is the same is written the same.
  return Object.fromEntries(Object.keys(checks).map((field) => [field, data[field]])) as unknown as ProbeData;
}

/**
 * What was chosen for a run.
 * @param folders that may hold it; what was written last counts
 * @throws {FormatError} naming the file, the field and what is wrong with it
 */
export async function readProbeData(folders: readonly string[]): Promise<ProbeData | null> {
  let last = { file: '', modified: -1, bytes: 0 };
  for (const file of folders.map((folder) => path.join(folder, fileName))) {
    const found = await stat(file).catch((error: unknown) => {
      if (isAbsent(error)) return null;
      throw unreadable(file, error);
    });
    if (found !== null && found.mtimeMs > last.modified) last = { file, modified: found.mtimeMs, bytes: found.size };
  }
  if (last.file === '') return null;
  if (last.bytes > mostBytes) throw new FormatError(last.file, '', `has ${last.bytes} bytes, and no choice of images takes more than ${mostBytes}`);
  const text = await readFile(last.file, 'utf8').catch((error: unknown) => {
    throw unreadable(last.file, error);
  });
  const parsed = parse(text, last.file);
  return parsed === null ? null : checkProbeData(parsed, last.file);
}

/**
 * Remembers what was chosen, or with null that nothing is, in the first of the folders that can be written; a reader sees the old choice or the new one.
 * @returns the file
 * @throws {FormatError} naming each place and why it cannot be written
 */
export async function writeProbeData(folders: readonly string[], data: ProbeData | null): Promise<string> {
  const reasons: string[] = [];
  for (const folder of folders) {
    const file = path.join(folder, fileName);
    try {
      await replaceFile(file, [Buffer.from(`${JSON.stringify(data, null, 2)}\n`)]);
      return file;
    } catch (error) {
      reasons.push(`${file}: ${reasonOf(error)}`);
    }
  }
  throw new FormatError(fileName, '', reasons.length === 0 ? 'has no place to be written to' : `cannot be written: ${reasons.join('; ')}`);
}

/** Puts a file in place in one step, whole and on the disk, or not at all. */
export async function replaceFile(file: string, pieces: Iterable<Uint8Array>): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const beside = `${file}.${randomUUID()}.part`;
  try {
    const handle = await open(beside, 'wx');
    try {
      for (const piece of pieces) await handle.appendFile(piece);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw error;
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FormatError(file, '', `is not JSON: ${reasonOf(error)}`);
  }
}

function unreadable(file: string, error: unknown): FormatError {
  return new FormatError(file, '', `cannot be read: ${reasonOf(error)}`);
}

function shortly(value: unknown): string {
  const shown = value === undefined ? 'missing' : JSON.stringify(value);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
