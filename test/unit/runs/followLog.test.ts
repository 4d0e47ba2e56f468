import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { csvLog } from '../../../src/formats/csvLog';
import { jsonLines } from '../../../src/formats/jsonLines';
import { FollowedLog, type LogChange } from '../../../src/runs';
import { asNobody } from '../asNobody';

let folder: string;
let path: string;
let time: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'layerscope-log-'));
  path = join(folder, 'log.txt');
  time = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const follow = (format = jsonLines, sliceBytes?: number) => new FollowedLog(path, 'log.txt', format, { now: () => time, ...(sliceBytes === undefined ? {} : { sliceBytes }) });
const line = (epoch: number) => `{"epoch": ${epoch}, "loss": ${epoch / 10}}\n`;
const epochs = (change: Pick<LogChange, 'rows'>) => change.rows.map(({ epoch }) => epoch);

describe('following a log', () => {
  it('gives what was appended, once', async () => {
    writeFileSync(path, line(0) + line(1));
    const log = follow();
    expect(epochs(await log.poll())).toEqual([0, 1]);
    expect(await log.poll()).toMatchObject({ rows: [], problems: [], changed: false, restarted: false, present: true, more: false });
    appendFileSync(path, line(2));
    const change = await log.poll();
    expect(epochs(change)).toEqual([2]);
    expect(change).toMatchObject({ restarted: false, changed: true });
  });

  it('keeps a torn last line until it is complete', async () => {
    writeFileSync(path, line(0) + line(1).slice(0, 8));
    const log = follow();
    expect(epochs(await log.poll())).toEqual([0]);
    appendFileSync(path, line(1).slice(8, 12));
    expect(epochs(await log.poll())).toEqual([]);
    appendFileSync(path, line(1).slice(12));
    expect(epochs(await log.poll())).toEqual([1]);
  });

  it('reads a long file in slices and says that there is more', async () => {
    writeFileSync(path, Array.from({ length: 100 }, (_, i) => line(i)).join(''));
    const log = follow(jsonLines, 500);
    const found: (number | null)[] = [];
    let polls = 0;
    for (let change = await log.poll(); ; change = await log.poll()) {
      polls++;
      found.push(...epochs(change));
      if (!change.more) break;
    }
    expect(found).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(polls).toBeGreaterThan(4);
  });

  it('starts anew when the file was truncated', async () => {
    writeFileSync(path, line(0) + line(1));
    const log = follow();
    await log.poll();
    truncateSync(path, 0);
    expect(await log.poll()).toMatchObject({ restarted: true, rows: [] });
    appendFileSync(path, line(7));
    const change = await log.poll();
    expect(epochs(change)).toEqual([7]);
    expect(change.restarted).toBe(false);
  });

  it('starts anew when another, longer file took its place', async () => {
    writeFileSync(path, line(0));
    const log = follow();
    await log.poll();
    writeFileSync(`${path}.new`, line(5) + line(6) + line(7));
    renameSync(`${path}.new`, path);
    const change = await log.poll();
    expect(change.restarted).toBe(true);
    expect(epochs(change)).toEqual([5, 6, 7]);
  });

  it('starts anew when it was rewritten in place behind an equal beginning', async () => {
    const beginning = Array.from({ length: 40 }, (_, i) => line(i)).join('');
    writeFileSync(path, beginning + line(41));
    const log = follow();
    await log.poll();
    writeFileSync(path, beginning + line(51) + line(52));
    const change = await log.poll();
    expect(change.restarted).toBe(true);
    expect(epochs(change).slice(-2)).toEqual([51, 52]);
  });

  it('goes on when a copy with the same content took its place', async () => {
    writeFileSync(path, line(0));
    const log = follow();
    await log.poll();
    writeFileSync(`${path}.new`, line(0) + line(1));
    renameSync(`${path}.new`, path);
    const change = await log.poll();
    expect(change.restarted).toBe(false);
    expect(epochs(change)).toEqual([1]);
  });

  it('reports a deleted file once, and goes on when it comes back', async () => {
    writeFileSync(path, line(0));
    const log = follow();
    await log.poll();
    rmSync(path);
    expect(await log.poll()).toMatchObject({
      present: false,
      problems: [{ file: 'log.txt', place: '', reason: 'does not exist (any more)', severity: 'error' }],
    });
    expect((await log.poll()).problems).toEqual([]);
    writeFileSync(path, line(0) + line(1));
    const change = await log.poll();
    expect(change).toMatchObject({ present: true, restarted: false });
    expect(epochs(change)).toEqual([1]);
  });

  it.skipIf(process.platform === 'win32')('reports a file that may not be read', async () => {
    writeFileSync(path, line(0));
    chmodSync(folder, 0o755);
    chmodSync(path, 0o000);
    const change = await asNobody(() => follow().poll());
    expect(change.problems).toMatchObject([{ file: 'log.txt', reason: 'no permission to read it' }]);
  });

  it('reports a folder in place of the log', async () => {
    path = folder;
    expect((await follow().poll()).problems).toMatchObject([{ reason: 'is not a regular file' }]);
  });

  it.skipIf(process.platform === 'win32')('does not wait for a pipe in place of the log', async () => {
    execFileSync('mkfifo', [path]);
    expect((await follow().poll()).problems).toMatchObject([{ reason: 'is not a regular file' }]);
  });

  it('says that an empty log is empty, once', async () => {
    writeFileSync(path, '');
    const log = follow();
    expect((await log.poll()).problems).toEqual([{ file: 'log.txt', place: '', reason: 'is empty: nothing has been logged yet', severity: 'info' }]);
    expect((await log.poll()).problems).toEqual([]);
    appendFileSync(path, line(0));
    expect(epochs(await log.poll())).toEqual([0]);
  });

  it('reports broken lines by number, across polls', async () => {
    writeFileSync(path, line(0));
    const log = follow();
    await log.poll();
    appendFileSync(path, `broken\n${line(1)}`);
    const change = await log.poll();
    expect(change.problems).toMatchObject([{ file: 'log.txt', place: 'line 2' }]);
    expect(epochs(change)).toEqual([1]);
  });

  it('takes a last line without line end once the file is quiet', async () => {
    writeFileSync(path, line(0) + line(1).trimEnd());
    const log = follow();
    expect(epochs(await log.poll())).toEqual([0]);
    time = 6000;
    expect(epochs(await log.poll())).toEqual([1]);
    expect(epochs(await log.poll())).toEqual([]);
    appendFileSync(path, `\n${line(2)}`);
    const change = await log.poll();
    expect(change.restarted).toBe(false);
    expect(epochs(change)).toEqual([2]);
  });

  it('starts anew when a last row that seemed complete goes on', async () => {
    writeFileSync(path, 'epoch,loss\n0,1\n1,0.1');
    const log = follow(csvLog);
    await log.poll();
    time = 6000;
    expect((await log.poll()).rows.map(({ values }) => values.get('loss'))).toEqual([0.1]);
    appendFileSync(path, '25\n');
    const change = await log.poll();
    expect(change.restarted).toBe(true);
    expect(change.rows.map(({ values }) => values.get('loss'))).toEqual([1, 0.125]);
  });

  it('does not start anew when a quiet log with a complete last line grows', async () => {
    writeFileSync(path, line(0));
    const log = follow();
    await log.poll();
    time = 60_000;
    await log.poll();
    appendFileSync(path, line(1));
    const change = await log.poll();
    expect(change.restarted).toBe(false);
    expect(epochs(change)).toEqual([1]);
  });

  it('can be told that the log is complete', async () => {
    writeFileSync(path, line(0).trimEnd());
    const log = follow();
    await log.poll();
    expect(epochs(log.finish())).toEqual([0]);
  });
});
