import { EngineUnavailable } from '../linalg';
import type { LayerMeasurement } from '../metrics';
import type { FileProblem, MeasurementRecord, RunFileState } from '../protocol';
import { RecordStore } from '../store';
import type { RecordStoreOptions } from '../store';
import { metricsOf, relabel, toProblem, toRecords } from './fileRecords';
import type { CheckpointReferences, LayerTask } from './layerMeasurer';
import { isCurrent, isCurrentOfWeights, planCheckpoint, planProbe } from './plan';
import { findReferences, noReferences } from './references';
import type { RunState } from './runState';
import type { Surroundings } from './surroundings';
import type { InspectedTensors, TensorWatch } from './tensorWatch';
import { isUnchanged } from './tensorWatch';

/** What is measured of the probes and checkpoints of one run, and what is still to be: records, plan and jobs. */
export class Measuring {
  private readonly store: RecordStore;
  private loading: Promise<unknown> | null;
  /** Jobs that a person cancelled: they wait until they are asked for. */
  private readonly declined = new Set<string>();
  private readonly pending = new Map<string, 'queued' | 'measuring'>();
  /** What the checkpoints are compared with, by path. Without an entry a checkpoint waits until all others have been looked at. */
  private references: ReadonlyMap<string, CheckpointReferences> = new Map();
  private referencesOutdated = false;
  /** When the run last changed: newer runs go first. */
  rank = 0;

