import { expect, it } from 'vitest';
import type { RunDelta, RunDetail, RunPage, ScalarSeries } from '../../../src/protocol';
import { OpenedRuns } from '../../../src/worker/openedRuns';
import { record } from '../store/records';

const series = (tag: string, values: readonly number[]): ScalarSeries => ({ tag, source: 'log.txt', epochs: values.map(() => null), steps: [...values], values: [...values], nonFinite: 1 });
const pages: readonly RunPage[] = [
  { records: [record({ layer: 'a' })], series: [] },
  { records: [record({ layer: 'b' })], series: [series('loss', [1, 2])] },
  { records: [], series: [series('loss', [3]), series('lr', [9])] },
];
const delta = (runId: string, epoch: number): RunDelta => ({ runId, run: { epoch } }) as RunDelta;

/** A worker that answers a call when the test says so. */
function slowReader() {
  const waiting: (() => void)[] = [];
  const opened: string[] = [];
  const later = <Answer>(answer: Answer): Promise<Answer> => new Promise((resolve) => waiting.push(() => resolve(answer)));
  let ticket = 0;
  const left = new Map<number, RunPage[]>();
  return {
    opened,
    openRun: (runId: string) => {
      opened.push(runId);
      ticket += 1;
      left.set(ticket, [...pages]);
      return later({ detail: { run: { id: runId }, layers: ['a', 'b'], records: [], series: [] } as unknown as RunDetail, ticket });
    },
    nextPage: (of: number) => later(left.get(of)?.shift() ?? null),
    async answer(): Promise<void> {
      await new Promise(setImmediate);
      waiting.shift()?.();
      await new Promise(setImmediate);
    },
  };
}

it('puts a snapshot together from its pages, and tells what changed meanwhile after it, in order', async () => {
  const told: string[] = [];
  const runs = new OpenedRuns((late) => told.push(`${late.runId} ${String(late.run.epoch)}`));
  const reader = slowReader();
  const opening = runs.open('run', reader).then((detail) => {
    told.push('snapshot');
    return detail;
  });
  await reader.answer();
  expect(runs.holds(delta('other', 1))).toBe(false);
  expect(runs.holds(delta('run', 1))).toBe(true);
  await reader.answer();
  expect(runs.holds(delta('run', 2))).toBe(true);
  for (let page = 0; page < 3; page += 1) await reader.answer();
  const { records, series: joined, layers } = await opening;
  expect([layers, records.map(({ layer }) => layer)]).toEqual([['a', 'b'], ['a', 'b']]);
  expect(joined).toEqual([{ ...series('loss', [1, 2, 3]), nonFinite: 2 }, series('lr', [9])]);
  await new Promise(setImmediate);
  expect(told).toEqual(['snapshot', 'run 1', 'run 2']);
  expect(runs.holds(delta('run', 3))).toBe(false);
});

it('fetches one snapshot of a run after the other, and of different runs side by side', async () => {
  const runs = new OpenedRuns(() => undefined);
  const reader = slowReader();
  const [one, two] = [runs.open('run', reader), runs.open('run', reader)];
  const other = runs.open('other', reader);
  await new Promise(setImmediate);
  expect(reader.opened).toEqual(['run', 'other']);
  for (let answer = 0; answer < 20; answer += 1) await reader.answer();
  expect(reader.opened).toEqual(['run', 'other', 'run']);
  expect(await two).toEqual(await one);
  expect((await other).records).toHaveLength(2);
});

it('lets go of what it held back when the snapshot fails', async () => {
  const told: number[] = [];
  const runs = new OpenedRuns((late) => told.push(late.run.epoch ?? 0));
  const opening = runs.open('run', {
    openRun: () => Promise.resolve({ detail: {} as RunDetail, ticket: 1 }),
    nextPage: async () => {
      runs.holds(delta('run', 5));
      throw new Error('the worker is gone');
    },
  });
  await expect(opening).rejects.toThrow('the worker is gone');
  await new Promise(setImmediate);
  expect(told).toEqual([5]);
});
