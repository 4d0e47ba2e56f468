import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { metricsOfPrevious } from '../../../src/metrics';
import type { LabelSuggestions, LayerMeasurement } from '../../../src/metrics';
import { Monitor } from '../../../src/monitor';
import type { FeatureTask, LayerMeasurer, LayerTask, SuggestTask, WeightTask } from '../../../src/monitor';
import type { Clock } from '../../../src/monitor/clock';
import { lotsOf } from '../../../src/monitor/lots';
import { chooseMetrics, metricsOf } from '../../../src/monitor/fileRecords';
import type { EngineStatus, FolderProblem, MeasureProgress, MeasurementRecord, RunDelta, RunDetail, RunsDelta, RunSummary, ScalarSeries, WorkerSettings } from '../../../src/protocol';
import { openCheckpoint, openProbe } from '../../../src/runs';

/** Lets time run faster than it does, so that polling need not be waited for. */
export function fastClock(factor = 20): Clock {
  const start = Date.now();
  return {
    now: () => start + (Date.now() - start) * factor,
    after: (delay, callback) => {
      const timer = setTimeout(callback, delay / factor);
      return { cancel: () => clearTimeout(timer) };
    },
  };
}

/** Opens the probe as the real one does, but answers with its first number at once, or when it is let. */
export class FakeMeasurer implements LayerMeasurer {
  readonly tasks: LayerTask[] = [];
  readonly aborted: string[] = [];
  /** While true, measurements wait. */
  held = false;
  /** Milliseconds that each layer takes. */
  pause = 0;
  failLayer: ((layer: string) => Error | null) | null = null;

  constructor(private readonly status: EngineStatus = { name: 'onnxruntime', version: 'fake', reason: '' }) {}

