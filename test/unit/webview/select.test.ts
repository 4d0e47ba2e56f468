import { describe, expect, it } from 'vitest';
import { featureCatalog, weightCatalog } from '../../../src/metrics';
import type { Finding, RunFile, ScalarSeries } from '../../../src/protocol';
import { buildCheckpoints } from '../../../webview-ui/src/select/checkpoints';
import { binColumns, binMean, buildGrid, cellReason, cellState, findBreaks } from '../../../webview-ui/src/select/grid';
import { buildLine, chosenLayers } from '../../../webview-ui/src/select/lines';
import { nearestPoint, placeScalar, scalarChoices } from '../../../webview-ui/src/select/scalars';
import { metricsOfRun, metricToShow } from '../../../webview-ui/src/select/metrics';
import { undecided } from '../../../webview-ui/src/select/openingMetric';
import { chooseUnitOfLogs, makeTimeline } from '../../../webview-ui/src/select/timeline';
import type { OpenRun } from '../../../webview-ui/src/state';
import { record, series, summary } from './records';

const probe = (epoch: number, state: RunFile['state']): RunFile => ({
  kind: 'probe', path: `probes/epoch=${epoch}.npz`, format: 'npz probe', bytes: 1, modified: 0, epoch, step: null, state,
});

function place(records: ReturnType<typeof record>[], files: RunFile[] = [], problems: Parameters<typeof buildCheckpoints>[2] = []) {
  const timeline = makeTimeline(records, files, []);
  const checkpoints = buildCheckpoints(records, files, problems, timeline);
  const layers = [...new Set(records.map((one) => one.layer))];
  return { timeline, checkpoints, grid: buildGrid(records, 'rankme', 'train', layers, checkpoints) };
}

describe('the unit of logs without anything measured', () => {
  const log = (epochs: (number | null)[], steps: (number | null)[]): ScalarSeries => ({ tag: 'loss', source: 'log', epochs, steps, values: epochs.map(() => 1), nonFinite: 0 });

  it.each([
    ['epochs where logs name them', [log([0, 1], [null, null])], 'epoch'],
    ['steps where they name nothing else, as event files do', [log([null, null], [10, 20])], 'step'],
    ['epochs where they name both', [log([0, 1], [10, 20])], 'epoch'],
    ['the one that places more of them', [log([0, 1], [null, null]), log([null], [1]), log([null], [2])], 'step'],
    ['epochs where one log tells how epochs and steps go together', [log([0, 1], [10, 20]), log([null], [1]), log([null], [2])], 'epoch'],
  ] as const)('is %s', (_what, series, unit) => {
    expect(chooseUnitOfLogs(series)).toBe(unit);
    const timeline = makeTimeline([], [], series, 'probe', chooseUnitOfLogs(series));
    expect(timeline.ofMoment(unit === 'step' ? { epoch: null, step: 7 } : { epoch: 7, step: null })).toBe(7);
  });
});

describe('the timeline', () => {
  it('counts in epochs where they tell the files apart', () => {
    expect(makeTimeline([record(0, 0, 1), record(1, 0, 1)], [], []).unit).toBe('epoch');
  });

  it('counts in steps where several files share an epoch', () => {
    const records = [record(1, 0, 1, { source: 'a', step: 10 }), record(1, 0, 1, { source: 'b', step: 20 })];
    const timeline = makeTimeline(records, [], []);
    expect([timeline.unit, timeline.ofSource('a'), timeline.ofSource('b')]).toEqual(['step', 10, 20]);
  });

  it('numbers the files in natural order where they name neither', () => {
    const nowhere = { epoch: null, step: null };
    const records = ['probe10.npz', 'probe9.npz'].map((source) => record(0, 0, 1, { source, ...nowhere }));
    const timeline = makeTimeline(records, [], []);
    expect([timeline.unit, timeline.ofSource('probe9.npz'), timeline.ofSource('probe10.npz')]).toEqual(['checkpoint', 0, 1]);
  });

  it('places a log of steps between the checkpoints it knows both of', () => {
    const timeline = makeTimeline([record(0, 0, 1), record(2, 0, 1)], [], []);
    expect(timeline.ofMoment({ epoch: null, step: 5 })).toBeCloseTo(0.5);
    expect(timeline.ofMoment({ epoch: null, step: 30 })).toBeCloseTo(3);
    expect(timeline.ofMoment({ epoch: null, step: null })).toBeNull();
  });

  it('places an onset given in steps', () => {
    const timeline = makeTimeline([record(0, 0, 1), record(2, 0, 1)], [], []);
    expect(timeline.ofOnset({ axis: 'step', low: 0, at: 10, high: 20 })).toEqual({ low: 0, at: 1, high: 2 });
  });
});

