import { appendFile, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fixture, fixturePath } from '../formats/build';
import { expectation } from '../runs/logFixtures';
import { until, Watching } from './watching';

interface Expected {
  readonly files: readonly string[];
  readonly scalars: Readonly<Record<string, readonly (readonly [step: number, time: number, value: number])[]>>;
  readonly raw: Expected['scalars'];
}
const name = 'tensorboard/torch-restart-purge-step';
const expected = expectation<Expected>(name);
const [first, second] = expected.files as [string, string];
const from = (file: string): string => fixturePath(`logs/${name}/${file}`);
const valuesOf = (tag: string): number[] => expected.scalars[tag]!.map(([, , value]) => value);

let watching: Watching;
afterEach(() => watching.end());

describe('the monitor and event files', () => {
  it('takes back what a restart voids, when the file of the restart appears', async () => {
    watching = await Watching.start();
    await mkdir(watching.path('run'));
    await copyFile(from(first), watching.path(`run/${first}`));
    const view = await watching.open();
    const key = `${first}:loss`;
    await until('the first file is read', () => view.series.get(key)?.length === 10);
    await copyFile(from(second), watching.path(`run/${second}`));
    await until('the second file is read', () => view.series.get(key)?.at(-1) === valuesOf('loss').at(-1));
    expect(view.series.get(key)).toEqual(valuesOf('loss'));
    expect(view.series.get(`${first}:other`)).toEqual(valuesOf('other'));
    expect([...view.series.keys()].every((each) => each.startsWith(`${first}:`))).toBe(true);
    expect(view.run).toMatchObject({ step: 12 });
    await rm(watching.path(`run/${second}`));
    await until('the second file is forgotten', () => view.run.files.length === 1 && view.series.get(key)?.length === 10);
  });

  it('keeps a torn record until it is complete, and follows what is appended', async () => {
    watching = await Watching.start();
    await mkdir(watching.path('run'));
    const bytes = fixture(`logs/${name}/${first}`);
    const file = watching.path(`run/${path.basename(first)}`);
    await writeFile(file, bytes.subarray(0, 300));
    const view = await watching.open();
    const points = (): number => view.series.get(`${first}:loss`)?.length ?? 0;
    await until('the first records are read', () => points() > 0);
    const before = points();
    expect(before).toBeLessThan(10);
    await appendFile(file, bytes.subarray(300, 301));
    await appendFile(file, bytes.subarray(301));
    await until('the rest is read', () => points() === 10);
    expect(view.run.problems.filter(({ severity }) => severity !== 'info')).toEqual([]);
  });

  it('reads a log of several files anew when one of them is replaced', async () => {
    watching = await Watching.start();
    await mkdir(watching.path('run'));
    for (const file of [first, second]) await copyFile(from(file), watching.path(`run/${file}`));
    const view = await watching.open();
    const key = `${first}:loss`;
    await until('both files are read', () => view.series.get(key)?.length === valuesOf('loss').length);
    // The second file becomes the first once more: nothing restarts, every point is there twice.
    await copyFile(from(first), watching.path(`run/${second}`));
    await until('the files are read again', () => view.series.get(key)?.length === 20);
    expect(view.series.get(key)).toEqual([...expected.raw['loss']!.slice(0, 10), ...expected.raw['loss']!.slice(0, 10)].map(([, , value]) => value));
  });
});
