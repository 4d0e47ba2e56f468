import * as assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { api, healthy, inRun, measuringLimit, memorizing, probesMeasured, runOnce, show } from '../support/extension';
import { say } from '../support/reporter';
import { eventually } from '../support/waiting';

const layers = ['block0', 'block1', 'block2', 'block3', 'block4', 'block5', 'projector'];
const gapMetrics = ['coding_rate_reduction', 'alignment', 'random_label_transfer'];

describe('Measuring the sample runs', () => {
  it('finds both runs with their logs, checkpoints and probes', async () => {
    const { ready, snapshot } = await api();
    await ready();
    assert.deepEqual(snapshot().runs.map((run) => run.name), [healthy, memorizing]);
    assert.equal(snapshot().scanned, true);
    for (const run of snapshot().runs) {
      const count = (kind: string): number => run.files.filter((file) => file.kind === kind).length;
      assert.ok(count('probe') >= 12, `${run.name} has ${count('probe')} probes`);
      assert.equal(count('log'), 1);
      assert.ok(count('checkpoint') >= 1);
      assert.equal(run.epoch, 600);
      assert.deepEqual(run.problems, []);
    }
  });

  it('measures every layer of every probe by itself once the panel is looked at', async function () {
    this.timeout(2 * measuringLimit);
    const begin = Date.now();
    await vscode.commands.executeCommand('layerscope.layerHealth.focus');
    for (const name of [memorizing, healthy]) await runOnce(name, 'all probes measured', (run) => probesMeasured(run));
    const { snapshot } = await api();
    await eventually('the end of measuring', () => snapshot().progress === null);
    say(`     both runs measured after ${((Date.now() - begin) / 1000).toFixed(1)} s`);
    assert.equal(snapshot().worker.state, 'running');
    assert.equal(snapshot().worker.engine?.name, 'onnxruntime');
  });

  it('has a record of every layer at every checkpoint, on both splits and as gap', async () => {
    const { records, layers: names, run } = await show(memorizing);
    assert.deepEqual(names, layers);
    const probes = run.files.filter((file) => file.kind === 'probe').length;
    for (const metric of gapMetrics) {
      for (const split of ['train', 'held_out', 'gap']) {
        const found = records.filter((record) => record.metric === metric && record.split === split);
        assert.equal(found.length, probes * layers.length, `${metric} ${split}`);
        assert.equal(new Set(found.map((record) => `${record.epoch} ${record.layer}`)).size, found.length);
        assert.deepEqual(found.filter((record) => record.value === null && record.warnings.length === 0), []);
      }
    }
    assert.deepEqual([...new Set(records.map((record) => record.run))], [memorizing]);
  });

  it('measures the weights of the checkpoints, too, with their drift since the first', async () => {
    const { records, weightLayers, run } = await show(memorizing);
    const checkpoints = run.files.filter((file) => file.kind === 'checkpoint');
    assert.deepEqual(checkpoints.map((file) => file.state), checkpoints.map(() => 'measured'));
    assert.ok(weightLayers?.includes('blocks.0.convolution'), weightLayers?.join(', '));
    const drift = (epoch: number): (number | null)[] => records.filter((record) => record.metric === 'drift_first' && record.epoch === epoch).map((record) => record.value);
    assert.deepEqual(drift(0), weightLayers?.map(() => 0));
    assert.equal(drift(600).length, weightLayers?.length);
    for (const value of drift(600)) assert.ok(value !== null && value > 0, String(value));
  });

  it('reads the log beside the probes', async () => {
    const { series } = await show(memorizing);
    const loss = series.find(({ tag }) => tag === 'train_loss');
    assert.ok(loss, `only ${series.map(({ tag }) => tag).join(', ')}`);
    const lines = (await readFile(inRun(memorizing, 'log.txt'), 'utf8')).trim().split('\n');
    const logged = lines.map((line) => JSON.parse(line) as { epoch: number; train_loss?: number }).filter((line) => line.train_loss !== undefined);
    assert.deepEqual(loss.values, logged.map((line) => line.train_loss));
    assert.deepEqual(loss.epochs, logged.map((line) => line.epoch));
  });

  it('finds that the late layers of one run memorize, with onset, evidence and advice', async () => {
    const run = await runOnce(memorizing, 'a finding', ({ findings }) => findings.length > 0, 20_000);
    const [finding] = run.findings;
    assert.ok(finding);
    assert.match(finding.rule, /late/i);
    assert.ok(finding.layers.includes('projector'), finding.layers.join(', '));
    assert.ok(!finding.layers.includes('block0'));
    assert.ok(finding.onset.low < finding.onset.at && finding.onset.at <= finding.onset.high, JSON.stringify(finding.onset));
    assert.ok(finding.evidence.length > 0 && finding.advice.length > 0);
    assert.match(finding.title, new RegExp(String(finding.onset.at)));
    assert.ok(run.health === 'watch' || run.health === 'act');
    say(`     ${finding.title} (${finding.onset.low} to ${finding.onset.high}): ${finding.layers.join(', ')}`);
  });

  it('stays silent about the run that does not memorize', async () => {
    const run = await runOnce(healthy, 'measured', (one) => probesMeasured(one));
    assert.deepEqual(run.findings.map(({ title }) => title), []);
    assert.equal(run.health, 'healthy');
  });
});
