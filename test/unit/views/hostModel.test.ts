import { describe, expect, it } from 'vitest';
import { applyRunDelta, applyRunsDelta, ownDetail } from '../../../src/views/hostModel';
import { aDelta, aDetail, aRecord, aRun, aSeries } from './samples';

describe('the list of runs', () => {
  it('replaces changed runs, drops removed ones and counts as people do', () => {
    const before = [aRun('version_9'), aRun('version_2'), aRun('gone')];
    const after = applyRunsDelta(before, { changed: [aRun('version_10'), aRun('version_2', { epoch: 5 })], removed: ['gone'], scanned: true });
    expect(after.map((run) => run.id)).toEqual(['version_2', 'version_9', 'version_10']);
    expect(after[0]?.epoch).toBe(5);
    expect(after[1]).toBe(before[0]);
  });

  it('stays the same array when nothing changed', () => {
    const before = [aRun('a')];
    expect(applyRunsDelta(before, { changed: [], removed: [], scanned: true })).toBe(before);
  });
});

describe('an opened run', () => {
  const run = aRun('a');

  it('appends records and points without touching what was there', () => {
    const detail = ownDetail(aDetail(run, { records: [aRecord()], series: [aSeries('loss', [3, 2])] }));
    const after = applyRunDelta(detail, aDelta(run, { records: [aRecord({ layer: 'block1' })], series: [aSeries('loss', [1, null], { nonFinite: 1 })] }));
    expect(after.records.map((record) => record.layer)).toEqual(['block0', 'block1']);
    expect(after.series).toEqual([{ ...aSeries('loss', [3, 2, 1, null]), epochs: [0, 1, 0, 1], steps: [0, 1, 0, 1], nonFinite: 1 }]);
  });

  it('never grows the arrays of a delta or a snapshot that others hold', () => {
    const snapshot = aDetail(run, { records: [aRecord()], series: [aSeries('loss', [3])] });
    const first = aDelta(run, { series: [aSeries('lr', [1])] });
    applyRunDelta(applyRunDelta(ownDetail(snapshot), first), aDelta(run, { records: [aRecord()], series: [aSeries('loss', [2]), aSeries('lr', [2])] }));
    expect(snapshot).toEqual(aDetail(run, { records: [aRecord()], series: [aSeries('loss', [3])] }));
    expect(first.series).toEqual([aSeries('lr', [1])]);
  });

  it('drops the records of a voided source before the new ones come', () => {
    const detail = ownDetail(aDetail(run, { records: [aRecord({ value: 1 }), aRecord({ source: 'other', value: 2 })] }));
    const after = applyRunDelta(detail, aDelta(run, { voidedSources: [aRecord().source], records: [aRecord({ value: 3 })] }));
    expect(after.records.map((record) => record.value)).toEqual([2, 3]);
  });

  it('replaces the series of a voided log and keeps a series of the same tag from another file apart', () => {
    const detail = ownDetail(aDetail(run, { series: [aSeries('loss', [3, 2]), aSeries('loss', [9], { source: 'other.csv' })] }));
    const after = applyRunDelta(detail, aDelta(run, { voidedLogs: ['log.txt'], series: [aSeries('loss', [5])] }));
    expect(after.series.map((series) => [series.source, series.values])).toEqual([['other.csv', [9]], ['log.txt', [5]]]);
  });
});
