// Reads one event file to its end as the background worker does, in slices of 512 KiB with a turn of the event loop between them.
import { basename, dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { findRuns, FollowedLogFiles, logFilesOf, ScalarCollector } from '../../src/runs';
import { createFormatRegistry } from '../../src/formats';

const file = process.argv[2]!;
const { runs } = await findRuns([{ name: 'bench', path: dirname(file) }]);
const log = logFilesOf(runs[0]!.files, createFormatRegistry()).find(({ source }) => source === basename(file))!;
const started = performance.now();
const cpu = process.cpuUsage();
const followed = new FollowedLogFiles(log, log.format, { sliceBytes: 512 * 1024 });
const collector = new ScalarCollector(log.source);
let longest = 0;
let problems = 0;
let turned = performance.now();
for await (const { change } of followed.changes()) {
  collector.append(change.rows);
  if (change.columns !== null) collector.appendColumns(change.columns);
  problems += change.problems.length;
  longest = Math.max(longest, performance.now() - turned);
  await nextTurn();
  turned = performance.now();
}
const seconds = (performance.now() - started) / 1000;
const { user, system } = process.cpuUsage(cpu);
const points = collector.series().reduce((sum, { values }) => sum + values.length, 0);
console.log(JSON.stringify({ seconds, cpu: (user + system) / 1e6, points, tags: collector.series().length, longestSlice: longest, problems, resident: process.resourceUsage().maxRSS * 1024 }));
