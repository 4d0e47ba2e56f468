import { describe, expect, it } from 'vitest';
import { checkpointsFor, usableCheckpoints } from '../../../src/views/landscapeCheckpoints';
import type { RunsNode } from '../../../src/views/runsNodes';
import { aFile, aRun } from './samples';

const checkpoint = (path: string, more: Parameters<typeof aFile>[1] = {}) => aFile(path, { kind: 'checkpoint', epoch: null, step: null, ...more });
const early = checkpoint('checkpoints/epoch-2.pt', { epoch: 2 });
const late = checkpoint('checkpoints/epoch-10.pt', { epoch: 10 });
const run = aRun('a', {
  folder: '/data/a',
  files: [late, early, checkpoint('checkpoints/last.pt'), checkpoint('broken.pt', { state: 'problem', epoch: 11 }), checkpoint('model-00001-of-00002.bin'), aFile('probes/epoch-3.npz')],
});
const other = aRun('b', { folder: '/data/b', files: [checkpoint('one.pt', { step: 7 })] });
const names = (chosen: readonly { readonly file: string }[] | null) => chosen?.map(({ file }) => file) ?? null;
const file = (of: typeof run, one: typeof early): RunsNode => ({ kind: 'file', run: of, file: one });

describe('Checkpoints for a landscape', () => {
  it('of a run are those that can be read, in order of training', () => {
    expect(names(usableCheckpoints(run))).toEqual(['/data/a/checkpoints/last.pt', '/data/a/checkpoints/epoch-2.pt', '/data/a/checkpoints/epoch-10.pt']);
  });

  it('are the selected ones, run by run, each in order of training', () => {
    expect(names(checkpointsFor([file(run, late), file(other, other.files[0]!), file(run, early)]))).toEqual(['/data/a/checkpoints/epoch-2.pt', '/data/a/checkpoints/epoch-10.pt', '/data/b/one.pt']);
  });

  it('are the last ones of several selected runs, and for a person to say where one run or nothing was clicked', () => {
    expect(names(checkpointsFor([{ kind: 'run', run }, { kind: 'run', run: other }]))).toEqual(['/data/a/checkpoints/epoch-10.pt', '/data/b/one.pt']);
    expect(checkpointsFor([{ kind: 'run', run }])).toBeNull();
    expect(checkpointsFor([])).toBeNull();
  });
});
