import { readSurface } from '../worker/landscape';
import { parseArguments } from './arguments';
import type { Command } from './command';
import { printSurfaces } from './landscapeText';
import { printJson } from './output';

export const surface: Command = {
  name: 'surface',
  usage: 'FILE [--json]',
  summary: 'Read a loss surface that another program computed, and say how flat it is.',
  details: '  FILE    .h5 of tomgoldstein/loss-landscape, .npz of the companion, or any .npz with loss [y, x], x and y\n  --json  one JSON document: the surface',

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['FILE'], { json: { type: 'boolean' } });
    const read = await readSurface(positionals[0] ?? '');
    if (values.json) printJson(terminal, read);
    else printSurfaces(terminal, [read]);
  },
};
