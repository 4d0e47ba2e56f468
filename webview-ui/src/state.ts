import type {
  FolderProblem,
  MeasureProgress,
  MeasurementRecord,
  MetricInfo,
  PanelChoice,
  RunDelta,
  RunDetail,
  RunsDelta,
  RunSummary,
  ScalarSeries,
  ToPanel,
  WorkerStatus,
} from '../../src/protocol';
import { isOfTraining } from '../../src/protocol';
import { heldMetric, openingMetric, type OpeningMetric, undecided } from './select/openingMetric';
import { idOfTraining } from './select/ofTraining';

export type RecordsByMetric = ReadonlyMap<string, readonly MeasurementRecord[]>;

/** A run as the page keeps it: records grouped, so that a delta touches only the metrics it brings. Those of a training have an id of their own. */
export interface OpenRun {
  readonly run: RunSummary;
  /** Shallow to deep. */
  readonly layers: readonly string[];
  readonly weightLayers: readonly string[];
  readonly records: RecordsByMetric;
  readonly series: readonly ScalarSeries[];
  /** Shown where the person has not chosen a metric. */
  readonly opening: OpeningMetric;
}

export interface PanelState {
  /** False until the first snapshot. */
  readonly ready: boolean;
  readonly runs: readonly RunSummary[];
  readonly scanned: boolean;
  readonly folders: readonly string[];
  readonly folderProblems: readonly FolderProblem[];
  readonly open: OpenRun | null;
  readonly metrics: readonly MetricInfo[];
  readonly choice: PanelChoice;
  readonly progress: MeasureProgress | null;
  readonly worker: WorkerStatus;
}

const defaultChoice: PanelChoice = { runId: null, metric: null, show: 'gap', axis: 'log', layers: null, asTable: false };

export function initialState(choice: PanelChoice | null): PanelState {
  return {
    ready: false,
    runs: [],
    scanned: false,
    folders: [],
    folderProblems: [],
    open: null,
    metrics: [],
    choice: choice ?? defaultChoice,
    progress: null,
    worker: { state: 'starting', engine: null, message: '', restarts: 0 },
  };
}

/** Applies one message of the host. Pure: the given state is not changed. */
export function reduce(state: PanelState, message: ToPanel): PanelState {
  return withOpening(apply(state, message));
}

function apply(state: PanelState, message: ToPanel): PanelState {
  switch (message.kind) {
    case 'snapshot':
      return {
        ready: true,
        runs: message.runs,
        scanned: message.scanned,
        folders: message.folders,
        folderProblems: message.folderProblems ?? [],
        open: message.detail && openRun(message.detail, state.open),
        metrics: message.metrics,
        choice: message.choice,
        progress: message.progress,
        worker: message.worker,
      };
    case 'runs':
      return applyRuns(state, message.delta);
    case 'run':
      return applyRun(state, message.delta);
    case 'progress':
      return { ...state, progress: message.progress };
    case 'worker':
      return { ...state, worker: message.status };
    case 'choice':
      // The person is at work with a command: showing as a table, or a finding.
      if (message.detail === undefined) return hold({ ...state, choice: message.choice });
      return { ...state, choice: message.choice, open: message.detail && openRun(message.detail, state.open) };
  }
}

/** What the person just chose, drawn at once; the host answers with the same or a better choice. */
export function choose(state: PanelState, change: Partial<PanelChoice>): PanelState {
  return { ...state, choice: { ...state.choice, ...change } };
}

/** The person is at work with the page: what is drawn of the opened run stays. */
export function hold(state: PanelState): PanelState {
  return withOpening(state, heldMetric);
}

function openRun(detail: RunDetail, before: OpenRun | null): OpenRun {
  return {
    run: detail.run,
    layers: detail.layers,
    weightLayers: detail.weightLayers ?? [],
    records: addRecords(new Map(), detail.records),
    series: detail.series,
    opening: before?.run.id === detail.run.id ? before.opening : undecided,
  };
}

/** What the opened run is shown by, as its records and findings are now. */
function withOpening(state: PanelState, decide: typeof openingMetric = openingMetric): PanelState {
  const { open } = state;
  if (!open) return state;
  const opening = decide(state.metrics, open, state.choice.show);
  return opening === open.opening ? state : { ...state, open: { ...open, opening } };
}

function applyRuns(state: PanelState, delta: RunsDelta): PanelState {
  const changed = new Map(delta.changed.map((run) => [run.id, run]));
  const removed = new Set(delta.removed);
  const runs = state.runs.filter((run) => !removed.has(run.id)).map((run) => changed.get(run.id) ?? run);
  const known = new Set(runs.map((run) => run.id));
  runs.push(...delta.changed.filter((run) => !known.has(run.id)));
  let open = state.open;
  if (open && removed.has(open.run.id)) open = null;
  const run = open && changed.get(open.run.id);
  if (open && run) open = { ...open, run };
  return { ...state, runs, scanned: delta.scanned, open };
}

function applyRun(state: PanelState, delta: RunDelta): PanelState {
  const runs = state.runs.map((run) => (run.id === delta.runId ? delta.run : run));
  const open = state.open;
  if (!open || open.run.id !== delta.runId) return { ...state, runs };
  return {
    ...state,
    runs,
    open: {
      ...open,
      run: delta.run,
      layers: delta.layers,
      weightLayers: delta.weightLayers ?? [],
      records: addRecords(withoutSources(open.records, delta.voidedSources), delta.records),
      series: addSeries(open.series.filter((series) => !delta.voidedLogs.includes(series.source)), delta.series),
    },
  };
}

function withoutSources(records: RecordsByMetric, sources: readonly string[]): RecordsByMetric {
  if (sources.length === 0) return records;
  const voided = new Set(sources);
  const kept = new Map<string, readonly MeasurementRecord[]>();
  for (const [metric, list] of records) {
    const rest = list.filter((record) => !voided.has(record.source));
    kept.set(metric, rest.length === list.length ? list : rest);
  }
  return kept;
}

function addRecords(records: RecordsByMetric, added: readonly MeasurementRecord[]): RecordsByMetric {
  if (added.length === 0) return records;
  const fresh = new Map<string, MeasurementRecord[]>();
  for (const record of added) {
    const id = isOfTraining(record) ? idOfTraining(record.metric) : record.metric;
    const list = fresh.get(id);
    if (list) list.push(record);
    else fresh.set(id, [record]);
  }
  const merged = new Map(records);
  for (const [metric, list] of fresh) merged.set(metric, (merged.get(metric) ?? []).concat(list));
  return merged;
}

function addSeries(series: readonly ScalarSeries[], added: readonly ScalarSeries[]): readonly ScalarSeries[] {
  if (added.length === 0) return series;
  const merged = [...series];
  for (const more of added) {
    const place = merged.findIndex((one) => one.tag === more.tag && one.source === more.source);
    const before = merged[place];
    if (!before) {
      merged.push(more);
      continue;
    }
    merged[place] = {
      ...before,
      epochs: before.epochs.concat(more.epochs),
      steps: before.steps.concat(more.steps),
      values: before.values.concat(more.values),
      nonFinite: before.nonFinite + more.nonFinite,
    };
  }
  return merged;
}
