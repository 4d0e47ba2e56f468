import { describe, expect, it } from 'vitest';
import { shareableRuns } from '../../../src/report';
import { distinctNames, withoutFolders } from '../../../src/report/shareable';
import { detail, record } from './runs';

describe('a run that is shown to others', () => {
  it('does not say where it lies, nor when its files were written', () => {
    const problems = [
      { file: '/home/somebody/runs/run/probes/a.npz', place: '', reason: 'cannot be read: /home/somebody/runs/run/probes/a.npz', severity: 'error' },
      { file: '/mnt/images/secret/one.png', place: 'byte 8', reason: 'is not as large as /home/somebody/other/two.png', severity: 'warning' },
    ] as const;
    const [shared] = shareableRuns([detail([record()], { problems, note: 'Look into /home/somebody/runs/run.', modified: 5, files: [{ kind: 'log', path: 'log.txt', format: 'log', bytes: 1, modified: 7, epoch: null, step: null, state: 'found' }] })]);
    expect(shared?.run).toMatchObject({
      id: '1', name: 'run', folder: '', modified: 0, note: 'Look into the run.', files: [{ path: 'log.txt', modified: 0 }],
      problems: [{ file: 'probes/a.npz', reason: 'cannot be read: probes/a.npz' }, { file: 'one.png', place: 'byte 8', reason: 'is not as large as two.png' }],
    });
    expect(JSON.stringify(shared)).not.toMatch(/home|somebody|mnt|secret/);
  });

  it.each([
    ['D:\\runs\\me\\x.npz is cut off', 'x.npz is cut off'],
    ['see \\\\server\\share\\x.npz', 'see x.npz'],
    ['see file:///Users/me/x.npz', 'see x.npz'],
    ['"/scratch/me/x.npz": no', '"x.npz": no'],
    ['node /blocks/0/attn/MatMul is missing', 'node /blocks/0/attn/MatMul is missing'],
    ['probes/data/x.npz and a/b', 'probes/data/x.npz and a/b'],
  ])('has paths of a machine cut to their last name, and nothing else: %s', (text, expected) => {
    expect(withoutFolders(text, '/home/me/run')).toBe(expected);
  });

  it('has a name that no other one has, with as many folders around as that takes', () => {
    const run = (folder: string) => ({ name: folder.split('/').at(-1) ?? '', folder });
    expect(distinctNames([run('/a/x/run'), run('/a/y/run'), run('/a/y/other')])).toEqual(['x/run', 'y/run', 'other']);
    expect(distinctNames([run('/a/x/s/run'), run('/a/y/s/run'), run('/a/y/t/run')])).toEqual(['x/s/run', 'y/s/run', 't/run']);
    expect(distinctNames([run('/run'), run('/run')])).toEqual(['run', 'run (2)']);
  });
});
