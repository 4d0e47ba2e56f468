import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { asNobody } from '../asNobody';
import { writeProbe } from '../worker/writeProbe';
import { until, Watching } from './watching';

const probe = 'probes/epoch=0001.safetensors';

describe('a watched folder that cannot be searched', () => {
  let watching: Watching;
  beforeEach(async () => {
    watching = await Watching.start({ measureAutomatically: false });
    await writeProbe(watching.path(`here/run/${probe}`), { epoch: 1 });
  });
  afterEach(() => watching.end());

  const watch = async (...names: string[]) => watching.monitor.watch(names.map((name) => ({ name, path: watching.path(name) })), watching.settings);
  const names = (): string[] => [...watching.runs.values()].map(({ folder }) => folder.slice(watching.folder.length + 1)).sort();
  const gone = (name: string) => ({ folder: watching.path(name), reason: 'does not exist (any more)' });

  it('is told with the reason, the others are searched, and it is searched when it comes', async () => {
    const found = await watch('drive', 'here');
    expect(found.map(({ folder }) => folder)).toEqual([watching.path('here/run')]);
    expect(watching.folderProblems).toEqual([[gone('drive')]]);
    expect(watching.logged).toContain(`warn ${watching.path('drive')}: does not exist (any more); no runs are found in it until that changes`);
    await writeProbe(watching.path(`drive/late/${probe}`), { epoch: 1 });
    await until('the folder is searched', () => names().includes('drive/late'));
    expect(names()).toEqual(['drive/late', 'here/run']);
    expect(watching.folderProblems).toEqual([[gone('drive')], []]);
    expect(watching.logged).toContain(`info ${watching.path('drive')}: can be searched again`);
  });

  it('takes its runs along when it goes and brings them back, and runs of the others come and go meanwhile', async () => {
    await writeProbe(watching.path(`drive/far/${probe}`), { epoch: 1 });
    await watch('drive', 'here');
    await until('both are known', () => names().length === 2);
    expect(watching.folderProblems).toEqual([[]]);
    await rename(watching.path('drive'), watching.path('away'));
    await until('the folder is missed', () => watching.folderProblems.length === 2);
    expect(watching.folderProblems[1]).toEqual([gone('drive')]);
    expect(names()).toEqual(['here/run']);
    await writeProbe(watching.path(`here/new/${probe}`), { epoch: 1 });
    await rm(watching.path('here/run'), { recursive: true });
    await until('what changed beside it is seen', () => names().join() === 'here/new');
    await rename(watching.path('away'), watching.path('drive'));
    await until('the folder is back', () => names().length === 2);
    expect(names()).toEqual(['drive/far', 'here/new']);
    expect(watching.folderProblems.at(-1)).toEqual([]);
  });

  it('is told once, however often it is looked for, and again by a new worker', async () => {
    await watch('drive', 'here');
    for (let time = 0; time < 3; time += 1) await watching.monitor.refresh();
    expect(watching.folderProblems).toEqual([[gone('drive')]]);
    expect(watching.logged.filter((line) => line.includes('does not exist'))).toHaveLength(1);
    await watching.restart();
    await watch('drive', 'here');
    expect(watching.folderProblems).toEqual([[gone('drive')], [gone('drive')]]);
  });

  it('is no problem any more when it is watched no longer, and nothing is said of it', async () => {
    await watch('drive', 'here');
    await watch('here');
    expect(watching.folderProblems).toEqual([[gone('drive')], []]);
    expect(watching.logged.filter((line) => line.includes('again'))).toEqual([]);
  });

  it('may be a file, or a folder without permission', async () => {
    await writeFile(watching.path('file'), '');
    await mkdir(watching.path('locked'), { mode: 0o000 });
    for (const folder of [watching.folder, watching.storage]) await chmod(folder, 0o755);
    const found = await asNobody(() => watch('file', 'locked', 'here'));
    await chmod(watching.path('locked'), 0o755);
    expect(found).toHaveLength(1);
    expect(watching.folderProblems.at(-1)).toEqual([
      { folder: watching.path('file'), reason: 'is not a folder' }, { folder: watching.path('locked'), reason: 'no permission to look into this folder' },
    ]);
  });
});
