import * as assert from 'node:assert/strict';
import { appendFile, stat } from 'node:fs/promises';
import { describe, it } from 'mocha';
import { api, inRun, memorizing, probesMeasured, runOnce, show } from '../support/extension';
import { probeOfEpoch, writeAndRename, writeSlowly } from '../support/probeFiles';
import { say } from '../support/reporter';
import { eventually } from '../support/waiting';

const pollInterval = 1000;
/** What arrives while training goes on must be seen this long after a poll at the latest. */
const arrival = pollInterval + 5000;
const last = 'epoch=0600.safetensors';

describe('Following a run that is being written', () => {
  it('sees a new probe that was renamed into place, and measures it', async () => {
    const before = await show(memorizing);
    const count = before.run.files.filter((file) => file.kind === 'probe').length;
    await writeAndRename(inRun(memorizing, 'probes', 'epoch=0700.safetensors'), await probeOfEpoch(inRun(memorizing, 'probes', last), 700));
    const begin = Date.now();
    await runOnce(memorizing, 'the new probe listed', (run) => run.files.some((file) => file.path.endsWith('epoch=0700.safetensors')), arrival);
    say(`     listed after ${Date.now() - begin} ms`);
    const run = await runOnce(memorizing, 'the new probe measured', (one) => one.epoch === 700 && probesMeasured(one, count + 1), arrival + 20_000);
    say(`     measured after ${Date.now() - begin} ms`);
    assert.deepEqual(run.problems, []);
    const { snapshot } = await api();
    const values = (epoch: number): string[] =>
      (snapshot().detail?.records ?? [])
        // What compares a probe with the one before it has another one here.
        .filter((record) => record.epoch === epoch && record.source.startsWith('probes/') && record.options['since'] === undefined)
        .map((record) => `${record.layer} ${record.metric} ${record.split} ${record.value}`)
        .sort();
    await eventually('its records', () => values(700).length > 0 && values(700).length === values(600).length);
    assert.deepEqual(values(700), values(600), 'the same features must give the same values');
  });

  it('waits for a probe that is written slowly, without a false alarm, and measures it whole', async () => {
    const { snapshot } = await api();
    const file = inRun(memorizing, 'probes', 'epoch=0800.safetensors');
    const bytes = await probeOfEpoch(inRun(memorizing, 'probes', last), 800);
    const alarms = new Set<string>();
    const states = new Set<string>();
    const watch = setInterval(() => {
      const run = snapshot().runs.find((one) => one.name === memorizing);
      for (const { file: name, reason, severity } of run?.problems ?? []) if (severity !== 'info') alarms.add(`${severity}: ${name} ${reason}`);
      states.add(run?.files.find(({ path }) => path.endsWith('epoch=0800.safetensors'))?.state ?? 'unseen');
    }, 50);
    try {
      await writeSlowly(file, bytes, 4000);
      assert.equal((await stat(file)).size, bytes.length);
      const begin = Date.now();
      await runOnce(memorizing, 'the slow probe measured', (run) => run.epoch === 800 && probesMeasured(run), arrival + 20_000);
      say(`     measured ${Date.now() - begin} ms after its last byte`);
    } finally {
      clearInterval(watch);
    }
    assert.deepEqual([...alarms], []);
    assert.ok(states.has('waiting'), [...states].join(', '));
    assert.deepEqual(snapshot().runs.find((one) => one.name === memorizing)?.problems, []);
  });

  it('sees a new line of the log', async () => {
    const { snapshot } = await api();
    await show(memorizing);
    const loss = (): readonly (number | null)[] => snapshot().detail?.series.find(({ tag }) => tag === 'train_loss')?.values ?? [];
    await eventually('the log', () => loss().length > 0);
    const count = loss().length;
    await appendFile(inRun(memorizing, 'log.txt'), `${JSON.stringify({ epoch: 801, step: 1602, train_loss: 0.125 })}\n`);
    const begin = Date.now();
    await eventually('the new value', () => loss().length === count + 1 && loss().at(-1) === 0.125, arrival);
    say(`     seen after ${Date.now() - begin} ms`);
    await runOnce(memorizing, 'epoch 801', (run) => run.epoch === 801, arrival);
  });

  it('keeps half a line back until the rest of it is there', async () => {
    const { snapshot } = await api();
    const loss = (): readonly (number | null)[] => snapshot().detail?.series.find(({ tag }) => tag === 'train_loss')?.values ?? [];
    const count = loss().length;
    const line = `${JSON.stringify({ epoch: 802, step: 1604, train_loss: 0.0625 })}\n`;
    await appendFile(inRun(memorizing, 'log.txt'), line.slice(0, 20));
    await new Promise((resolve) => setTimeout(resolve, 2 * pollInterval));
    assert.equal(loss().length, count);
    assert.deepEqual(snapshot().runs.find((run) => run.name === memorizing)?.problems, []);
    await appendFile(inRun(memorizing, 'log.txt'), line.slice(20));
    await eventually('the whole line', () => loss().length === count + 1 && loss().at(-1) === 0.0625, arrival);
  });
});
