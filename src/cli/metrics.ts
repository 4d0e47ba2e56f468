import { metricCatalog } from '../metrics';
import { parseArguments } from './arguments';
import type { Command } from './command';
import { formatTable, printJson } from './output';

export const metrics: Command = {
  name: 'metrics',
  usage: '[--json]',
  summary: 'List every metric: its id for --metric, what it is measured on and what it says.',
  details: '  --json  one JSON document: metrics',

  run(args, terminal) {
    const { values } = parseArguments(args, [], { json: { type: 'boolean' } });
    const listed = metricCatalog.map(({ id, title, group, subject, summary, page }) => ({ id, title, group, subject, summary, page }));
    if (values.json) {
      printJson(terminal, { metrics: listed });
    } else {
      terminal.write(formatTable(['id', 'measured on', 'group', 'title'], listed.map(({ id, subject, group, title }) => [id, subject, group, title])));
    }
    return Promise.resolve();
  },
};
