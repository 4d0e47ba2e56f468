import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogFormat } from '../../../src/formats';
import { createFormatRegistry } from '../../../src/formats';
import type { FileProblem, ScalarSeries } from '../../../src/protocol';
import { findRuns, FollowedLogFiles, logFilesOf, ScalarCollector, type LogChange, type LogFiles, type RunOnDisk } from '../../../src/runs';
import { fixturePath } from '../formats/build';

const registry = createFormatRegistry();

/** What `*.expected.json` beside a fixture says. */
export function expectation<Expected>(path: string): Expected {
  return JSON.parse(readFileSync(fixturePath(`logs/${path}.expected.json`), 'utf8')) as Expected;
}

/** The runs below a folder of fixtures, by name. */
export async function runsOf(folder: string): Promise<Map<string, RunOnDisk>> {
  const { runs } = await findRuns([{ name: 'fixtures', path: fixturePath(folder) }]);
  return new Map(runs.map((run) => [run.name, run]));
}

export interface WholeLog {
  readonly series: readonly ScalarSeries[];
  readonly times: ReadonlyMap<string, readonly number[]>;
  readonly problems: readonly FileProblem[];
  readonly others: ReadonlyMap<string, string>;
}

/** Reads a log to its end as the monitor does, `sliceBytes` at a time. */
export async function readWhole(log: LogFiles, sliceBytes?: number): Promise<WholeLog> {
  const followed = new FollowedLogFiles(log, log.format, sliceBytes === undefined ? {} : { sliceBytes });
  const collector = new ScalarCollector(log.source);
  const problems: FileProblem[] = [];
  const times = new Map<string, number[]>();
  const take = ({ rows, columns, problems: found }: Pick<LogChange, 'rows' | 'columns' | 'problems'>) => {
    problems.push(...found);
    collector.append(rows);
    if (columns === null) return;
    collector.appendColumns(columns);
    columns.tag.forEach((tag, i) => {
      const name = columns.tags[tag]!;
      times.set(name, [...(times.get(name) ?? []), columns.times[i]!]);
    });
  };
  for await (const { change } of followed.changes()) take(change);
  for (const { rest } of followed.finish()) take(rest);
  return { series: collector.series(), times, problems, others: followed.otherTags() };
}

/** Event files of one folder of fixtures as one log. */
export function eventFiles(folder: string, names: readonly string[]): LogFiles {
  const format = registry.formats.find(({ id }) => id === 'tensorBoard') as LogFormat;
  const about = { kind: 'log', formatId: 'tensorBoard', format: 'TensorBoard log', bytes: 0, modified: 0, epoch: null, step: null, problem: null } as const;
  return { source: names[0]!, format, files: names.map((name) => ({ ...about, path: name, absolutePath: join(folder, name) })) };
}

/** The logs of a run, read; every series of all of them. */
export async function seriesOf(run: RunOnDisk): Promise<readonly ScalarSeries[]> {
  const logs = await Promise.all(logFilesOf(run.files, registry).map((log) => readWhole(log)));
  return logs.flatMap(({ series }) => series);
}

/** As the fixtures write numbers, where what is not finite has become null in the series. */
export function finite(value: number | string): number | null {
  return typeof value === 'number' ? value : /^-?\d+$/.test(value) ? Number(value) : null;
}
