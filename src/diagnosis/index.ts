import type { Finding, MeasurementRecord } from '../protocol';
import { lateLayerOverfitting } from './lateLayerOverfitting';
import { defaultDiagnoseOptions, type DiagnoseOptions, type Rule } from './rule';
import { finish, forEachInSteps, type Steps } from './steps';

export { type ComparisonRow, compareRuns, type Moment, momentWords, type RunComparison, type RunDifference, type WhereToCompare } from './compareRuns';
export { isClear, layersByObstacle, rowsToShow } from './readComparison';
export { defaultDiagnoseOptions, type DiagnoseOptions, type Rule } from './rule';
export type { Steps } from './steps';

/** Every rule that is looked at, in the order in which findings are shown. A new rule is a file of its own and one entry here. */
export const rules: readonly Rule[] = [lateLayerOverfitting];

/** Metrics that findings rest on. */
export const diagnosedMetrics: readonly string[] = [...new Set(rules.flatMap(({ metrics }) => metrics))];

/**
 * Looks at the records of one or more runs and says what is wrong with them, worst first.
 * Pure: the same records give the same findings, in whatever order they come. Records that say nothing
 * (null values, no uncertainty, a single checkpoint) lead to no finding, never to an error.
 * @throws {RangeError} when `falseAlarmLevel` is not between 0 and 1.
 */
export function diagnose(records: readonly MeasurementRecord[], options: Partial<DiagnoseOptions> = {}): Finding[] {
  return finish(diagnoseInSteps(records, options));
}

/** The same in steps of some milliseconds, for who must not be held up by a run of many checkpoints. */
export function* diagnoseInSteps(records: readonly MeasurementRecord[], options: Partial<DiagnoseOptions> = {}): Steps<Finding[]> {
  const complete = { ...defaultDiagnoseOptions, ...options };
  if (!(complete.falseAlarmLevel > 0 && complete.falseAlarmLevel < 1)) {
    throw new RangeError(`falseAlarmLevel must lie between 0 and 1, not be ${String(complete.falseAlarmLevel)}`);
  }
  const byRun = new Map<string, MeasurementRecord[]>();
  yield* forEachInSteps(records, (record) => {
    const ofRun = byRun.get(record.run);
    if (ofRun) ofRun.push(record);
    else byRun.set(record.run, [record]);
  });
  const findings: Finding[] = [];
  for (const run of [...byRun.keys()].sort()) for (const rule of rules) findings.push(...(yield* rule.find(run, byRun.get(run) ?? [], complete)));
  return findings.sort((a, b) => Number(b.severity === 'act') - Number(a.severity === 'act'));
}
