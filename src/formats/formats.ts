import { csvLog } from './csvLog';
import { jsonLines } from './jsonLines';
import { npz } from './npz';
import { FormatRegistry, type Format } from './registry';
import { safetensors } from './safetensors';

/** Every format, in the order in which they are asked; the first that recognises a file reads it. */
export const formats: readonly Format[] = [safetensors, npz, jsonLines, csvLog];

export function createFormatRegistry(): FormatRegistry {
  return new FormatRegistry(formats);
}
