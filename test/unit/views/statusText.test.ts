import { describe, expect, it } from 'vitest';
import type { WorkerStatus } from '../../../src/protocol';
import { defaultChoice, parseChoice, sameChoice } from '../../../src/views/panelChoice';
import { escapeIcons, statusText } from '../../../src/views/statusText';
import { aFinding, aRun } from './samples';

const running: WorkerStatus = { state: 'running', engine: null, message: '', restarts: 0 };
const quiet = { runs: [], scanned: true, progress: null, worker: running, folders: [] };

describe('the status-bar item', () => {
  it('shows the worst state, how many runs are watched and what was found', () => {
    const runs = [aRun('a', { health: 'healthy' }), aRun('b', { health: 'act', findings: [aFinding('f')] })];
    expect(statusText({ ...quiet, runs }).text).toBe('$(error) Layerscope: 2 runs, 1 finding');
    expect(statusText({ ...quiet, runs: runs.slice(0, 1) }).text).toBe('$(pass) Layerscope: 1 run');
  });

  it('counts what is being measured', () => {
    const progress = { runId: 'a', done: 3, total: 14, current: 'block0' };
    expect(statusText({ ...quiet, runs: [aRun('a')], progress }).label).toBe('Layerscope: measuring 3/14');
  });

  it('says looking before the first scan is complete, no runs after it, and that the worker is down above all', () => {
    expect(statusText({ ...quiet, scanned: false }).label).toBe('Layerscope: looking for runs');
    expect(statusText(quiet).label).toBe('Layerscope: no runs');
    expect(statusText({ ...quiet, runs: [aRun('a')], worker: { ...running, state: 'failed' } }).label).toBe('Layerscope: worker stopped');
  });

  it('says that folders cannot be searched rather than that there are no runs', () => {
    const folders = [{ name: 'here', path: '/here', sample: false }, { name: 'gone', path: '/gone', sample: false, problem: 'does not exist (any more)' }];
    expect(statusText({ ...quiet, folders }).text).toBe('$(warning) Layerscope: 1 folder cannot be searched');
    expect(statusText({ ...quiet, folders, runs: [aRun('a')] }).label).toBe('Layerscope: 1 run');
    expect(statusText({ ...quiet, folders: folders.slice(0, 1) }).label).toBe('Layerscope: no runs');
  });

  it('does not let a name become an icon', () => {
    expect(escapeIcons('$(bug) x')).toBe('\\$(bug) x');
  });
});

describe('a stored choice', () => {
  it('is taken field by field, and what is not valid takes its default', () => {
    expect(parseChoice(null)).toEqual(defaultChoice);
    expect(parseChoice({ runId: 'a', metric: '', show: 'value', axis: 3, layers: ['x', 1], asTable: 'yes' })).toEqual({
      ...defaultChoice, runId: 'a', show: 'value',
    });
    expect(parseChoice({ metric: 'alignment' }).metric).toBe('alignment');
    expect(parseChoice({ metric: null }).metric).toBeNull();
  });

  it('is the same when its layers are the same', () => {
    expect(sameChoice({ ...defaultChoice, layers: ['a', 'b'] }, { ...defaultChoice, layers: ['a', 'b'] })).toBe(true);
    expect(sameChoice({ ...defaultChoice, layers: [] }, defaultChoice)).toBe(false);
  });
});
