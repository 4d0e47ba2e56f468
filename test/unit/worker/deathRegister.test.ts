import { expect, it } from 'vitest';
import { DeathRegister } from '../../../src/worker/deathRegister';

const poison = 'run\nsha1:a\nblock1';
const other = 'run\nsha1:a\nblock2';

it('blames the layers in work, and knows the cause when one was in work twice', () => {
  const register = new DeathRegister();
  register.work([poison, other]);
  expect(register.died()).toBe(false);
  expect(register.suspects()).toEqual([{ key: poison, deaths: 1 }, { key: other, deaths: 1 }]);
  register.work([other]);
  register.work([]);
  register.work([poison]);
  expect(register.died()).toBe(true);
  expect(register.suspects()).toEqual([{ key: poison, deaths: 2 }]);
});

it('blames nobody when the process was stopped or nothing was in work', () => {
  const register = new DeathRegister();
  expect(register.died()).toBe(false);
  register.work([poison]);
  register.stopped();
  expect(register.died()).toBe(false);
  expect(register.suspects()).toEqual([]);
});

it('gives what was given up one more try when a person asks for its run', () => {
  const register = new DeathRegister();
  for (let death = 0; death < 2; death += 1) {
    register.work([poison]);
    register.died();
  }
  expect(register.forgive('another')).toBe(false);
  expect(register.forgive('run')).toBe(true);
  expect(register.suspects()).toEqual([{ key: poison, deaths: 1 }]);
  register.work([poison]);
  expect(register.died()).toBe(true);
});
