import { readSurfaces } from '../worker/landscape';
import { parseArguments } from './arguments';
import type { Command } from './command';
import { printSurfaces } from './landscapeText';
import { printJson } from './output';

export const surface: Command = {
  name: 'surface',
  usage: 'FILE [--json]',
  summary: 'Read loss surfaces that another program computed, and say how flat they are.',
  details: '  FILE    .h5 of tomgoldstein/loss-landscape, .npz of the companion, any .npz, .h5 or\n          .safetensors with loss [y, x], x and y, or JSON of layerscope landscape\n  --json  one JSON document: the surface, or surfaces where the file holds several',

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['FILE'], { json: { type: 'boolean' } });
    const surfaces = await readSurfaces(positionals[0] ?? '');
    if (values.json) printJson(terminal, surfaces.length === 1 ? surfaces[0]! : { surfaces });
    else printSurfaces(terminal, surfaces);
  },
};
