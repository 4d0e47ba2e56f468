import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findRuns } from '../../../src/runs';
import { FolderFilter } from '../../../src/runs/folderFilter';

it('without patterns everything is searched', () => {
  const filter = new FolderFilter([], []);
  expect([filter.includes(''), filter.includes('a/b'), filter.mayHoldIncluded('a'), filter.excludes('a')]).toEqual([true, true, true, false]);
});

it('searches the folders of the patterns and what lies below them, and enters only what leads there', () => {
  const filter = new FolderFilter(['experiments/2026-*/', './single', '**/keep'], ['**/old']);
  expect(['', 'experiments', 'experiments/2025-01', 'other'].map((folder) => filter.includes(folder))).toEqual([false, false, false, false]);
  expect(['experiments/2026-01', 'experiments/2026-01/run/a', 'single', 'x/keep', 'x/keep/y'].map((folder) => filter.includes(folder))).toEqual([true, true, true, true, true]);
  expect(filter.excludes('experiments/old')).toBe(true);
  const narrow = new FolderFilter(['experiments/2026-*', 'single'], []);
  expect(['experiments', 'experiments/2025', 'single', 'single/run', 'other', 'sing'].map((folder) => narrow.mayHoldIncluded(folder))).toEqual([true, true, true, true, false, false]);
  expect(new FolderFilter(['.'], []).includes('')).toBe(true);
});

it('a scan finds runs in included folders only, and not in excluded ones among them', async () => {
  const root = mkdtempSync(join(tmpdir(), 'layerscope-include-'));
  try {
    for (const folder of ['a/run', 'a/old', 'b/run', 'a/deep/run']) {
      mkdirSync(join(root, folder), { recursive: true });
      writeFileSync(join(root, folder, 'log.txt'), '{"epoch": 1, "loss": 2}\n');
    }
    const { runs } = await findRuns([{ name: 'root', path: root }], { include: ['a'], exclude: ['**/old'] });
    expect(runs.map(({ name }) => name).sort()).toEqual(['a/deep/run', 'a/run']);
  } finally {
    rmSync(root, { recursive: true });
  }
});
