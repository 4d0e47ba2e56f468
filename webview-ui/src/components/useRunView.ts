import { useMemo, useRef } from 'preact/hooks';
import type { MetricInfo, PanelChoice, RunFile } from '../../../src/protocol';
import { kindOf, makeMeasureView, makeRunView, type RunView } from '../runView';
import { sortFindings } from '../select/lines';
import { withMoments } from '../select/ofTraining';
import { chooseUnitOfLogs, makeTimeline, needsLogPairs, type Timeline } from '../select/timeline';
import type { OpenRun } from '../state';

const noRecords: readonly never[] = [];

/** The view of the run, made again only in the parts that a message changed. */
export function useRunView(open: OpenRun, metric: MetricInfo, choice: PanelChoice): { readonly view: RunView; readonly timeline: Timeline } {
  const kept = open.records.get(metric.id) ?? noRecords;
  const ofTraining = kindOf(metric) === 'training';
  const records = useMemo(() => (ofTraining ? withMoments(kept) : kept), [kept, ofTraining]);
  const files = useStable(open.run.files, sameFiles);
  const problems = useStable(open.run.problems, sameText);
  // A training may record other layers than the probes hold.
  const layers = useStable(ofTraining ? noRecords : metric.subject === 'weights' ? open.weightLayers : open.layers, sameText);
  const findings = useStable(open.run.findings, sameText);
  // A log grows every second; places change with it only where they are read off it.
  const pairs = needsLogPairs(open.series) ? open.series : noRecords;
  const unitOfLogs = chooseUnitOfLogs(open.series);
  const timeline = useMemo(() => makeTimeline(records, files, pairs, kindOf(metric), unitOfLogs), [records, files, pairs, metric, unitOfLogs]);
  const measure = useMemo(
    () => makeMeasureView({ metric, show: choice.show, records, layers, files, problems, timeline }),
    [metric, choice.show, records, layers, files, problems, timeline],
  );
  const view = useMemo(() => makeRunView(measure, choice.layers, sortFindings(findings), timeline), [measure, choice.layers, findings, timeline]);
  return { view, timeline };
}

/** The value before as long as the new one says the same. */
function useStable<Value>(value: Value, same: (a: Value, b: Value) => boolean): Value {
  const kept = useRef(value);
  if (kept.current !== value && !same(kept.current, value)) kept.current = value;
  return kept.current;
}

function sameText(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Size and time of a file are not drawn. */
function sameFiles(a: readonly RunFile[], b: readonly RunFile[]): boolean {
  return (
    a.length === b.length &&
    a.every((file, index) => {
      const other = b[index];
      return other?.path === file.path && other.kind === file.kind && other.state === file.state && other.epoch === file.epoch && other.step === file.step && other.layers === file.layers;
    })
  );
}