describe('the axis of checkpoints', () => {
  const checkpoint = (path: string, epoch: number | null, state: RunFile['state'] = 'measured'): RunFile => ({
    kind: 'checkpoint', path, format: 'PyTorch checkpoint', bytes: 1, modified: 0, epoch, step: null, state, ...(state !== 'found' && { layers: 2 }),
  });

  it('keeps its epochs beside a file that says none, and leaves out files without weights', () => {
    const files = [checkpoint('a/1.pth', 1), checkpoint('a/2.pth', 2), checkpoint('best.pth', null), checkpoint('optimizer.pt', 2, 'found')];
    const records = [1, 2].map((epoch) => record(epoch, 0, epoch, { source: `a/${epoch}.pth`, metric: 'ww_alpha', split: null }));
    const timeline = makeTimeline(records, files, [], 'checkpoint');
    const { list, notes } = buildCheckpoints(records, files, [], timeline, 'checkpoint');
    expect([timeline.unit, list.map(({ source }) => source)]).toEqual(['epoch', ['a/1.pth', 'a/2.pth']]);
    expect(notes).toEqual(['1 file names neither epoch nor step and cannot be placed.']);
  });

  it('shows a checkpoint that waits for its turn only where weights are shown', () => {
    const files = [checkpoint('1.pth', 1, 'queued'), probe(3, 'measured')];
    const columns = (kind: 'probe' | 'checkpoint'): string[] => buildCheckpoints([], files, [], makeTimeline([], files, [], kind), kind).list.map(({ source }) => source);
    expect(columns('checkpoint')).toEqual(['1.pth']);
    expect(columns('probe')).toEqual(['probes/epoch=3.npz']);
  });

  it('joins drifts although each is measured from another checkpoint', () => {
    const records = [1, 2].map((epoch) => record(epoch, 0, 0.1, { options: { since: `sha1:${epoch}` } }));
    const { checkpoints, grid } = place(records);
    expect(findBreaks(grid, checkpoints)).toEqual([]);
  });
});

describe('the metrics of a run', () => {
  const metrics = [...featureCatalog.slice(0, 2), ...weightCatalog.slice(0, 2)];
  const open = (change: Partial<OpenRun>): OpenRun => ({ run: summary(), layers: [], weightLayers: [], records: new Map(), series: [], opening: undecided, ...change });

  it('are those that it has files for', () => {
    expect(metricsOfRun(metrics, open({ weightLayers: ['fc'] })).map(({ subject }) => subject)).toEqual(['weights', 'weights']);
    expect(metricsOfRun(metrics, open({ layers: ['block0'] })).map(({ subject }) => subject)).toEqual(['features', 'features']);
    expect(metricsOfRun(metrics, open({ layers: ['block0'], weightLayers: ['fc'] }))).toHaveLength(4);
    expect(metricsOfRun(metrics, open({}))).toHaveLength(4);
  });

  it('replace a choice that the run has nothing for', () => {
    expect(metricToShow(metrics, 'coding_rate_reduction', open({ weightLayers: ['fc'] }))?.id).toBe('ww_alpha');
    expect(metricToShow(metrics, 'ww_alpha_hat', open({ weightLayers: ['fc'], layers: ['block0'] }))?.id).toBe('ww_alpha_hat');
  });
});

