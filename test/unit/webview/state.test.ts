import { describe, expect, it } from 'vitest';
import type { PanelSnapshot, RunDelta } from '../../../src/protocol';
import { choose, initialState, reduce } from '../../../webview-ui/src/state';
import { detail, record, series, summary } from './records';

const snapshot: PanelSnapshot = {
  kind: 'snapshot',
  runs: [summary(), summary({ id: 'other', name: 'other' })],
  scanned: true,
  folders: ['/work'],
  detail: detail([record(0, 0, 1), record(1, 0, 2)], { series: [series('loss', [3, 2])] }),
  metrics: [],
  choice: { runId: 'run', metric: 'rankme', show: 'value', axis: 'log', layers: null, asTable: false },
  progress: null,
  worker: { state: 'running', engine: null, message: '', restarts: 0 },
};
const opened = reduce(initialState(null), snapshot);
const delta: RunDelta = { runId: 'run', run: summary(), layers: ['block0'], voidedSources: [], records: [], voidedLogs: [], series: [] };
const values = (state: typeof opened): (number | null)[] => (state.open?.records.get('rankme') ?? []).map((one) => one.value);

describe('the state of the panel', () => {
  it('is not ready before the first snapshot', () => {
    expect(initialState(null).ready).toBe(false);
    expect(opened.ready).toBe(true);
  });

  it('knows which folders cannot be searched, and forgets it when they can', () => {
    const folderProblems = [{ folder: '/work', reason: 'does not exist (any more)' }];
    const missing = reduce(opened, { ...snapshot, folderProblems });
    expect(missing.folderProblems).toEqual(folderProblems);
    expect([reduce(missing, snapshot).folderProblems, initialState(null).folderProblems]).toEqual([[], []]);
  });

  it('appends the records and points of a delta without changing the state before', () => {
    const next = reduce(opened, { kind: 'run', delta: { ...delta, records: [record(2, 0, 3)], series: [series('loss', [1]), series('lr', [0.1])] } });
    expect(values(next)).toEqual([1, 2, 3]);
    expect(next.open?.series.map((one) => one.values)).toEqual([[3, 2, 1], [0.1]]);
    expect(values(opened)).toEqual([1, 2]);
  });

  it('drops what a delta voids before it adds what the delta brings', () => {
    const rewritten = record(1, 0, 9, { sourceVersion: '2' });
    const next = reduce(opened, { kind: 'run', delta: { ...delta, voidedSources: [rewritten.source], records: [rewritten], voidedLogs: ['log.txt'], series: [series('loss', [7])] } });
    expect(values(next)).toEqual([1, 9]);
    expect(next.open?.series.map((one) => one.values)).toEqual([[7]]);
  });

  it('keeps the lists of metrics that a delta does not touch', () => {
    const next = reduce(opened, { kind: 'run', delta: { ...delta, records: [record(0, 0, 5, { metric: 'alignment' })] } });
    expect(next.open?.records.get('rankme')).toBe(opened.open?.records.get('rankme'));
  });

  it('takes only the summary of a run that is not open', () => {
    const next = reduce(opened, { kind: 'run', delta: { ...delta, runId: 'other', run: summary({ id: 'other', health: 'act' }), records: [record(2, 0, 3)] } });
    expect(next.runs[1]?.health).toBe('act');
    expect(next.open).toBe(opened.open);
  });

  it('adds, changes and removes runs in place', () => {
    const next = reduce(opened, { kind: 'runs', delta: { changed: [summary({ health: 'watch' }), summary({ id: 'new', name: 'new' })], removed: ['other'], scanned: true } });
    expect(next.runs.map((run) => run.id)).toEqual(['run', 'new']);
    expect(next.open?.run.health).toBe('watch');
    expect(reduce(next, { kind: 'runs', delta: { changed: [], removed: ['run'], scanned: true } }).open).toBeNull();
  });

  it('lets the choice of the host win over its own', () => {
    const own = choose(opened, { metric: 'alignment' });
    expect(own.choice.metric).toBe('alignment');
    expect(reduce(own, { kind: 'choice', choice: snapshot.choice }).choice.metric).toBe('rankme');
  });

  it('keeps the open run when a choice brings no other one, and closes it when the choice says so', () => {
    expect(reduce(opened, { kind: 'choice', choice: snapshot.choice }).open).toBe(opened.open);
    expect(reduce(opened, { kind: 'choice', choice: snapshot.choice, detail: null }).open).toBeNull();
  });
});
