import { describe, expect, it } from 'vitest';
import { defaultMeasureOptions } from '../../../src/metrics';
import { isCurrent, isCurrentOfWeights, planCheckpoint, planProbe } from '../../../src/monitor/plan';
import type { ProbePlan } from '../../../src/monitor/plan';
import { record } from '../store/records';

const options = defaultMeasureOptions;
const methodOf = (metric: string): number | null => ({ rankme: 1, alignment: 2, transfer: 1 })[metric] ?? null;
const plan = (change: Partial<ProbePlan> = {}): ProbePlan => ({
  file: '/run/probe', layers: ['block0', 'block1'], metrics: ['rankme', 'alignment'], options, previous: null, methodOf, records: [], ...change,
});

describe('the plan of a probe', () => {
  it('asks for every metric of every layer when nothing is stored', () => {
    expect(planProbe(plan())).toEqual([
      { kind: 'features', file: '/run/probe', layer: 'block0', metrics: ['rankme', 'alignment'], options, previous: null },
      { kind: 'features', file: '/run/probe', layer: 'block1', metrics: ['rankme', 'alignment'], options, previous: null },
    ]);
  });

  it('asks only for what is missing', () => {
    const records = [record({ metric: 'rankme' }), record({ metric: 'alignment', method: 2 }), record({ metric: 'alignment', method: 2, layer: 'block1' })];
    expect(planProbe(plan({ records }))).toEqual([{ kind: 'features', file: '/run/probe', layer: 'block1', metrics: ['rankme'], options, previous: null }]);
  });

  it('asks again for a metric of which a part or the gap was lost', () => {
    const all = (['train', 'held_out', 'gap'] as const).flatMap((split) => [record({ metric: 'alignment', method: 2, split }), record({ metric: 'rankme', split })]);
    const other = (['train', 'held_out', 'gap'] as const).map((split) => record({ metric: 'alignment', method: 2, layer: 'block1', split }));
    const asked = (records: ProbePlan['records']) => planProbe(plan({ records: [...records, ...other], layers: ['block0'] })).flatMap(({ metrics }) => metrics);
    expect(asked(all)).toEqual([]);
    expect(asked(all.filter(({ metric, split }) => metric !== 'alignment' || split !== 'gap'))).toEqual(['alignment']);
    expect(asked(all.filter(({ metric, split }) => metric !== 'rankme' || split !== 'gap'))).toEqual([]);
    for (const lost of ['train', 'held_out'] as const) expect(asked(all.filter(({ split }) => split !== lost))).toEqual(['rankme', 'alignment']);
  });

  it('counts a value that could not be taken as measured', () => {
    const records = [record({ value: null, warnings: ['all features are zero'] })];
    expect(planProbe(plan({ records, metrics: ['rankme'], layers: ['block0'] }))).toEqual([]);
  });

  it('asks again for records of another method, of other options and of another seed', () => {
    const stale = [
      record({ metric: 'alignment', method: 1 }),
      record({ metric: 'rankme', options: { eps2: 0.1 } }),
      record({ metric: 'transfer', seed: 7 }),
    ];
    const metrics = ['alignment', 'rankme', 'transfer'];
    expect(planProbe(plan({ records: stale, metrics, layers: ['block0'] }))[0]?.metrics).toEqual(metrics);
  });

  it('keeps records of metrics that the changed option has no part in', () => {
    expect(isCurrent(record({ options: {} }), { ...options, eps2: 0.1, seed: 5 }, null, methodOf)).toBe(true);
    expect(isCurrent(record({ options: { eps2: 0.5 } }), { ...options, eps2: 0.1, seed: 5 }, null, methodOf)).toBe(false);
    expect(isCurrent(record({ metric: 'no longer computed' }), options, null, methodOf)).toBe(false);
  });

  it('asks for everything again when told to, within the chosen layers', () => {
    const records = [record(), record({ layer: 'block1' })];
    const tasks = planProbe(plan({ records, metrics: ['rankme'], again: true, acceptLayer: (layer) => layer === 'block1' }));
    expect(tasks.map(({ layer }) => layer)).toEqual(['block1']);
  });
});

describe('the plan of a checkpoint', () => {
  const reference = (fingerprint: string) => ({ file: `/run/${fingerprint}`, fileVersion: '1', fingerprint });
  const references = { previous: reference('b'), first: reference('a') };
  const weights = (metric: string, since?: string) => record({ metric, split: null, layer: 'fc', options: since === undefined ? {} : { since } });
  const methods = (): number => 1;

  it('asks for a drift again when another checkpoint has come between', () => {
    const stored = [weights('ww_alpha'), weights('drift_prev', 'a'), weights('drift_first', 'a')];
    const tasks = planCheckpoint({
      file: '/run/c', layers: ['fc'], metrics: ['ww_alpha', 'drift_prev', 'drift_first'], methodOf: methods, records: stored, references,
    });
    expect(tasks).toEqual([{ kind: 'weights', file: '/run/c', layer: 'fc', metrics: ['drift_prev'], references }]);
  });

  it('keeps a drift for the day when its checkpoint is the previous one again', () => {
    expect(isCurrentOfWeights(weights('drift_prev', 'a'), references, methods)).toBe(false);
    expect(isCurrentOfWeights(weights('drift_prev', 'a'), { ...references, previous: reference('a') }, methods)).toBe(true);
    expect(isCurrentOfWeights(weights('drift_prev', ''), { previous: null, first: null }, methods)).toBe(true);
  });
});