  async measure(task: LayerTask, signal: AbortSignal): Promise<readonly LayerMeasurement[]> {
    this.tasks.push(task);
    const error = this.failLayer?.(task.layer) ?? null;
    if (error !== null) throw error;
    if (task.kind === 'weights') return this.measureWeights(task);
    const probe = await openProbe(task.file);
    try {
      const layer = await probe.readLayer(task.layer);
      if (this.pause > 0) await new Promise((resolve) => setTimeout(resolve, this.pause));
      while (this.held) {
        if (signal.aborted) {
          this.aborted.push(task.layer);
          throw new DOMException('cancelled', 'AbortError');
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return task.metrics.map((metric): LayerMeasurement => ({
        layer: task.layer, layerIndex: layer.layerIndex, metric, split: 'train', value: layer.features.data[0] ?? null, n: layer.features.rows,
        d: layer.features.columns, views: 1, seed: null, options: optionsOf(metric, task), warnings: [], method: 1,
      }));
    } finally {
      await probe.close();
    }
  }

  private async measureWeights({ file, layer, metrics, references }: WeightTask): Promise<LayerMeasurement[]> {
    const checkpoint = await openCheckpoint(file);
    try {
      const { data, shape } = await checkpoint.readWeights(layer);
      const since: Record<string, string> = { drift_prev: references.previous?.fingerprint ?? '', drift_first: references.first?.fingerprint ?? '' };
      return metrics.map((metric): LayerMeasurement => ({
        layer, layerIndex: checkpoint.layers.findIndex(({ name }) => name === layer), metric, split: null, value: data[0] ?? null, n: shape[0] ?? 0, d: shape[1] ?? 0, views: 1, seed: null,
        options: metric in since ? { since: since[metric] ?? '' } : {}, warnings: [], method: 1,
      }));
    } finally {
      await checkpoint.close();
    }
  }

  suggest({ layer, count }: SuggestTask): Promise<LabelSuggestions> {
    const suggestions = Array.from({ length: count }, (_, at) => ({ sampleId: BigInt(at), reason: `As ${layer} sees it.`, clusterSize: 1, covered: 0 }));
    return Promise.resolve({ suggestions, labelled: 0, samples: count, clusters: 1, warnings: [] });
  }

  engineStatus(): Promise<EngineStatus> {
    return Promise.resolve(this.status);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function optionsOf(metric: string, { options: { eps2, partition }, previous }: FeatureTask): MeasurementRecord['options'] {
  if (metricsOfPrevious.includes(metric)) return { since: previous?.fingerprint ?? '' };
  return metric === 'coding_rate' ? { eps2, partition } : {};
}

/** What a view makes of the snapshot and of the deltas that follow, as the host does. */
export class View {
  run: RunSummary;
  layers: readonly string[];
  records: MeasurementRecord[];
  series: Map<string, (number | null)[]>;

  constructor(detail: RunDetail) {
    this.run = detail.run;
    this.layers = detail.layers;
    this.records = [...detail.records];
    this.series = new Map();
    for (const { source, tag, values } of detail.series) this.series.set(`${source}:${tag}`, [...(this.series.get(`${source}:${tag}`) ?? []), ...values]);
  }

  apply(delta: RunDelta): void {
    if (delta.runId !== this.run.id) return;
    this.run = delta.run;
    this.layers = delta.layers;
    this.records = [...this.records.filter(({ source }) => !delta.voidedSources.includes(source)), ...delta.records];
    for (const key of [...this.series.keys()]) if (delta.voidedLogs.some((log) => key.startsWith(`${log}:`))) this.series.delete(key);
    for (const { source, tag, values } of delta.series) {
      const key = `${source}:${tag}`;
      this.series.set(key, [...(this.series.get(key) ?? []), ...values]);
    }
  }

  state(file: string): string | undefined {
    return this.run.files.find(({ path: name }) => name === file)?.state;
  }

  cells(): string[] {
    return [...new Set(this.records.map(({ source, layer }) => `${path.posix.basename(source)} ${layer}`))].sort();
  }
}

/** A monitor on a folder of its own, with what it told. */
export class Watching {
  readonly runs = new Map<string, RunSummary>();
  readonly logged: string[] = [];
  readonly progress: (MeasureProgress | null)[] = [];
  readonly work: (readonly string[])[] = [];
  readonly views: View[] = [];
  /** Each time that it was told. */
  readonly folderProblems: (readonly FolderProblem[])[] = [];
  deltas = 0;
  monitor: Monitor;

  private constructor(
    readonly folder: string,
    readonly storage: string,
    readonly measurer: FakeMeasurer,
    private readonly clock: Clock,
    public settings: WorkerSettings,
    private readonly lots: string,
  ) {
    this.monitor = this.create();
  }

  /** @param beside one that watches the same folder, as another process would; it is to end first. */
  static async start(change: Partial<WorkerSettings> = {}, measurer = new FakeMeasurer(), beside: Watching | null = null): Promise<Watching> {
    const folder = beside?.folder ?? (await mkdtemp(path.join(tmpdir(), 'layerscope-monitor-')));
    const storage = await mkdtemp(path.join(tmpdir(), 'layerscope-storage-'));
    return new Watching(folder, storage, measurer, fastClock(), {
      measureAutomatically: true, eps2: 0.5, seed: 0, threads: 1, engine: 'auto', resultsLocation: 'workspaceStorage', storageFolder: storage,
      exclude: [], maximumDepth: 6, pollInterval: 1000, metrics: firstMetrics, ...change,
    }, beside === null ? 'one' : 'another');
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  async watch(change: Partial<WorkerSettings> = {}): Promise<readonly RunSummary[]> {
    this.settings = { ...this.settings, ...change };
    return this.monitor.watch([{ name: 'workspace', path: this.folder }], this.settings);
  }

  /** Watches and opens a run by its name. */
  async open(name = 'run'): Promise<View> {
    const run = (await this.watch()).find((each) => each.name === name);
    if (run === undefined) throw new Error(`no run ${name}`);
    const view = new View(this.detailOf(run.id));
    this.views.push(view);
    return view;
  }

  /** A whole snapshot, as the client puts it together. */
  detailOf(runId: string): RunDetail {
    const { detail, ticket } = this.monitor.openRun(runId);
    const records: MeasurementRecord[] = [];
    const series: ScalarSeries[] = [];
    for (let page = this.monitor.nextPage(ticket); page !== null; page = this.monitor.nextPage(ticket)) {
      records.push(...page.records);
      series.push(...page.series);
    }
    return { ...detail, records, series };
  }

  /** Ends the monitor and begins another one on the same folders, as after a restart. */
  async restart(): Promise<void> {
    await this.monitor.close();
    this.views.length = 0;
    this.runs.clear();
    this.monitor = this.create();
  }

  async end(): Promise<void> {
    await this.monitor.close();
    await rm(this.folder, { recursive: true, force: true });
    await rm(this.storage, { recursive: true, force: true });
  }

  private create(): Monitor {
    return new Monitor({
      measurerFor: () => this.measurer,
      concurrencyFor: ({ threads }) => Math.max(1, threads),
      clock: this.clock,
      lots: lotsOf(this.lots),
      events: {
        runsChanged: (delta: RunsDelta) => {
          for (const run of delta.changed) this.runs.set(run.id, run);
          for (const id of delta.removed) this.runs.delete(id);
        },
        runChanged: (delta) => {
          this.deltas += 1;
          for (const view of this.views) view.apply(delta);
        },
        foldersChanged: (problems) => void this.folderProblems.push(problems),
        progressChanged: (progress) => void this.progress.push(progress),
        workChanged: (keys) => void this.work.push(keys),
        log: (level, message) => void this.logged.push(`${level} ${message}`),
      },
    });
  }
}

/** Waits until something is so. @throws saying what was waited for. */
export async function until(what: string, condition: () => boolean, milliseconds = 15_000): Promise<void> {
  // The clock of the day may be set while this waits.
  const end = performance.now() + milliseconds;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${milliseconds} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** What is measured first; settings without metrics measure everything, in two turns. */
export const firstMetrics = ['Memorization', 'Spectrum', 'Comparison', 'Weights'];
export const metricCount = metricsOf('probe').length;
export const firstCount = chooseMetrics(firstMetrics).filter((id) => metricsOf('probe').includes(id)).length;
export const weightMetricCount = metricsOf('checkpoint').length;
