import { describe, expect, it } from 'vitest';
import { metricCatalog } from '../../../src/metrics';
import type { Finding, MeasurementRecord, PanelChoice, PanelSnapshot, RunDelta, RunFile, RunSummary } from '../../../src/protocol';
import { metricToShow } from '../../../webview-ui/src/select/metrics';
import { shownForm, whyNoGap } from '../../../webview-ui/src/select/openingMetric';
import { hold, initialState, type PanelState, reduce } from '../../../webview-ui/src/state';
import { detail, record, summary } from './records';

const splits = ['train', 'held_out', 'gap'] as const;
/** What a probe gives of one metric: both parts and the gap. */
const measured = (metric: string, value: number | null = 1): MeasurementRecord[] => splits.map((split) => record(0, 0, value, { metric, split }));
const oneValue = (metric: string): MeasurementRecord[] => [record(0, 0, 1, { metric })];
const ofWeights = (metric: string): MeasurementRecord => record(0, 0, 1, { metric, split: null, source: '0.pth' });
const ofTraining = (metric: string): MeasurementRecord[] => measured(metric).map((one) => ({ ...one, source: 'training', sourceVersion: '' }));
const file = (kind: 'probe' | 'checkpoint', state: RunFile['state']): RunFile => ({
  kind, path: kind === 'probe' ? 'probes/epoch=0.npz' : '0.pth', format: '', bytes: 1, modified: 0, epoch: 0, step: null, state, layers: 1,
});
const finding = (metrics: readonly string[], change: Partial<Finding> = {}): Finding => ({
  id: metrics.join(), rule: 'late_layer_overfitting', severity: 'watch', title: '', explanation: '', advice: [], layers: [], metrics,
  onset: { axis: 'epoch', at: 0, low: 0, high: 0 }, evidence: [], ...change,
});

interface Opened {
  readonly records?: MeasurementRecord[];
  readonly run?: Partial<RunSummary>;
  readonly choice?: Partial<PanelChoice>;
  readonly layers?: string[];
  readonly weightLayers?: string[];
}

function open({ records = [], run = {}, choice = {}, layers = ['block0'], weightLayers = [] }: Opened): PanelState {
  const snapshot: PanelSnapshot = {
    kind: 'snapshot', runs: [summary(run)], scanned: true, folders: [], detail: detail(records, { run: summary(run), layers, weightLayers }), metrics: metricCatalog,
    choice: { runId: 'run', metric: null, show: 'gap', axis: 'log', layers: null, asTable: false, ...choice }, progress: null,
    worker: { state: 'running', engine: null, message: '', restarts: 0 },
  };
  return reduce(initialState(null), snapshot);
}

const shown = ({ metrics, choice, open: run }: PanelState): string | undefined => metricToShow(metrics, choice.metric, run)?.id;
const openedOn = (what: Opened): string | undefined => shown(open(what));

function then(state: PanelState, change: Partial<Omit<RunDelta, 'run'>> & { readonly run?: Partial<RunSummary> }): PanelState {
  const { run = {}, ...rest } = change;
  const delta: RunDelta = { runId: 'run', layers: ['block0'], voidedSources: [], records: [], voidedLogs: [], series: [], ...rest, run: summary(run) };
  return reduce(state, { kind: 'run', delta });
}

const everything = [...measured('coding_rate_reduction'), ...measured('alignment'), ...measured('random_label_transfer'), ...oneValue('rankme')];

describe('the metric that a run opens on', () => {
  it('is the one that the person chose, even without a value', () => {
    const run = { findings: [finding(['alignment'])] };
    expect(openedOn({ records: everything, run, choice: { metric: 'rankme' } })).toBe('rankme');
    expect(openedOn({ records: everything, run, choice: { metric: 'lidar' } })).toBe('lidar');
  });

  it('is what the worst finding rests on most', () => {
    const findings = [finding(['random_label_transfer']), finding(['alignment', 'coding_rate_reduction'], { severity: 'act' })];
    expect(openedOn({ records: everything, run: { findings } })).toBe('alignment');
    expect(openedOn({ records: everything, run: { findings: [finding(['lidar', 'random_label_transfer'])] } })).toBe('random_label_transfer');
  });

  it('is coding rate reduction without a finding, whatever else has values', () => {
    expect(openedOn({ records: [...oneValue('rankme'), ...measured('coding_rate'), ...measured('coding_rate_reduction')] })).toBe('coding_rate_reduction');
  });

  it('is the first of the catalog that has values where coding rate reduction has none', () => {
    const oneView = [...measured('coding_rate_reduction', null), ...oneValue('rankme'), ...measured('coding_rate')];
    expect(openedOn({ records: oneView })).toBe('coding_rate');
    expect(openedOn({ records: oneValue('rankme'), run: { files: [file('probe', 'measured')] } })).toBe('rankme');
    expect(openedOn({ records: [ofWeights('ww_alpha_hat')], layers: [], weightLayers: ['fc'] })).toBe('ww_alpha_hat');
    expect(openedOn({ records: [ofWeights('ww_alpha_hat')], layers: [], weightLayers: ['fc'], choice: { metric: 'rankme' } })).toBe('ww_alpha_hat');
  });

  it('is coding rate reduction where nothing has a value, and the first of the weights where there are no features', () => {
    expect(openedOn({})).toBe('coding_rate_reduction');
    expect(openedOn({ records: [...measured('coding_rate_reduction', null), ...measured('alignment', null)] })).toBe('coding_rate_reduction');
    expect(openedOn({ layers: [], weightLayers: ['fc'] })).toBe('ww_alpha');
  });

  it('is what the training recorded where the probes say nothing', () => {
    expect(openedOn({ records: ofTraining('coding_rate_reduction'), layers: [] })).toBe('coding_rate_reduction@training');
  });

  it('has values in the form that is shown: a gap of which neither part could be measured is none', () => {
    const records = splits.map((split) => record(0, 0, split === 'train' ? 1 : null, { metric: 'coding_rate_reduction', split }));
    expect(openedOn({ records: [...records, ...measured('alignment')] })).toBe('alignment');
    expect(openedOn({ records: [...records, ...measured('alignment')], choice: { show: 'value' } })).toBe('coding_rate_reduction');
  });
});