  constructor(
    private readonly run: RunState,
    private readonly files: ReadonlyMap<string, TensorWatch>,
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

  /**
   * A file could be opened: what is stored of its content is shown, what is missing is planned. Checkpoints wait for `settle`, because what one is
   * compared with depends on the others.
   */
  async inspected(file: TensorWatch): Promise<void> {
    await this.loading;
    if (file.content?.kind === 'checkpoint') {
      this.referencesOutdated = true;
      return;
    }
    this.showRecords(file);
    this.plan(file);
  }

  /** No file is being looked at any more: the order of the checkpoints is known. */
  settle(): void {
    if (!this.referencesOutdated || this.loading !== null) return;
    this.referencesOutdated = false;
    const before = this.references;
    const checkpoints = [...this.files.values()].flatMap(({ path, disk: { absolutePath }, content }) =>
      content?.kind === 'checkpoint' ? [{ path, absolutePath, content }] : [],
    );
    this.references = findReferences(checkpoints);
    const newest = checkpoints.reduce<string | null>((latest, { path, content }) => (latest === null || !this.isEarlier(content, latest) ? path : latest), null);
    for (const { path, content } of checkpoints) {
      const file = this.files.get(path);
      if (file === undefined) continue;
      file.makesRemarks = path === newest;
      if (JSON.stringify(before.get(path)) !== JSON.stringify(this.references.get(path))) this.drop((key) => key.startsWith(`${this.run.id}\n${content.fingerprint}\n`));
      this.showRecords(file);
      this.plan(file);
    }
  }

  /** The content that was measured is no longer in this file; a copy of it may be in another. */
  voided(file: TensorWatch, content: InspectedTensors): void {
    this.run.setRecords(file.path, []);
    this.drop((key) => key.startsWith(`${this.run.id}\n${content.fingerprint}\n`));
    if (content.kind === 'checkpoint') {
      this.referencesOutdated = true;
      return;
    }
    for (const other of this.files.values()) {
      if (other === file || other.content?.fingerprint !== content.fingerprint) continue;
      this.showRecords(other);
      this.plan(other);
    }
  }

  /** Takes in what others have written to the records of this run. */
  async refresh(): Promise<void> {
    await this.loading;
    const changed = await this.store.refresh();
    for (const file of this.files.values()) {
      if (file.content === null || !changed.has(file.content.fingerprint)) continue;
      this.showRecords(file);
      this.showState(file);
    }
    this.onProblems();
  }

  /** Queues all that is missing, ahead of automatic work; `again` also what is there. */
  async measure(again: boolean): Promise<void> {
    await this.refresh();
    this.settle();
    this.declined.clear();
    for (const file of this.files.values()) {
      file.failures.clear();
      this.plan(file, { asked: true, again });
    }
  }

  /** Drops what waits or runs; automatic work does not bring it back. */
  cancel(): void {
    for (const key of this.drop()) this.declined.add(key);
    for (const file of this.files.values()) this.showState(file);
  }

  /** Other options are asked for: other records are current, others are missing. */
  replan(): void {
    this.drop();
    for (const file of this.files.values()) {
      if (file.content === null) continue;
      this.showRecords(file);
      this.plan(file);
    }
  }

  stop(): void {
    this.drop();
  }

  /** Whether any layer is still to be measured. */
  isIncomplete(): boolean {
    return [...this.files.values()].some((file) => file.content !== null && this.missing(file, file.content, false).length > 0);
  }

  private drop(accept?: (key: string) => boolean): string[] {
    const keys = this.around.queue.cancel(this.run.id, accept);
    for (const key of keys) this.pending.delete(key);
    return keys;
  }

  private missing(file: TensorWatch, content: InspectedTensors, again: boolean): LayerTask[] {
    const { methodOf } = this.around;
    const plan = {
      file: file.disk.absolutePath,
      layers: content.layers,
      metrics: metricsOf(content.kind),
      methodOf,
      records: this.store.ofContent(content.fingerprint),
      acceptLayer: (layer: string) => !file.failures.has(layer),
      again,
    };
    if (content.kind === 'probe') return planProbe({ ...plan, options: this.around.options() });
    return planCheckpoint({ ...plan, references: this.referencesOf(file) });
  }

  private referencesOf({ path }: TensorWatch): CheckpointReferences {
    return this.references.get(path) ?? noReferences;
  }

  private isEarlier(content: InspectedTensors, thanPath: string): boolean {
    const than = this.files.get(thanPath)?.content;
    return (content.epoch ?? content.step ?? 0) < (than?.epoch ?? than?.step ?? 0);
  }

  private measuresAutomatically({ kind }: InspectedTensors): boolean {
    return this.around.measureAutomatically() && (kind === 'probe' || this.around.measureWeights());
  }

  private plan(file: TensorWatch, { asked = false, again = false } = {}): void {
    const { content } = file;
    if (content === null) return;
    const isPlaced = content.kind === 'probe' || this.references.has(file.path);
    if (isPlaced && (asked || this.measuresAutomatically(content))) {
      for (const task of this.missing(file, content, again)) {
        const key = this.keyOf(content, task.layer);
        if (!asked && this.declined.has(key)) continue;
        if (!this.pending.has(key)) this.pending.set(key, 'queued');
        this.around.queue.add({
          key,
          runId: this.run.id,
          asked,
          precedence: content.kind === 'probe' ? 0 : 1,
          runRank: this.rank,
          rank: (content.epoch ?? content.step ?? 0) - content.layers.indexOf(task.layer) / (content.layers.length + 1),
          title: `${task.layer} of ${file.path}`,
          run: (signal) => this.measureLayer(file, content, task, key, signal),
        });
      }
    }
    this.showState(file);
  }

  private keyOf({ fingerprint }: InspectedTensors, layer: string): string {
    return `${this.run.id}\n${fingerprint}\n${layer}`;
  }

  private async measureLayer(file: TensorWatch, content: InspectedTensors, task: LayerTask, key: string, signal: AbortSignal): Promise<void> {
    this.pending.set(key, 'measuring');
    this.showState(file);
    try {
      const measurements = await this.around.measurer().measure(task, signal);
      if (signal.aborted) return;
      const changed = await findChanged(task, content.fileVersion);
      if (changed !== null) {
        this.around.poller.hint(changed);
        this.around.rescan();
        return;
      }
      await this.keep(file, content, measurements);
    } catch (error) {
      this.failed(file, task, error, signal);
    } finally {
      // A job that was cancelled may be queued anew already.
      if (this.pending.get(key) === 'measuring') this.pending.delete(key);
      for (const each of this.files.values()) if (each.content?.fingerprint === content.fingerprint) this.showState(each);
    }
  }

  private async keep(file: TensorWatch, content: InspectedTensors, measurements: readonly LayerMeasurement[]): Promise<void> {
    const records = toRecords({ run: this.run.runName, path: file.path, content }, measurements);
    await this.store.append(records);
    this.onProblems();
    for (const other of this.files.values()) {
      if (other.content?.fingerprint !== content.fingerprint || this.isCopy(other)) continue;
      const shown = records.filter((record) => this.isCurrent(other, record));
      this.run.addRecords(other.path, this.relabel(other, shown));
    }
  }

  private failed(file: TensorWatch, task: LayerTask, error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    if (error instanceof EngineUnavailable) {
      this.around.engineUnavailable(error.reason);
      return;
    }
    const problem = toProblem(file.path, task.layer, error);
    file.failures.set(task.layer, problem);
    this.around.log('warn', `${this.run.runName}/${file.path}, ${problem.place}: ${problem.reason}`);
  }

  private showState(file: TensorWatch): void {
    const { content } = file;
    if (content === null) return;
    const keys = content.layers.map((layer) => this.keyOf(content, layer));
    file.show(this.stateOf(file, content, keys));
  }

  private stateOf(file: TensorWatch, content: InspectedTensors, keys: readonly string[]): RunFileState {
    if (keys.length === 0) return 'found';
    if (keys.some((key) => this.pending.get(key) === 'measuring')) return 'measuring';
    if (keys.some((key) => this.pending.has(key))) return 'queued';
    if (file.failures.size > 0) return 'problem';
    return this.missing(file, content, false).length === 0 ? 'measured' : 'found';
  }

  private isCurrent(file: TensorWatch, record: MeasurementRecord): boolean {
    const { methodOf } = this.around;
    return file.content?.kind === 'checkpoint'
      ? isCurrentOfWeights(record, this.referencesOf(file), methodOf)
      : isCurrent(record, this.around.options(), methodOf);
  }

  private showRecords(file: TensorWatch): void {
    const { content } = file;
    if (content === null) return;
    const stored = this.isCopy(file) ? [] : this.store.ofContent(content.fingerprint);
    this.run.setRecords(file.path, this.relabel(file, stored.filter((record) => this.isCurrent(file, record))));
  }

  private relabel({ path, content }: TensorWatch, records: readonly MeasurementRecord[]): MeasurementRecord[] {
    return content === null ? [] : relabel({ run: this.run.runName, path, content }, records);
  }

  /** Whether another file holds the same content for the same moment, for example `last.safetensors`: one of them is enough. */
  private isCopy({ path, content }: TensorWatch): boolean {
    if (content === null) return false;
    return [...this.files.values()].some(
      ({ path: otherPath, content: other }) =>
        otherPath < path && other !== null && other.fingerprint === content.fingerprint && other.epoch === content.epoch && other.step === content.step,
    );
  }
}

/** Which of the files that went into a measurement is no longer what it was; null when none. */
async function findChanged(task: LayerTask, fileVersion: string): Promise<string | null> {
  const files = new Map([[task.file, fileVersion]]);
  if (task.kind === 'weights') {
    for (const reference of [task.references.previous, task.references.first]) if (reference !== null) files.set(reference.file, reference.fileVersion);
  }
  for (const [file, version] of files) if (!(await isUnchanged(file, version))) return file;
  return null;
}
