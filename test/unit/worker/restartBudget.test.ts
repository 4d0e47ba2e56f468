import { expect, it } from 'vitest';
import { RestartBudget } from '../../../src/worker/restartBudget';

it('allows three restarts a minute, each after a longer wait', () => {
  let now = 0;
  const budget = new RestartBudget(() => now);
  const waits = [budget.take(), budget.take(), budget.take()];
  expect(waits.every((wait, i) => wait !== null && wait > (waits[i - 1] ?? 0))).toBe(true);
  now = 59_000;
  expect(budget.take()).toBeNull();
});

it('allows restarts again after a minute, or when a person asks', () => {
  let now = 0;
  const budget = new RestartBudget(() => now);
  for (let i = 0; i < 3; i += 1) budget.take();
  now = 60_001;
  expect(budget.take()).not.toBeNull();
  for (let i = 0; i < 5; i += 1) budget.take();
  expect(budget.take()).toBeNull();
  budget.reset();
  expect(budget.take()).not.toBeNull();
});
