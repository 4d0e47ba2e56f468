import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the checkout. */
export const root = path.resolve(fileURLToPath(import.meta.url), '../../..');
/** Downloads and leftovers of failed runs; ignored by git. */
export const cache = path.join(root, '.cache');
export const sample = path.join(root, 'media', 'sample');
