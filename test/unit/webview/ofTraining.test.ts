import { describe, expect, it } from 'vitest';
import { metricCatalog } from '../../../src/metrics';
import type { MeasurementRecord, PanelSnapshot } from '../../../src/protocol';
import { buildCheckpoints } from '../../../webview-ui/src/select/checkpoints';
import { buildGrid, cellReason, findBreaks } from '../../../webview-ui/src/select/grid';
import { metricsOfRun, metricToShow } from '../../../webview-ui/src/select/metrics';
import { withMoments } from '../../../webview-ui/src/select/ofTraining';
import { makeTimeline } from '../../../webview-ui/src/select/timeline';
import { initialState, reduce } from '../../../webview-ui/src/state';
import { detail, record, summary } from './records';

const ofTraining = (epoch: number, layerIndex: number, value: number): MeasurementRecord =>
  record(epoch, layerIndex, value, { metric: 'coding_rate', source: 'training', sourceVersion: '', n: 100_000 });
const probes = [0, 4].map((epoch) => record(epoch, 1, epoch, { metric: 'coding_rate' }));
const trained = [0, 1, 2, 3, 4].flatMap((epoch) => [ofTraining(epoch, 0, epoch), ...(epoch === 2 ? [] : [ofTraining(epoch, 3, 10 + epoch)])]);

function opened(records: MeasurementRecord[]) {
  const snapshot: PanelSnapshot = {
    kind: 'snapshot', runs: [summary()], scanned: true, folders: [], detail: detail(records, { layers: records.some(({ source }) => source !== 'training') ? ['block1'] : [] }),
    metrics: metricCatalog, choice: { runId: 'run', metric: 'coding_rate', show: 'value', axis: 'log', layers: null, asTable: false }, progress: null,
    worker: { state: 'running', engine: null, message: '', restarts: 0 },
  };
  const { open } = reduce(initialState(null), snapshot);
  if (open === null) throw new Error('nothing is open');
  return open;
}

describe('what a training recorded', () => {
  it('is a measure of its own beside the measured one', () => {
    const open = opened([...probes, ...trained]);
    expect(metricsOfRun(metricCatalog, open).filter(({ id }) => /^coding_rate(@|$)/.test(id)).map(({ title }) => title)).toEqual([
      'Coding rate', 'Coding rate (recorded in training)',
    ]);
    expect(metricToShow(metricCatalog, 'coding_rate', open)?.id).toBe('coding_rate');
    expect(open.records.get('coding_rate')).toEqual(probes);
    expect(metricsOfRun(metricCatalog, opened(probes)).some(({ title }) => title.includes('recorded in training'))).toBe(false);
  });

  it('is shown at once where nothing is measured', () => {
    const open = opened(trained);
    expect(metricToShow(metricCatalog, 'coding_rate', open)?.title).toBe('Coding rate (recorded in training)');
    expect(metricsOfRun(metricCatalog, open)).toHaveLength(1);
  });

  it('has a column for every moment and none for a probe', () => {
    const open = opened([...probes, ...trained]);
    const metric = metricsOfRun(metricCatalog, open).find(({ title }) => title === 'Coding rate (recorded in training)');
    if (metric === undefined) throw new Error('the measure is missing');
    expect(metricsOfRun(metricCatalog, open)).toContain(metric);
    const records = withMoments(open.records.get(metric.id) ?? []);
    const files = [{ kind: 'probe', path: 'probes/epoch=9.npz', format: 'npz probe', bytes: 1, modified: 0, epoch: 9, step: null, state: 'queued' } as const];
    const checkpoints = buildCheckpoints(records, files, [], makeTimeline(records, files, [], 'training'), 'training');
    const grid = buildGrid(records, metric.id, 'train', ['block0', 'block3'], checkpoints);
    expect(checkpoints.list.map(({ at }) => at)).toEqual([0, 1, 2, 3, 4]);
    expect([...grid.values]).toEqual([0, 1, 2, 3, 4, 10, 11, NaN, 13, 14]);
    expect(findBreaks(grid, checkpoints)).toEqual([]);
    expect(cellReason(grid, checkpoints, 1, 2)).toBe('The training recorded nothing here.');
  });

  it('is told anew when the host voids it', () => {
    const state = reduce(initialState(null), {
      kind: 'snapshot', runs: [summary()], scanned: true, folders: [], detail: detail([...probes, ...trained]), metrics: metricCatalog,
      choice: { runId: 'run', metric: 'coding_rate', show: 'value', axis: 'log', layers: null, asTable: false }, progress: null,
      worker: { state: 'running', engine: null, message: '', restarts: 0 },
    });
    const delta = { runId: 'run', run: summary(), layers: [], voidedSources: ['training'], records: [ofTraining(9, 0, 1)], voidedLogs: [], series: [] };
    const { open } = reduce(state, { kind: 'run', delta });
    expect(open?.records.get('coding_rate@training')?.map(({ epoch }) => epoch)).toEqual([9]);
    expect(open?.records.get('coding_rate')).toEqual(probes);
  });
});
