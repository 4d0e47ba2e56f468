import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { InputError } from './command';

/** Replaces a file in one step or not at all. @throws {InputError} when it cannot be written. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const beside = `${file}.${randomUUID()}.part`;
  try {
    await writeFile(beside, text, { flag: 'wx' });
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw new InputError(`${file}: cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}
