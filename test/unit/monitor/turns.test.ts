import { expect, it } from 'vitest';
import { Turns } from '../../../src/monitor/turns';

it('lets everybody go on in order, with a turn of the event loop in between', async () => {
  const turns = new Turns();
  let loops = 0;
  let over = false;
  const count = (): void => {
    loops += 1;
    if (!over) setImmediate(count);
  };
  setImmediate(count);
  const gone: { readonly who: string; readonly loop: number }[] = [];
  const go = async (who: string, times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      await turns.take();
      gone.push({ who, loop: loops });
    }
  };
  await Promise.all([go('a', 3), go('b', 1), go('c', 2)]);
  over = true;
  expect(gone.map(({ who }) => who)).toEqual(['a', 'b', 'c', 'a', 'c', 'a']);
  expect(new Set(gone.map(({ loop }) => loop)).size).toBe(gone.length);
});
