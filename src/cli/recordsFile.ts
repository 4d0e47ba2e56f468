import type { MeasurementRecord } from '../protocol';
import { recordKey } from '../store';
import { RecordFile } from '../store/recordFile';
import { InputError } from './command';

/**
 * Appends those of the records that a JSON Lines file does not hold yet; a missing file is created, a torn last line is mended.
 * Appending lets several processes add to one file at once.
 * @throws {InputError} when the file cannot be written, or holds lines that are no records and so may be something else entirely.
 */
export async function mergeIntoFile(path: string, records: readonly MeasurementRecord[]): Promise<void> {
  const file = new RecordFile(path);
  const known = new Set<string>();
  try {
    await file.refresh((found) => found.forEach((record) => known.add(recordKey(record))));
    const [problem] = file.problems;
    if (problem) throw new InputError(`${path}, ${problem.place}: ${problem.reason}; nothing was added to it`);
    const missing = records.filter((record) => !known.has(recordKey(record)));
    if (missing.length > 0) await file.append(missing);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${path}: cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}