describe('while values arrive, the metric', () => {
  it('waits for the probes, and is neither that of weights nor of the training meanwhile', () => {
    const records = [ofWeights('ww_alpha'), ...ofTraining('coding_rate')];
    const opened = open({ records, run: { files: [file('probe', 'queued'), file('checkpoint', 'measured')] }, weightLayers: ['fc'] });
    expect(shown(opened)).toBe('coding_rate_reduction');
    const leftOut = then(opened, { records: oneValue('rankme'), weightLayers: ['fc'], run: { files: [file('probe', 'measuring')] } });
    expect(shown(leftOut)).toBe('rankme');
    const nothing = then(opened, { weightLayers: ['fc'], run: { files: [file('probe', 'problem')] } });
    expect(shown(nothing)).toBe('coding_rate@training');
  });

  it('stays once something is drawn', () => {
    const first = then(open({}), { records: oneValue('rankme') });
    expect(shown(then(first, { records: measured('coding_rate_reduction') }))).toBe('rankme');
    expect(shown(then(first, { voidedSources: ['probes/epoch=0.npz'], records: measured('coding_rate_reduction') }))).toBe('coding_rate_reduction');
  });

  it('goes to what a finding rests on, unless it is one of them', () => {
    const opened = open({ records: everything });
    expect(shown(opened)).toBe('coding_rate_reduction');
    const found = then(opened, { run: { findings: [finding(['alignment'])] } });
    expect(shown(found)).toBe('alignment');
    expect(shown(then(found, { run: { findings: [finding(['coding_rate_reduction', 'alignment'])] } }))).toBe('alignment');
    const ofTheList = reduce(opened, { kind: 'runs', delta: { changed: [summary({ findings: [finding(['alignment'])] })], removed: [], scanned: true } });
    expect(shown(ofTheList)).toBe('alignment');
  });

  it('stays when the person is at work with what is drawn, until another run is opened', () => {
    const held = hold(open({ records: everything }));
    const findings = [finding(['alignment'])];
    expect(shown(then(held, { run: { findings } }))).toBe('coding_rate_reduction');
    expect(hold(held)).toBe(held);
    const again = detail(everything, { run: summary({ findings }) });
    expect(shown(reduce(held, { kind: 'choice', choice: held.choice, detail: again }))).toBe('coding_rate_reduction');
    const other = detail(everything, { run: summary({ id: 'other', findings }) });
    expect(shown(reduce(held, { kind: 'choice', choice: { ...held.choice, runId: 'other' }, detail: other }))).toBe('alignment');
    const asTable = reduce(open({ records: everything }), { kind: 'choice', choice: { ...held.choice, asTable: true } });
    expect(shown(then(asTable, { run: { findings } }))).toBe('coding_rate_reduction');
  });

  it('is not held where nothing is drawn yet', () => {
    const waiting = hold(open({ run: { files: [file('probe', 'found')] } }));
    const found = then(waiting, { records: everything, run: { findings: [finding(['alignment'])] } });
    expect(shown(found)).toBe('alignment');
  });
});

describe('a gap that cannot be drawn', () => {
  const metric = metricCatalog.find(({ id }) => id === 'coding_rate_reduction')!;
  const drawn = (records: readonly MeasurementRecord[], wanted: 'value' | 'gap') => [shownForm(metric, records, wanted), whyNoGap(metric, records)];

  it('is drawn as the value, with the reason, where all probes hold one part only', () => {
    const records = [record(0, 0, 5, { metric: metric.id })];
    expect(openedOn({ records: [...oneValue('rankme'), ...records] })).toBe(metric.id);
    expect(drawn(records, 'gap')).toEqual(['value', 'There is no gap: everything here was measured of one part, training or held-out samples.']);
  });

  it('stays a gap where it has a reason or nothing is measured yet', () => {
    expect(drawn(measured(metric.id, null), 'gap')).toEqual(['gap', null]);
    expect(drawn([], 'gap')).toEqual(['gap', null]);
    expect(drawn(measured(metric.id), 'value')).toEqual(['value', null]);
  });
});