describe('the grid', () => {
  it('has a column for every probe, measured or not, in the order of the axis', () => {
    const { checkpoints, grid } = place([record(4, 0, 2), record(0, 0, 1)], [probe(0, 'measured'), probe(2, 'queued'), probe(4, 'measured')]);
    expect(checkpoints.list.map((one) => one.at)).toEqual([0, 2, 4]);
    expect([0, 1, 2].map((column) => cellState(grid, checkpoints, 0, column))).toEqual(['measured', 'missing', 'measured']);
    expect(cellReason(grid, checkpoints, 0, 1)).toBe('In the queue.');
    expect([grid.minimum, grid.maximum]).toEqual([1, 2]);
  });

  it('tells what cannot be measured from what is not measured yet, with the reason', () => {
    const problem = { file: 'probes/epoch=2.npz', place: '', reason: 'The zip directory is missing.', severity: 'error' as const };
    const { checkpoints, grid } = place([record(0, 0, null, { warnings: ['All features are zero.'] })], [probe(0, 'measured'), probe(2, 'problem')], [problem]);
    expect([0, 1].map((column) => cellState(grid, checkpoints, 0, column))).toEqual(['impossible', 'impossible']);
    expect([0, 1].map((column) => cellReason(grid, checkpoints, 0, column))).toEqual(['All features are zero.', 'The zip directory is missing.']);
  });

  it('says of a file that is measured, but not in this, that nobody asked for it or that there is nothing to measure', () => {
    const { checkpoints, grid } = place([record(0, 0, 1), record(1, 1, 1)], [probe(0, 'measured'), probe(1, 'measured'), probe(2, 'measured'), probe(3, 'found')]);
    expect([1, 2].map((column) => cellReason(grid, checkpoints, 0, column))).toEqual(Array(2).fill(expect.stringMatching(/layerscope\.metrics names other measures, or the file lacks the layer/)));
    expect(cellReason(grid, checkpoints, 0, 3)).toBe('Nobody measured it yet.');
  });

  it('takes the last of several records of a cell', () => {
    expect([...place([record(0, 0, 1), record(0, 0, 5)]).grid.values]).toEqual([5]);
  });

  it('draws one of two probes at the same places and says so', () => {
    const second = [0, 1].map((epoch) => record(epoch, 0, 9, { source: `small/epoch=${epoch}.npz` }));
    const { checkpoints, grid } = place([record(0, 0, 1), record(1, 0, 2), record(2, 0, 3), ...second]);
    expect([...grid.values]).toEqual([1, 2, 3]);
    expect(checkpoints.notes).toEqual(['2 files like small/epoch=0.npz not drawn: another file has the same place on the axis.']);
  });

  it('breaks where options, rows, views or method change, and nowhere else', () => {
    const records = [record(0, 0, 1), record(1, 0, 2), record(2, 0, 3, { options: { eps2: 0.1 } }), record(3, 0, 4, { options: { eps2: 0.1 }, method: 2 })];
    const { checkpoints, grid } = place(records);
    expect(findBreaks(grid, checkpoints)).toEqual([
      { column: 2, at: 2, text: 'Values before and from epoch 2 do not compare: eps2 0.5 → 0.1.' },
      { column: 3, at: 3, text: 'Values before and from epoch 3 do not compare: method 1 → 2.' },
    ]);
    expect(buildLine(grid, 'block0', checkpoints).segments.map((segment) => segment.map((point) => point.at))).toEqual([[0, 1], [2], [3]]);
  });

  it('leaves a hole in a line where a checkpoint could not be measured, but none where it is not measured yet', () => {
    const { checkpoints, grid } = place([record(0, 0, 1), record(2, 0, null), record(3, 0, 2), record(5, 0, 3)], [probe(4, 'queued')]);
    expect(buildLine(grid, 'block0', checkpoints).segments.map((segment) => segment.map((point) => point.at))).toEqual([[0], [3, 5]]);
  });

  it('puts columns together only when there are too many, without losing one', () => {
    const edges = Array.from({ length: 1001 }, (_, i) => i);
    expect(binColumns(edges, 0, 1000, 1000)).toHaveLength(1000);
    const bins = binColumns(edges, 0, 1000, 90);
    expect(bins.length).toBeLessThanOrEqual(90);
    expect(bins.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i))).toEqual(edges.slice(0, -1));
  });

  it('averages the values that a bin has', () => {
    const { grid } = place([record(0, 0, 1), record(1, 0, null), record(2, 0, 4)]);
    expect(binMean(grid, 0, { first: 0, last: 2 })).toBe(2.5);
    expect(binMean(grid, 0, { first: 1, last: 1 })).toBeNaN();
  });
});

describe('the lines', () => {
  const finding = { layers: ['b', 'c'] } as unknown as Finding;
  it('forget layers that were chosen among those of another kind', () => {
    expect(chosenLayers(['block0'], ['conv1', 'fc'], [])).toEqual(['fc']);
    expect(chosenLayers([], ['conv1', 'fc'], [])).toEqual([]);
  });

  it('begin with the deepest that has a value', () => {
    expect(chosenLayers(null, ['conv1', 'fc', 'head'], [], (layer) => layer !== 'head')).toEqual(['fc']);
  });

  it('show the deepest layer and those of the worst finding until the person chooses', () => {
    expect(chosenLayers(null, ['a', 'b', 'c', 'd'], [finding])).toEqual(['b', 'c', 'd']);
    expect(chosenLayers(null, ['a', 'b'], [])).toEqual(['b']);
    expect(chosenLayers(['d', 'a', 'gone'], ['a', 'b', 'c', 'd'], [finding])).toEqual(['a', 'd']);
    expect(chosenLayers([], ['a'], [finding])).toEqual([]);
  });
});

describe('the log quantities', () => {
  it('put train and held-out of the same quantity together, losses first', () => {
    const choices = scalarChoices([series('lr', [1]), series('train_loss', [1]), series('val_loss', [1]), series('train/acc', [1]), series('test/acc', [1]), series('epoch', [1]), series('grad_norm', [1])]);
    expect(choices.map((choice) => choice.label)).toEqual(['loss: train, held-out', 'acc: train, held-out', 'lr', 'grad_norm']);
    expect(choices[0]?.members.map((member) => [member.label, member.heldOut])).toEqual([['train_loss', false], ['val_loss', true]]);
  });

  it('name the file where two logs hold the same tag', () => {
    expect(scalarChoices([series('loss', [1]), series('loss', [1], { source: 'b.csv' })]).map((choice) => choice.label)).toEqual(['loss (log.txt)', 'loss (b.csv)']);
  });

  it('keep what is not finite as a gap and count what has no place', () => {
    const timeline = makeTimeline([record(0, 0, 1), record(2, 0, 1)], [], []);
    const placed = placeScalar(series('loss', [3, null, 1], { epochs: [0, 1, null], steps: [0, 10, null] }), timeline);
    expect([...placed.at]).toEqual([0, 1, NaN]);
    expect([...placed.values]).toEqual([3, NaN, 1]);
    expect(placed.unplaced).toBe(1);
    expect(nearestPoint(placed, 0.9)).toBe(1);
  });
});
