import { describe, expect, it } from 'vitest';
import { runNames } from '../../../webview-ui/src/select/runNames';

const names = (...runs: readonly (readonly [name: string, folder: string])[]): string[] =>
  [...runNames(runs.map(([name, folder]) => ({ id: folder, name, folder }))).values()];

describe('the names of runs in a list', () => {
  it('are their own where they differ', () => {
    expect(names(['a', '/mine/a'], ['b/a', '/mine/b/a'])).toEqual(['a', 'b/a']);
  });

  it('name the folder around those that have one name', () => {
    expect(names(['run', '/one/run'], ['run', '/two/run'], ['other', '/two/other'])).toEqual(['run \u00b7 one', 'run \u00b7 two', 'other']);
    expect(names(['deep/run', 'C:\\one\\deep\\run'], ['deep/run', 'C:\\two\\deep\\run'])).toEqual(['deep/run \u00b7 one', 'deep/run \u00b7 two']);
  });

  it('name it in full where it is called the same, too', () => {
    expect(names(['run', '/x/mine/run'], ['run', '/y/mine/run'])).toEqual(['run \u00b7 /x/mine', 'run \u00b7 /y/mine']);
  });

  it('name the folder around a run that is an opened folder itself', () => {
    expect(names(['run', '/one/run'], ['run', '/one/deep/run'])).toEqual(['run \u00b7 one', 'run \u00b7 deep']);
  });
});
