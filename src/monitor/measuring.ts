import { EngineUnavailable } from '../linalg';
import type { LayerMeasurement } from '../metrics';
import type { FileProblem, MeasurementRecord, RunFileState } from '../protocol';
import { RecordStore } from '../store';
import type { RecordStoreOptions } from '../store';
import type { LayerTask } from './layerMeasurer';
import { isCurrent, planProbe } from './plan';
import type { InspectedProbe, ProbeWatch } from './probeWatch';
import { relabel, toProblem, toRecords } from './probeRecords';
import { isUnchanged } from './probeWatch';
import type { RunState } from './runState';
import type { Surroundings } from './surroundings';

/** What is measured of the probes of one run, and what is still to be: records, plan and jobs. */
export class Measuring {
  private readonly store: RecordStore;
  private loading: Promise<unknown> | null;
  /** Jobs that a person cancelled: they wait until they are asked for. */
  private readonly declined = new Set<string>();
  private readonly pending = new Map<string, 'queued' | 'measuring'>();
  /** When the run last changed: newer runs go first. */
  rank = 0;

  constructor(
    private readonly run: RunState,
    private readonly probes: ReadonlyMap<string, ProbeWatch>,
    private readonly around: Surroundings,
    folders: RecordStoreOptions,
    private readonly onProblems: () => void,
  ) {
    this.store = new RecordStore(folders);
    this.loading = this.store.refresh().then(() => {
      this.loading = null;
      onProblems();
    });
  }

  /** Of the records on disk. */
  get problems(): readonly FileProblem[] {
    return this.store.problems;
  }

  /** A probe could be opened: what is stored of its content is shown, what is missing is planned. */
  async inspected(probe: ProbeWatch): Promise<void> {
    await this.loading;
    this.showRecords(probe);
    this.plan(probe);
  }

  /** The content that was measured is no longer in this file; a copy of it may be in another. */
  voided(probe: ProbeWatch, content: InspectedProbe): void {
    this.run.setRecords(probe.path, []);
    this.drop((key) => key.startsWith(`${this.run.id}\n${content.fingerprint}\n`));
    for (const other of this.probes.values()) {
      if (other === probe || other.content?.fingerprint !== content.fingerprint) continue;
      this.showRecords(other);
      this.plan(other);
    }
  }

  /** Takes in what others have written to the records of this run. */
  async refresh(): Promise<void> {
    await this.loading;
    const changed = await this.store.refresh();
    for (const probe of this.probes.values()) {
      if (probe.content === null || !changed.has(probe.content.fingerprint)) continue;
      this.showRecords(probe);
      this.showState(probe);
    }
    this.onProblems();
  }

  /** Queues all that is missing, ahead of automatic work; `again` also what is there. */
  async measure(again: boolean): Promise<void> {
    await this.refresh();
    this.declined.clear();
    for (const probe of this.probes.values()) {
      probe.failures.clear();
      this.plan(probe, { asked: true, again });
    }
  }

  /** Drops what waits or runs; automatic work does not bring it back. */
  cancel(): void {
    for (const key of this.drop()) this.declined.add(key);
    for (const probe of this.probes.values()) this.showState(probe);
  }

  /** Other options are asked for: other records are current, others are missing. */
  replan(): void {
    this.drop();
    for (const probe of this.probes.values()) {
      if (probe.content === null) continue;
      this.showRecords(probe);
      this.plan(probe);
    }
  }

  stop(): void {
    this.drop();
  }

  /** Whether any layer is still to be measured. */
  isIncomplete(): boolean {
    return [...this.probes.values()].some((probe) => probe.content !== null && this.missing(probe, probe.content, false).length > 0);
  }

  private drop(accept?: (key: string) => boolean): string[] {
    const keys = this.around.queue.cancel(this.run.id, accept);
    for (const key of keys) this.pending.delete(key);
    return keys;
  }

  private missing(probe: ProbeWatch, content: InspectedProbe, again: boolean): LayerTask[] {
    const { metrics, methodOf } = this.around;
    return planProbe({
      file: probe.disk.absolutePath,
      layers: content.layers,
      metrics,
      options: this.around.options(),
      methodOf,
      records: this.store.ofContent(content.fingerprint),
      acceptLayer: (layer) => !probe.failures.has(layer),
      again,
    });
  }

