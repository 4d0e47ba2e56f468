import { describe, expect, it } from 'vitest';
import { Poller } from '../../../src/monitor/poller';
import { FakeClock } from './fakeClock';

function setUp(): { clock: FakeClock; poller: Poller; errors: string[]; looks: number[]; look: () => Promise<boolean>; answer: { grows: boolean } } {
  const clock = new FakeClock();
  const errors: string[] = [];
  const looks: number[] = [];
  const answer = { grows: true };
  const look = (): Promise<boolean> => {
    looks.push(clock.now());
    return Promise.resolve(answer.grows);
  };
  return { clock, poller: new Poller(clock, (path, error) => errors.push(`${path}: ${String(error)}`)), errors, looks, look, answer };
}

const gaps = (times: readonly number[]): number[] => times.slice(1).map((time, i) => time - (times[i] ?? 0));

describe('the poller', () => {
  it('looks every poll interval while a file grows', async () => {
    const { clock, poller, looks, look } = setUp();
    poller.add('/log', clock.now(), look);
    await clock.pass(20_000);
    expect(looks).toHaveLength(20);
    expect(new Set(gaps(looks))).toEqual(new Set([1000]));
  });

  it('looks less and less often at a quiet file, and often again once it grows', async () => {
    const { clock, poller, looks, look, answer } = setUp();
    answer.grows = false;
    poller.add('/log', clock.now(), look);
    await clock.pass(1_000_000);
    const intervals = gaps(looks);
    expect([...new Set(intervals)]).toEqual([1000, 2000, 5000, 15_000, 60_000]);
    expect(intervals.every((interval, i) => i === 0 || interval >= (intervals[i - 1] ?? 0))).toBe(true);
    answer.grows = true;
    await clock.pass(60_000);
    looks.length = 0;
    await clock.pass(5000);
    expect(looks.length).toBeGreaterThanOrEqual(5);
  });

  it('starts an old file as a quiet one', async () => {
    const { clock, poller, looks, look, answer } = setUp();
    answer.grows = false;
    poller.add('/log', clock.now() - 3_600_000, look);
    await clock.pass(180_000);
    expect(looks).toHaveLength(3);
  });

  it('looks at once after a hint, and again when the hint came during a look', async () => {
    const { clock, poller, looks, answer } = setUp();
    answer.grows = false;
    let finish: (changed: boolean) => void = () => undefined;
    poller.add('/log', clock.now() - 3_600_000, () => {
      looks.push(clock.now());
      return new Promise((resolve) => (finish = resolve));
    });
    poller.hint('/log');
    await clock.pass(0);
    expect(looks).toHaveLength(1);
    poller.hint('/log');
    await clock.pass(0);
    expect(looks).toHaveLength(1);
    finish(false);
    await clock.pass(0);
    await clock.pass(1);
    expect(looks).toHaveLength(2);
  });

  it('slows down when nobody looks and hurries when somebody does', async () => {
    const { clock, poller, looks, look } = setUp();
    poller.setAttention(false);
    poller.add('/log', clock.now(), look);
    await clock.pass(20_000);
    expect(looks).toHaveLength(4);
    poller.setAttention(true);
    await clock.pass(1000);
    expect(looks).toHaveLength(5);
  });

  it('takes the interval of growing files from the settings', async () => {
    const { clock, poller, looks, look } = setUp();
    poller.setInterval(250);
    poller.add('/log', clock.now(), look);
    await clock.pass(2000);
    expect(looks).toHaveLength(8);
  });

  it('never looks at one path twice at once and never at more than eight', async () => {
    const { clock, poller } = setUp();
    let running = 0;
    let most = 0;
    const finishers: (() => void)[] = [];
    for (let i = 0; i < 30; i += 1) {
      poller.add(`/log${i}`, clock.now(), () => {
        running += 1;
        most = Math.max(most, running);
        return new Promise((resolve) => finishers.push(() => {
          running -= 1;
          resolve(false);
        }));
      });
    }
    await clock.pass(10_000);
    expect(running).toBe(8);
    for (let round = 0; round < 10; round += 1) {
      for (const finish of finishers.splice(0)) finish();
      await clock.pass(1);
    }
    expect(most).toBe(8);
  });

  it('tells of a look that failed and goes on looking', async () => {
    const { clock, poller, errors } = setUp();
    poller.add('/log', clock.now(), () => Promise.reject(new Error('no permission')));
    await clock.pass(3000);
    expect(errors).toEqual(Array(3).fill('/log: Error: no permission'));
  });

  it('forgets a removed path and everything once stopped', async () => {
    const { clock, poller, looks, look } = setUp();
    poller.add('/a', clock.now(), look);
    poller.add('/b', clock.now(), look);
    poller.remove('/a');
    await clock.pass(1000);
    expect(looks).toHaveLength(1);
    poller.stop();
    await clock.pass(100_000);
    expect(looks).toHaveLength(1);
  });
});
