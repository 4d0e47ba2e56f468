import * as assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { describe, it } from 'mocha';
import type { MeasurementRecord } from '../../../src/protocol';
import { api, healthy, inRun, measuringLimit, probesMeasured, runningWorker, runOnce, show } from '../support/extension';
import { probeOfEpoch } from '../support/probeFiles';
import { say } from '../support/reporter';
import { eventually } from '../support/waiting';

const killed = 'measured-across-a-kill';

describe('Losing the worker in the middle of measuring', () => {
  it('recovers by itself, keeps what was measured and measures the rest', async function () {
    this.timeout(2 * measuringLimit);
    const { snapshot } = await api();
    const original = await show(healthy);
    const probes = (await readdir(inRun(healthy, 'probes'))).sort();
    await mkdir(inRun(killed, 'probes'), { recursive: true });
    // Other epochs, so that nothing of it is known from the run it was copied from.
    for (const [index, name] of probes.entries()) {
      await writeFile(inRun(killed, 'probes', name), await probeOfEpoch(inRun(healthy, 'probes', name), 1000 + index));
    }

    await runOnce(killed, 'found', (run) => run.files.length === probes.length, 30_000);
    await show(killed);
    const kept = await eventually(
      'some records',
      () => {
        const { detail, progress } = snapshot();
        const some = detail !== null && detail.run.name === killed && detail.records.length > 0 && progress !== null && progress.done < progress.total - 5;
        return some && [...detail.records];
      },
      measuringLimit,
    );
    const restarts = snapshot().worker.restarts;
    const worker = runningWorker();
    assert.ok(worker?.pid, 'no worker runs');
    const begin = Date.now();
    process.kill(worker.pid, 'SIGKILL');

    await eventually('the worker to be missed', () => snapshot().worker.restarts === restarts + 1, 20_000);
    await eventually('a new worker', () => snapshot().worker.state === 'running' && runningWorker() !== undefined, 20_000);
    say(`     a new worker ran ${Date.now() - begin} ms after the kill`);
    assert.notEqual(runningWorker()?.pid, worker.pid);
    await runOnce(killed, 'all probes measured', (run) => probesMeasured(run, probes.length));
    await eventually('the end of measuring', () => snapshot().progress === null);

    const records = snapshot().detail?.records ?? [];
    const keys = records.map(keyOf);
    assert.equal(new Set(keys).size, keys.length, 'a record is there twice');
    const after = new Map(records.map((record) => [keyOf(record), record.value]));
    for (const record of kept) assert.equal(after.get(keyOf(record)), record.value, `${keyOf(record)} was there before the kill`);
    const values = (all: readonly MeasurementRecord[]): string[] =>
      all.map((record) => `${record.source} ${record.layer} ${record.metric} ${record.split} ${record.value}`).sort();
    // The copy has no checkpoints, so weights have no part in this.
    const ofProbes = original.records.filter((record) => record.source.startsWith('probes/'));
    assert.deepEqual(values(records), values(ofProbes), 'the same features must give the same values');
  });
});

function keyOf({ source, layer, metric, split }: MeasurementRecord): string {
  return `${source} ${layer} ${metric} ${split}`;
}
