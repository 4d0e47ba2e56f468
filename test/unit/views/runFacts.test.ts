import { describe, expect, it } from 'vitest';
import {
  contains, describeFiles, describeWorker, escapeMarkdown, folderOfRun, formatBytes, lineOfPlace, positionOf, runToShowFirst, titleOf, worstHealth,
} from '../../../src/views/runFacts';
import { aFile, aRun } from './samples';

describe('facts of a run', () => {
  it('takes the worst health, and unknown of none', () => {
    expect(worstHealth([aRun('a', { health: 'healthy' }), aRun('b', { health: 'watch' })])).toBe('watch');
    expect(worstHealth([])).toBe('unknown');
  });

  it('names the epoch, else the step, else nothing', () => {
    expect(positionOf({ epoch: 0, step: 7 })).toBe('epoch 0');
    expect(positionOf({ epoch: null, step: 7 })).toBe('step 7');
    expect(positionOf({ epoch: null, step: null })).toBe('');
  });

  it('calls features that a model gave after the checkpoint, and every other file by its name', () => {
    expect(titleOf({ path: '.layerscope/features/checkpoints/step=60.pt.0123456789abcdef.safetensors', format: 'features of checkpoints/step=60.pt' })).toBe('features of checkpoints/step=60.pt');
    expect(titleOf({ path: 'probes/step=60.safetensors', format: 'safetensors probe' })).toBe('step=60.safetensors');
  });

  it('finds the innermost watched folder and is not fooled by a common prefix', () => {
    const folders = ['/training', '/training/runs', '/training/ru'].map((path) => ({ name: path, path, sample: false }));
    expect(folderOfRun(aRun('x', { folder: '/training/runs/x' }), folders)?.name).toBe('/training/runs');
    expect(folderOfRun(aRun('x', { folder: '/elsewhere/x' }), folders)).toBeNull();
    expect(contains('C:\\work', 'C:\\work\\runs')).toBe(true);
    expect(contains('/', '/training')).toBe(true);
  });

  it('shows first what needs a person, then what was written last, and prefers runs with probes', () => {
    const logsOnly = aRun('logs', { modified: 9000 });
    const old = aRun('old', { modified: 1, health: 'act', files: [aFile('p')] });
    const fresh = aRun('fresh', { modified: 5, files: [aFile('p')] });
    expect(runToShowFirst([logsOnly, fresh, old])?.id).toBe('old');
    expect(runToShowFirst([logsOnly])?.id).toBe('logs');
    const checkpoints = aRun('checkpoints', { files: [aFile('a', { kind: 'checkpoint' })], modified: 0 });
    expect(runToShowFirst([logsOnly, checkpoints])?.id).toBe('checkpoints');
    expect(runToShowFirst([checkpoints, old])?.id).toBe('old');
    expect(runToShowFirst([])).toBeNull();
  });

  it('shows a run first of which something can be read, rather than one written to later whose probes cannot', () => {
    const unreadable = aRun('unreadable', { files: [aFile('a', { state: 'problem' })], modified: 9 });
    const checkpoints = aRun('checkpoints', { files: [aFile('b', { kind: 'checkpoint' })], modified: 1 });
    expect(runToShowFirst([unreadable, checkpoints])?.id).toBe('checkpoints');
    expect(runToShowFirst([unreadable])?.id).toBe('unreadable');
  });

  it('says how many probes are measured and how many cannot be read', () => {
    const files = [aFile('a'), aFile('b', { state: 'queued' }), aFile('c', { state: 'problem' })];
    expect(describeFiles('probe', files)).toBe('1 of 3 measured, 1 unreadable');
    expect(describeFiles('probe', files.slice(0, 1))).toBe('1 measured');
    expect(describeFiles('log', [aFile('l', { kind: 'log', state: 'found' })])).toBe('1');
  });

  it('writes bytes with three digits at most', () => {
    expect([0, 999, 1000, 99_950, 999_999, 4_100_000].map(formatBytes)).toEqual(['0 B', '999 B', '1.0 kB', '100 kB', '1.0 MB', '4.1 MB']);
  });

  it('leaves nothing of a name that Markdown would act on', () => {
    expect(escapeMarkdown('[x](command:evil) $(bug)\n# `<b>`')).toBe(
      '\\[x\\]\\(command\\:evil\\) \\$\\(bug\\) \\# \\`\\<b\\>\\`',
    );
  });

  it('says of the worker what runs, or why nothing does', () => {
    const status = { state: 'running' as const, message: '', restarts: 0 };
    expect(describeWorker({ ...status, engine: { name: 'onnxruntime', version: '1.30.0', reason: '' } })).toBe('Worker running, engine onnxruntime 1.30.0');
    expect(describeWorker({ ...status, engine: { name: 'unavailable', version: '', reason: 'no binary' } })).toBe('Worker running, no engine: no binary');
    expect(describeWorker({ ...status, state: 'failed', engine: null, message: 'it ended' })).toBe('Worker failed, it ended');
  });

  it('reads the line of a place, counted from zero', () => {
    expect(lineOfPlace('line 12')).toBe(11);
    expect(lineOfPlace('byte 8')).toBeNull();
  });
});
