import * as assert from 'node:assert/strict';
import { copyFile, mkdir, truncate, writeFile } from 'node:fs/promises';
import { describe, it } from 'mocha';
import { healthy, inRun, probesMeasured, runOnce, show } from '../support/extension';

const mixed = 'with-bad-files';
const good = 'epoch=0600.safetensors';

describe('Files that cannot be used', () => {
  it('names file, place and reason of each, and measures the rest of the run', async () => {
    const probes = (name: string): string => inRun(mixed, 'probes', name);
    await mkdir(probes(''), { recursive: true });
    await copyFile(inRun(healthy, 'probes', good), probes(good));
    await copyFile(inRun(healthy, 'probes', good), probes('epoch=0601.safetensors'));
    await truncate(probes('epoch=0601.safetensors'), 100_000);
    const header = Buffer.alloc(64);
    header.writeBigUInt64LE(1_000_000n);
    await writeFile(probes('epoch=0602.safetensors'), header);
    await writeFile(probes('epoch=0603.npz'), 'this is no zip archive');
    await writeFile(inRun(mixed, 'log.txt'), '{"epoch": 1, "loss": 2}\n{"epoch": 2, "lo\n{"epoch": 3, "loss": 1}\n');

    const run = await runOnce(mixed, 'problems of all four files', ({ problems }) => new Set(problems.map(({ file }) => file)).size >= 4, 60_000);
    for (const problem of run.problems) assert.ok(problem.reason.length > 10, JSON.stringify(problem));
    const of = (name: string): string => run.problems.filter(({ file }) => file.endsWith(name)).map(({ place, reason }) => `${place} ${reason}`).join('; ');
    assert.match(of('epoch=0601.safetensors'), /\d/);
    assert.match(of('epoch=0602.safetensors'), /1,?000,?000|1000000/);
    assert.notEqual(of('epoch=0603.npz'), '');
    assert.match(of('log.txt'), /line 2/);

    await runOnce(mixed, 'the good probe measured', ({ files }) => probesMeasured({ ...run, files: files.filter(({ path }) => path.endsWith(good)) }), 60_000);
    const { records, series } = await show(mixed);
    assert.ok(records.some(({ metric, value }) => metric === 'coding_rate_reduction' && value !== null));
    assert.deepEqual([...(series.find(({ tag }) => tag === 'loss')?.values ?? [])], [2, 1]);
  });
});