  private plan(probe: ProbeWatch, { asked = false, again = false } = {}): void {
    const { content } = probe;
    if (content === null) return;
    if (asked || this.around.measureAutomatically()) {
      for (const task of this.missing(probe, content, again)) {
        const key = this.keyOf(content, task.layer);
        if (!asked && this.declined.has(key)) continue;
        if (!this.pending.has(key)) this.pending.set(key, 'queued');
        this.around.queue.add({
          key,
          runId: this.run.id,
          asked,
          runRank: this.rank,
          rank: (content.epoch ?? content.step ?? 0) - content.layers.indexOf(task.layer) / (content.layers.length + 1),
          title: `${task.layer} of ${probe.path}`,
          run: (signal) => this.measureLayer(probe, content, task, key, signal),
        });
      }
    }
    this.showState(probe);
  }

  private keyOf({ fingerprint }: InspectedProbe, layer: string): string {
    return `${this.run.id}\n${fingerprint}\n${layer}`;
  }

  private async measureLayer(probe: ProbeWatch, content: InspectedProbe, task: LayerTask, key: string, signal: AbortSignal): Promise<void> {
    this.pending.set(key, 'measuring');
    this.showState(probe);
    try {
      const measurements = await this.around.measurer().measure(task, signal);
      if (signal.aborted) return;
      if (!(await isUnchanged(task.file, content.fileVersion))) {
        this.around.poller.hint(task.file);
        this.around.rescan();
        return;
      }
      await this.keep(probe, content, measurements);
    } catch (error) {
      this.failed(probe, task, error, signal);
    } finally {
      // A job that was cancelled may be queued anew already.
      if (this.pending.get(key) === 'measuring') this.pending.delete(key);
      for (const each of this.probes.values()) if (each.content?.fingerprint === content.fingerprint) this.showState(each);
    }
  }

  private async keep(probe: ProbeWatch, content: InspectedProbe, measurements: readonly LayerMeasurement[]): Promise<void> {
    const records = toRecords({ run: this.run.runName, path: probe.path, content }, measurements);
    await this.store.append(records);
    this.onProblems();
    for (const other of this.probes.values()) {
      if (other.content?.fingerprint === content.fingerprint && !this.isCopy(other)) this.run.addRecords(other.path, this.relabel(other, records));
    }
  }

  private failed(probe: ProbeWatch, task: LayerTask, error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    if (error instanceof EngineUnavailable) {
      this.around.engineUnavailable(error.reason);
      return;
    }
    const problem = toProblem(probe.path, task.layer, error);
    probe.failures.set(task.layer, problem);
    this.around.log('warn', `${this.run.runName}/${probe.path}, ${problem.place}: ${problem.reason}`);
  }

  private showState(probe: ProbeWatch): void {
    const { content } = probe;
    if (content === null) return;
    const keys = content.layers.map((layer) => this.keyOf(content, layer));
    probe.show(this.stateOf(probe, content, keys));
  }

  private stateOf(probe: ProbeWatch, content: InspectedProbe, keys: readonly string[]): RunFileState {
    if (keys.some((key) => this.pending.get(key) === 'measuring')) return 'measuring';
    if (keys.some((key) => this.pending.has(key))) return 'queued';
    if (probe.failures.size > 0) return 'problem';
    return this.missing(probe, content, false).length === 0 ? 'measured' : 'found';
  }

  private showRecords(probe: ProbeWatch): void {
    const { content } = probe;
    if (content === null) return;
    const stored = this.isCopy(probe) ? [] : this.store.ofContent(content.fingerprint);
    const options = this.around.options();
    this.run.setRecords(probe.path, this.relabel(probe, stored.filter((record) => isCurrent(record, options, this.around.methodOf))));
  }

  private relabel({ path, content }: ProbeWatch, records: readonly MeasurementRecord[]): MeasurementRecord[] {
    return content === null ? [] : relabel({ run: this.run.runName, path, content }, records);
  }

  /** Whether another file holds the same content for the same moment, for example `last.safetensors`: one of them is enough. */
  private isCopy({ path, content }: ProbeWatch): boolean {
    if (content === null) return false;
    return [...this.probes.values()].some(
      ({ path: otherPath, content: other }) =>
        otherPath < path && other !== null && other.fingerprint === content.fingerprint && other.epoch === content.epoch && other.step === content.step,
    );
  }
}
