import { describe, expect, it } from 'vitest';
import { diagnose } from '../../../src/diagnosis';
import { logSpacedEpochs, simulateRun, type SimulatedRun } from './simulatedRun';

const seeds = (count: number): number[] => Array.from({ length: count }, (_, index) => 7 * index + 1);

function shareWithFinding(count: number, options: Omit<SimulatedRun, 'seed'>): number {
  return seeds(count).filter((seed) => diagnose(simulateRun({ seed, ...options })).length > 0).length / count;
}

/** As the monitor looks: after each checkpoint anew. */
function isEverTold(options: SimulatedRun): boolean {
  const records = simulateRun(options);
  return logSpacedEpochs.some((until) => diagnose(records.filter(({ epoch }) => (epoch ?? 0) <= until)).length > 0);
}

describe('late-layer overfitting on simulated runs', () => {
  // Rates over 2000 runs a row are in docs/diagnosis.md; fewer here, with the bound and not the rate as the limit.
  it.each([
    { persistence: 0, tails: 'normal' },
    { persistence: 0.9, tails: 'normal' },
    { persistence: 1, tails: 'exponential' },
  ] as const)('raises at most 5 % false alarms when nothing is memorized ($persistence persistence, $tails tails)', (options) => {
    expect(shareWithFinding(100, { ...options, samples: 32 })).toBeLessThanOrEqual(0.05);
  });

  it('keeps that bound when looked at after every checkpoint of a run', () => {
    expect(seeds(60).filter((seed) => isEverTold({ seed, samples: 32 })).length / 60).toBeLessThanOrEqual(0.05);
  });

  it('rarely blames late layers when early layers come to know the training samples just as well', () => {
    expect(shareWithFinding(40, { effect: (_, epoch) => (epoch >= 32 ? 1 : 0) })).toBeLessThanOrEqual(0.1);
  });

  it('stays silent when a gap was there before training began', () => {
    expect(shareWithFinding(40, { effect: (layer) => (layer >= 5 ? 1 : 0) })).toBe(0);
  });

  it.each([0.5, 0.9, 1])('finds growth of 0.7 standard deviations in two late layers, with its onset (persistence %d)', (persistence) => {
    const effect = (layer: number, epoch: number): number => (layer >= 5 && epoch >= 96 ? 0.7 : 0);
    const findings = seeds(50).flatMap((seed) => diagnose(simulateRun({ seed, persistence, effect })).slice(0, 1));
    expect(findings.length).toBeGreaterThanOrEqual(45);
    const bracketed = findings.filter(({ onset }) => onset.low < 96 && onset.high >= 96);
    expect(bracketed.length / findings.length).toBeGreaterThan(0.9);
    const delays = findings.map(({ onset }) => logSpacedEpochs.indexOf(onset.at) - logSpacedEpochs.indexOf(96));
    expect(delays.reduce((sum, delay) => sum + Math.abs(delay), 0) / delays.length).toBeLessThan(1);
  });
});
