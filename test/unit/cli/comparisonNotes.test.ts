import { describe, expect, it } from 'vitest';
import type { ComparedRun } from '../../../src/cli/comparedRun';
import { reservations } from '../../../src/cli/comparisonNotes';
import { compareRuns, type WhereToCompare } from '../../../src/diagnosis';
import type { MeasurementRecord } from '../../../src/protocol';

const runs = ['one', 'two'].map((run): ComparedRun => ({ run, folder: `/runs/${run}`, health: 'unknown', epoch: null, step: null, findings: [], records: 0, problems: [] }));

function records(split: 'gap' | null, ...epochs: number[]): MeasurementRecord[] {
  return epochs.map((epoch) => ({
    run: 'run', source: `files/${String(epoch)}`, sourceVersion: 'a', epoch, step: null, layer: 'block0', layerIndex: 0, metric: split === null ? 'spectral_norm' : 'alignment', split,
    value: 1, n: 64, d: 8, views: 2, seed: null, options: {}, warnings: [], method: 1,
  }));
}

const reasonsOf = (both: readonly (readonly MeasurementRecord[])[], at: WhereToCompare = 'common'): string[] => reservations(runs, both, compareRuns(both, { at }), at).map(({ reason }) => reason);

describe('What is to be known before a comparison is read', () => {
  it('does not take checkpoints of weights for features that were measured further', () => {
    const both = [0, 1].map(() => [...records('gap', 0, 600), ...records(null, 0, 700)]);
    expect(reasonsOf(both)).toEqual([]);
  });

  it('says of weights, too, that one run went on further', () => {
    const both = [[...records('gap', 0, 600), ...records(null, 0, 700)], [...records('gap', 0, 600), ...records(null, 0, 500)]];
    expect(reasonsOf(both)).toEqual(['epoch 0 is the latest of weights that all have; measured further: one to 700, two to 500 (--at last compares the last of each)']);
    expect(reasonsOf(both.map((each) => each.filter(({ split }) => split === null)))).toEqual(['epoch 0 is the latest that all have; measured further: one to 700, two to 500 (--at last compares the last of each)']);
    expect(reasonsOf(both, 'last')).toEqual([]);
  });

  it('says that runs share no moment', () => {
    expect(reasonsOf([records('gap', 1), records('gap', 2)])).toEqual(['the runs share neither an epoch nor a step; the last values of each are compared']);
  });
});
