import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { Diagnoses } from '../../../src/monitor/diagnoses';
import { RunState } from '../../../src/monitor/runState';
import { Snapshots } from '../../../src/monitor/snapshots';
import type { MeasurementRecord, RunPage } from '../../../src/protocol';
import { ScalarCollector } from '../../../src/runs';
import { record } from '../store/records';
import { FakeClock } from './fakeClock';

const sources = ['a', 'b', 'c', 'd', 'e'];
const recordsOf = (source: string): MeasurementRecord[] => Array.from({ length: 900 }, (_, at) => record({ source, layer: `block${at}` }));

function fullState(): RunState {
  const state = new RunState('run', '/run', 'run', () => undefined);
  for (const source of sources) state.setRecords(source, recordsOf(source));
  return state;
}

it('hands out many changes in several messages, each record once, what is void first', () => {
  const state = fullState();
  state.setRecords('a', recordsOf('a').slice(0, 10));
  const deltas = [];
  while (state.hasNews()) deltas.push(state.takeDelta(state.summary()));
  expect(deltas.length).toBeGreaterThan(1);
  expect(deltas.map(({ voidedSources }) => voidedSources)).toEqual([['a'], ...deltas.slice(1).map(() => [])]);
  expect(Math.max(...deltas.map(({ records }) => records.length))).toBeLessThanOrEqual(2000);
  const told = deltas.flatMap(({ records }) => records);
  expect(sources.map((source) => told.filter((one) => one.source === source).length)).toEqual([10, 900, 900, 900, 900]);
});

it('gives a snapshot page by page that later changes do not touch', () => {
  const state = fullState();
  const log = new ScalarCollector('log.txt');
  state.setLog('log.txt', log);
  log.append(Array.from({ length: 250_000 }, (_, step) => ({ epoch: null, step, values: new Map([['loss', step]]) })));
  const snapshots = new Snapshots();
  const { detail, pages } = state.snapshot();
  const ticket = snapshots.add(pages);
  state.setRecords('b', []);
  log.append([{ epoch: null, step: 0, values: new Map([['loss', 0]]) }]);
  const all: RunPage[] = [];
  for (let page = snapshots.next(ticket); page !== null; page = snapshots.next(ticket)) all.push(page);
  expect([detail.records, detail.series, state.hasNews()]).toEqual([[], [], true]);
  expect(all.flatMap(({ records }) => records)).toHaveLength(sources.length * 900);
  expect(all.flatMap(({ series }) => series.flatMap(({ values }) => values))).toHaveLength(250_000);
  expect(Math.max(...all.map(({ records }) => records.length))).toBeLessThan(3000);
  expect(Math.max(...all.flatMap(({ series }) => series.map(({ values }) => values.length)))).toBe(100_000);
  expect(() => snapshots.next(ticket)).toThrow(/no snapshot 1/);
});

it('forgets the oldest snapshots when nobody fetches them', () => {
  const snapshots = new Snapshots();
  const tickets = Array.from({ length: 20 }, () => snapshots.add([][Symbol.iterator]()));
  expect(() => snapshots.next(tickets[0] ?? 0)).toThrow(RangeError);
  expect(snapshots.next(tickets[19] ?? 0)).toBeNull();
});

function gapState(): RunState {
  const state = new RunState('run', '/run', 'run', () => undefined);
  const uncertainty = { standardError: 0.1, low: 0, high: 0.2, replicates: 200 };
  for (const source of sources) {
    const gaps = ['block0', 'block1', 'block2'].map((layer, layerIndex) => record({ source, layer, layerIndex, metric: 'alignment', split: 'gap', value: 0.1, uncertainty }));
    state.setRecords(source, gaps);
  }
  return state;
}

it('calls no run healthy before anybody has looked for findings in it', () => {
  const state = gapState();
  const diagnoses = new Diagnoses(new FakeClock(), () => undefined, () => undefined);
  expect(state.summary().health).toBe('unknown');
  diagnoses.look(state);
  expect(state.summary().health).toBe('healthy');
  for (const source of sources) state.setRecords(source, []);
  diagnoses.look(state);
  expect(state.summary().health).toBe('unknown');
});

it('can judge a run before everything of its probes is measured, as long as their gaps are', () => {
  const state = gapState();
  for (const path of sources) {
    state.setFile({ kind: 'probe', path, absolutePath: `/run/${path}`, formatId: 'safetensors', format: 'probe', bytes: 1, modified: 1, epoch: 1, step: 1, problem: null });
    state.updateFile(path, { state: 'measuring', layers: ['block0', 'block1', 'block2'] });
  }
  new Diagnoses(new FakeClock(), () => undefined, () => undefined).look(state);
  expect(state.summary().health).toBe('healthy');
  for (const path of sources) state.updateFile(path, { layers: ['block0', 'block1', 'block2', 'block3'] });
  expect(state.summary().health).toBe('unknown');
});

it('looks for findings in turns where that takes long, and then not before twenty times as long has passed', async () => {
  const clock = new FakeClock();
  let ticks = 0;
  const slowly = { now: () => clock.now() + 20 * (ticks += 1), after: clock.after.bind(clock) };
  const due: string[] = [];
  const diagnoses = new Diagnoses(slowly, () => undefined, (run) => due.push(run.id));
  const state = gapState();
  diagnoses.look(state);
  expect([state.haveRecordsChanged, state.summary().health]).toEqual([false, 'unknown']);
  state.setRecords('a', []);
  diagnoses.look(state);
  await vi.waitFor(() => expect(due).toEqual(['run']));
  expect([state.haveRecordsChanged, state.summary().health]).toEqual([true, 'healthy']);
  diagnoses.look(state);
  diagnoses.look(state);
  expect([state.haveRecordsChanged, due.length]).toEqual([true, 1]);
  await clock.pass(1_000_000);
  expect(due).toEqual(['run', 'run']);
});

it('stops looking for findings in a run that has gone', async () => {
  const clock = new FakeClock();
  let ticks = 0;
  const due: string[] = [];
  const diagnoses = new Diagnoses({ now: () => clock.now() + 20 * (ticks += 1), after: clock.after.bind(clock) }, () => undefined, (run) => due.push(run.id));
  const state = gapState();
  diagnoses.look(state);
  diagnoses.forget(state);
  for (let turn = 0; turn < 50; turn += 1) await nextTurn();
  expect([due, state.summary().health]).toEqual([[], 'unknown']);
});
