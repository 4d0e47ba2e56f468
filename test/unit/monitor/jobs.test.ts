import { describe, expect, it } from 'vitest';
import { JobQueue } from '../../../src/monitor/jobs';
import type { Job } from '../../../src/monitor/jobs';

function setUp(concurrency = 1): {
  queue: JobQueue; started: string[]; finish: (key: string) => Promise<void>; job: (key: string, change?: Partial<Job>) => Job; aborted: string[];
} {
  const started: string[] = [];
  const aborted: string[] = [];
  const finishers = new Map<string, () => void>();
  const queue = new JobQueue(concurrency, () => undefined);
  const job = (key: string, change: Partial<Job> = {}): Job => ({
    key, runId: 'run', asked: false, runRank: 0, rank: 0, title: `measuring ${key}`,
    run: (signal) =>
      new Promise((resolve) => {
        started.push(key);
        finishers.set(key, resolve);
        signal.addEventListener('abort', () => {
          aborted.push(key);
          resolve();
        });
      }),
    ...change,
  });
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 5; i += 1) await Promise.resolve();
  };
  const finish = async (key: string): Promise<void> => {
    await turns();
    finishers.get(key)?.();
    await turns();
  };
  return { queue, started, finish, job, aborted };
}

describe('the job queue', () => {
  it('takes asked-for jobs first, then the newest run, then the higher rank', async () => {
    const { queue, started, finish, job } = setUp();
    queue.add(job('old', { runRank: 1, rank: 9 }));
    queue.add(job('new, low', { runRank: 2, rank: 1 }));
    queue.add(job('new, high', { runRank: 2, rank: 2 }));
    queue.add(job('asked', { runRank: 0, asked: true }));
    for (const key of ['asked', 'new, high', 'new, low', 'old']) await finish(key);
    expect(started).toEqual(['asked', 'new, high', 'new, low', 'old']);
  });

  it('runs a job once however often it is added, and lifts it when it is asked for', async () => {
    const { queue, started, finish, job } = setUp();
    queue.add(job('running', { rank: 9 }));
    await finish('');
    queue.add(job('a', { rank: 5 }));
    queue.add(job('b'));
    queue.add(job('b', { asked: true }));
    queue.add(job('running'));
    for (const key of ['running', 'b', 'a']) await finish(key);
    expect(started).toEqual(['running', 'b', 'a']);
    expect(queue.progress()).toBeNull();
  });

  it('runs one at a time of those that exclude each other, and others beside it', async () => {
    const { queue, started, finish, job } = setUp(3);
    for (const key of ['first model', 'second model']) queue.add(job(key, { exclusive: 'model', rank: 2 }));
    queue.add(job('layer'));
    await finish('');
    expect(started).toEqual(['first model', 'layer']);
    await finish('first model');
    expect(started).toEqual(['first model', 'layer', 'second model']);
    for (const key of ['layer', 'second model']) await finish(key);
    expect(queue.progress()).toBeNull();
  });

  it('never runs more at once than it may', async () => {
    const { queue, started, finish, job } = setUp(2);
    for (const key of ['a', 'b', 'c']) queue.add(job(key));
    await finish('');
    expect(started).toHaveLength(2);
    await finish('a');
    expect(started).toHaveLength(3);
  });

  it('counts what is done of a run and forgets the count when the run is finished', async () => {
    const { queue, finish, job } = setUp();
    queue.add(job('a', { rank: 2 }));
    queue.add(job('b', { rank: 1 }));
    await finish('');
    expect(queue.progress()).toEqual({ runId: 'run', done: 0, total: 2, current: 'measuring a' });
    await finish('a');
    expect(queue.progress()).toEqual({ runId: 'run', done: 1, total: 2, current: 'measuring b' });
    queue.tell('b', 'half of it');
    expect(queue.progress()?.current).toBe('measuring b: half of it');
    queue.tell('a', 'over already');
    expect(queue.progress()?.current).toBe('measuring b: half of it');
    await finish('b');
    expect(queue.progress()).toBeNull();
    queue.add(job('c'));
    await finish('');
    expect(queue.progress()).toMatchObject({ done: 0, total: 1 });
  });

  it('tells of the job that was heard of last', async () => {
    const { queue, finish, job } = setUp(2);
    for (const key of ['a', 'b']) queue.add(job(key));
    await finish('');
    expect(queue.progress()?.current).toBe('measuring b');
    queue.tell('a', 'half of it');
    expect(queue.progress()?.current).toBe('measuring a: half of it');
    await finish('a');
    expect(queue.progress()?.current).toBe('measuring b');
  });

  it('cancels waiting and running jobs of one run and leaves the others', async () => {
    const { queue, started, finish, job, aborted } = setUp();
    queue.add(job('mine, running', { rank: 9 }));
    queue.add(job('mine, waiting', { rank: 8 }));
    queue.add(job('other', { runId: 'other' }));
    await finish('');
    expect(queue.cancel('run').sort()).toEqual(['mine, running', 'mine, waiting']);
    await finish('other');
    expect(aborted).toEqual(['mine, running']);
    expect(started).toEqual(['mine, running', 'other']);
    await queue.idle();
  });

  it('runs a job that may end the process last, and nothing beside it', async () => {
    const { queue, started, finish, job } = setUp(2);
    queue.add(job('suspect', { alone: true, asked: true, rank: 9 }));
    for (const key of ['a', 'b', 'c']) queue.add(job(key));
    await finish('');
    expect(started).toEqual(['a', 'b']);
    await finish('a');
    await finish('b');
    expect(started).toEqual(['a', 'b', 'c']);
    await finish('c');
    expect(started).toEqual(['a', 'b', 'c', 'suspect']);
    queue.add(job('late'));
    await finish('');
    expect(started).toHaveLength(4);
    await finish('suspect');
    expect(started.at(-1)).toBe('late');
  });
});
