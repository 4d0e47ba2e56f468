import { describe, expect, it } from 'vitest';
import { ColumnBuffer } from '../../../src/formats/columnBuffer';
import { ScalarCollector } from '../../../src/runs';

const tags = ['loss', 'lr', 'epoch'];
const fill = (buffer: ColumnBuffer, ...points: [tag: number, step: number, value: number][]) => points.forEach(([tag, step, value]) => buffer.add(tag, step, 0, value));

describe('points in columns', () => {
  it('are told once, and everything is told anew when a restart voids some', () => {
    const buffer = new ColumnBuffer();
    const collector = new ScalarCollector('events');
    fill(buffer, [0, 1, 10], [1, 1, 0.1], [0, 2, 9], [0, 3, NaN]);
    const before = collector.appendColumns(buffer.take(tags, false));
    expect(before).toMatchObject({ rewritten: false, series: [{ tag: 'loss', steps: [1, 2, 3], values: [10, 9, null], nonFinite: 1 }, { tag: 'lr', values: [0.1] }] });
    buffer.purge(2, null);
    fill(buffer, [0, 2, 8]);
    const after = collector.appendColumns(buffer.take(tags, false));
    expect(after).toMatchObject({ rewritten: true, series: [{ tag: 'loss', steps: [1, 2], values: [10, 8], nonFinite: 0 }, { tag: 'lr', values: [0.1] }] });
    expect(collector.step).toBe(2);
    buffer.purge(50, null);
    fill(buffer, [0, 3, 7]);
    expect(collector.appendColumns(buffer.take(tags, false))).toMatchObject({ rewritten: false, series: [{ tag: 'loss', steps: [3], values: [7] }] });
  });

  it('of which a restart voids everything are gone until the quantity is logged again', () => {
    const buffer = new ColumnBuffer();
    const collector = new ScalarCollector('events');
    fill(buffer, [0, 5, 1]);
    buffer.purge(0, null);
    expect(collector.appendColumns(buffer.take(tags, false))).toEqual({ rewritten: true, series: [] });
    expect([collector.step, collector.epoch]).toEqual([null, null]);
    fill(buffer, [0, 1, 2]);
    collector.appendColumns(buffer.take(tags, false));
    expect(collector.series()).toMatchObject([{ tag: 'loss', steps: [1], values: [2] }]);
  });

  it('lose exactly the voided steps where steps are out of order, and only those of the named quantities', () => {
    const buffer = new ColumnBuffer();
    const collector = new ScalarCollector('events');
    fill(buffer, [0, 5, 1], [0, 1, NaN], [0, 7, 3], [0, 2, 4], [1, 7, 5]);
    buffer.purge(5, ['loss', 'unknown']);
    collector.appendColumns(buffer.take(tags, false));
    expect(collector.series()).toMatchObject([{ tag: 'loss', steps: [1, 2], values: [null, 4], nonFinite: 1 }, { tag: 'lr', steps: [7] }]);
  });

  it('get the epoch that is logged at the same step, also when it comes later', () => {
    const buffer = new ColumnBuffer();
    buffer.setEpochTag(2);
    const epochs = (all = false) => Array.from(buffer.take(tags, all).epochs ?? []);
    fill(buffer, [0, 1, 10], [2, 1, 0], [1, 1, 0.1], [0, 2, 9]);
    // The epoch of step 2 is still to come: the step before had one.
    expect(epochs()).toEqual([0, 0, 0]);
    fill(buffer, [2, 2, 1], [0, 3, 8]);
    expect(epochs()).toEqual([1, 1]);
    expect(epochs(true)).toEqual([NaN]);
    // Nobody waits for an epoch where the last step had none.
    fill(buffer, [0, 4, 7]);
    expect(epochs()).toEqual([NaN]);
  });

  it('are given out piece by piece as they were when they were asked for, whatever comes or goes meanwhile', () => {
    const buffer = new ColumnBuffer();
    const collector = new ScalarCollector('events');
    for (let step = 0; step < 2500; step++) fill(buffer, [0, step, step === 7 ? NaN : step]);
    fill(buffer, [1, 0, 0.1]);
    collector.appendColumns(buffer.take(tags, false));
    for (let step = 2500; step < 2600; step++) fill(buffer, [0, step, step]);
    collector.appendColumns(buffer.take(tags, false));
    const whole = collector.series();
    const pieces = collector.pieces(1000);
    const first = pieces.next().value as (typeof whole)[number];
    expect([first.values.length, first.nonFinite]).toEqual([1000, 1]);
    buffer.purge(10, null);
    for (let step = 10; step < 20; step++) fill(buffer, [0, step, -1]);
    collector.appendColumns(buffer.take(tags, false));
    const rest = [...pieces];
    expect(rest.map(({ tag, values }) => [tag, values.length])).toEqual([['loss', 1000], ['loss', 600], ['lr', 1]]);
    const loss = [first, ...rest.slice(0, 2)];
    expect(loss.flatMap(({ values }) => values)).toEqual(whole[0]?.values);
    expect(loss.flatMap(({ steps }) => steps)).toEqual(whole[0]?.steps);
    expect(loss.flatMap(({ epochs }) => epochs)).toEqual(whole[0]?.epochs);
    expect(collector.series()[0]?.values).toHaveLength(20);
  });
});
