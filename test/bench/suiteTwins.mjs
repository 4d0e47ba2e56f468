import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { converse } from './measure.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));

/** The Python scripts that the measures are compared with; the targets are about the first. */
export const twins = {
  plain: "each measure by the libraries' own functions",
  tuned: 'tuned by hand: our ways ported to NumPy wherever they are quicker than the libraries',
};

/** @param which a name, or both */
export function chosenTwins(which) {
  if (which === 'both') return Object.keys(twins);
  if (!(which in twins)) throw new Error(`--twin must be ${Object.keys(twins).join(', ')} or both, not ${which}.`);
  return [which];
}

export function startTwin(python, name, threads) {
  const limits = Object.fromEntries(['OPENBLAS', 'OMP', 'MKL', 'BLIS'].map((library) => [`${library}_NUM_THREADS`, String(threads)]));
  return converse(python, ['-B', path.join(here, 'twin_suite.py'), name], limits);
}

/** What a twin needs for a layer, reading included. */
export const twinSeconds = ({ reading, families }, without) =>
  reading.seconds + Object.entries(families).reduce((sum, [family, { seconds }]) => (without.includes(family) ? sum : sum + seconds), 0);
