import { expect, it } from 'vitest';
import { mergeRecords } from '../../../src/store';
import { record } from './records';

it('merges the records of shards into one list without doubles', () => {
  const one = [record(), record({ layer: 'block1' })];
  const two = [record({ layer: 'block1', value: 3 }), record({ sourceVersion: 'sha256:two' })];
  expect(mergeRecords(one, two)).toEqual([record(), record({ layer: 'block1', value: 3 }), record({ sourceVersion: 'sha256:two' })]);
});

it('gives the same however often a list is merged', () => {
  const list = [record(), record({ split: 'gap' })];
  expect(mergeRecords(list, list, list)).toEqual(mergeRecords(list));
});
