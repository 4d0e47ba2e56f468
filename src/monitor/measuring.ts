import { setImmediate as nextTurn } from 'node:timers/promises';
import { EngineUnavailable } from '../linalg';
import type { LayerMeasurement } from '../metrics';
import type { FileProblem, RunFileState } from '../protocol';
import { RecordStore } from '../store';
import type { RecordStoreOptions } from '../store';
import { toProblem, toRecords } from './fileRecords';
import { describeStep, describeTask } from './layerJob';
import type { LayerJob, NextTask } from './layerJob';
import type { LayerTask } from './layerMeasurer';
import { lotOfLayer } from './lots';
import { isFeatureJob } from './modelFeatures';
import { Others } from './others';
import { inTurn, turns } from './plan';
import type { Turn } from './plan';
import { findChanged } from './references';
import { isResult } from './resultPaths';
import { RunPlan } from './runPlan';
import type { RunState } from './runState';
import { ShownRecords } from './shownRecords';
import type { Surroundings } from './surroundings';
import type { InspectedTensors, TensorWatch } from './tensorWatch';

/** So long files are planned before others get a turn. */
const turnMilliseconds = 10;
/** So long a probe waits for what it is compared with; then the rest of it is measured first. */
const patienceMilliseconds = 2_000;

/** What is measured of the probes and checkpoints of one run, and what is still to be: records, plan and jobs. */
export class Measuring {
  private readonly store: RecordStore;
  private readonly toDo: RunPlan;
  private readonly shown: ShownRecords;
  private readonly others: Others;
  private loading: Promise<unknown> | null;
  /** Jobs that a person cancelled: they wait until they are asked for. */
  private readonly declined = new Set<string>();
  /** Files to be measured even when nothing is by itself: somebody asked for what they are made of. */
  private readonly wanted = new Set<string>();
  private readonly pending = new Map<string, 'queued' | 'measuring'>();
  private referencesOutdated = false;
  private patience: { cancel(): void } | null = null;
  /** The last task that was finished of a job, so that what never becomes current is not measured for ever. */
  private readonly finished = new Map<string, string>();
  /** Files to be shown, or shown and planned anew: with all of their records, or only those that depend on what they are compared with. */
  private readonly due = new Map<TensorWatch, 'shown' | 'records' | 'compared'>();
  private working: Promise<void> | null = null;
  private isWorking = false;
  /** When the run last changed: newer runs go first. */
  rank = 0;

  constructor(
    private readonly run: RunState,
    private readonly files: ReadonlyMap<string, TensorWatch>,
    private readonly around: Surroundings,
    folders: RecordStoreOptions,
    private readonly onProblems: () => void,
    /** The training itself writes records, which should be followed. */
    private readonly onTraining: () => void,
  ) {
    this.store = new RecordStore(folders);
    this.others = new Others(this.store, around.clock);
    this.toDo = new RunPlan(this.store, around);
    this.shown = new ShownRecords(run, files, this.store, this.toDo);
    this.loading = this.store.refresh().then((changed) => {
      this.loading = null;
      if (this.shown.showTraining(changed)) this.onTraining();
      onProblems();
    });
  }

  /** Of the records on disk. */
  get problems(): readonly FileProblem[] {
    return this.store.problems;
  }

  /**
   * A file could be opened: what is stored of its content is shown, and what is missing is planned by `settle`, because what the file is compared
   * with depends on the others. Where that takes long, what a probe needs no other for is measured first.
   */
  async inspected(file: TensorWatch): Promise<void> {
    await this.loading;
    this.referencesOutdated = true;
    if (file.content?.kind !== 'probe') return;
    this.due.set(file, 'shown');
    await this.workOff();
    this.patience ??= this.around.clock.after(patienceMilliseconds, () => {
      this.patience = null;
      for (const each of this.files.values()) if (each.content?.kind === 'probe' && !this.toDo.isCompared(each)) this.plan(each);
    });
  }

  /** No file is being looked at any more: what each is compared with is known. */
  settle(): void {
    if (!this.referencesOutdated || this.loading !== null) return;
    this.referencesOutdated = false;
    this.patience?.cancel();
    this.patience = null;
    const files = [...this.files.values()];
    const checkpoints = files.flatMap(({ path, content }) => (content?.kind === 'checkpoint' ? [{ path, content }] : []));
    const newest = checkpoints.reduce<string | null>((latest, { path, content }) => (latest === null || !this.isEarlier(content, latest) ? path : latest), null);
    for (const file of this.toDo.compare(files)) this.due.set(file, this.due.has(file) ? 'records' : 'compared');
    for (const file of files) {
      const makesRemarks = file.content?.kind !== 'checkpoint' || file.path === newest;
      if (file.makesRemarks === makesRemarks) continue;
      file.makesRemarks = makesRemarks;
      this.showState(file);
    }
    void this.workOff();
  }

  /** Shows and plans what is due, some milliseconds at a time: there may be a thousand files, and others wait for this thread. */
  private workOff(): Promise<void> {
    if (this.working !== null) return this.working;
    const work = this.workOffDue();
    // Nothing may come between the end of the work and its being known.
    if (this.isWorking) this.working = work;
    return work;
  }

  private async workOffDue(): Promise<void> {
    this.isWorking = true;
    try {
      let turn = performance.now();
      for (const [file, what] of this.due) {
        this.due.delete(file);
        if (this.files.get(file.path) !== file) continue;
        if (what === 'compared') this.shown.showCompared(file);
        else this.shown.show(file);
        if (what === 'shown') this.showState(file);
        else this.plan(file);
        if (performance.now() - turn < turnMilliseconds) continue;
        await nextTurn();
        turn = performance.now();
      }
    } finally {
      this.isWorking = false;
      this.working = null;
    }
  }

  /** The content that was measured is no longer in this file; a copy of it may be in another. */
  voided(file: TensorWatch, content: InspectedTensors): void {
    this.run.setRecords(file.path, []);
    this.drop((key) => key.startsWith(`${this.run.id}\n${content.fingerprint}\n`));
    this.toDo.forget(file);
    this.referencesOutdated = true;
    for (const other of this.files.values()) {
      if (other === file || other.content?.fingerprint !== content.fingerprint) continue;
      this.shown.show(other);
      this.plan(other);
    }
  }

  /** Takes in what others have written to the records of this run. @returns whether there was anything. */
  async refresh(): Promise<boolean> {
    const changed = await this.readRecords();
    await this.workOff();
    this.onProblems();
    return changed.size > 0;
  }

  /** The same, but what is to be shown of it follows: there may be a thousand files. */
  private async lookAgain(): Promise<void> {
    const changed = await this.readRecords();
    if (changed.size > 0) void this.workOff();
  }

  private async readRecords(): Promise<ReadonlySet<string>> {
    await this.loading;
    const changed = await this.store.refresh();
    this.others.look();
    if (this.shown.showTraining(changed)) this.onTraining();
    for (const file of this.files.values()) {
      if (file.content !== null && changed.has(file.content.fingerprint) && !this.due.has(file)) this.due.set(file, 'shown');
    }
    return changed;
  }

  /** Queues all that is missing, ahead of automatic work; `again` also what is there. */
  async measure(again: boolean): Promise<void> {
    await this.refresh();
    this.settle();
    this.declined.clear();
    this.finished.clear();
    for (const file of this.files.values()) {
      file.failures.clear();
      this.plan(file, { asked: true, again });
    }
  }

  /** A file that is yet to come is measured even when nothing is by itself. */
  want(path: string): void {
    this.wanted.add(path);
  }

  /** Drops what waits or runs; automatic work does not bring it back. */
  cancel(): void {
    this.wanted.clear();
    for (const key of this.drop()) this.declined.add(key);
    for (const file of this.files.values()) this.showState(file);
  }

  /** Other options are asked for: other records are current, others are missing. */
  replan(): void {
    this.drop();
    for (const file of this.files.values()) if (file.content !== null) this.due.set(file, 'records');
    void this.workOff();
  }

  stop(): void {
    this.patience?.cancel();
    this.due.clear();
    this.drop();
  }

  /** Whether any layer is still to be measured. */
  isIncomplete(): boolean {
    return [...this.files.values()].some((file) => file.content !== null && this.toDo.missing(file, file.content, false).length > 0);
  }

  private drop(accept: (key: string) => boolean = () => true): string[] {
    const keys = this.around.queue.cancel(this.run.id, (key) => !isFeatureJob(this.run.id, key) && accept(key));
    for (const key of keys) this.pending.delete(key);
    return keys;
  }

  private isEarlier(content: InspectedTensors, thanPath: string): boolean {
    const than = this.files.get(thanPath)?.content;
    return (content.epoch ?? content.step ?? 0) < (than?.epoch ?? than?.step ?? 0);
  }

  private measuresAutomatically({ kind }: InspectedTensors): boolean {
    return this.around.measureAutomatically() && (kind === 'probe' || this.around.measureWeights());
  }

  private plan(file: TensorWatch, { asked = this.wanted.has(file.path), again = false } = {}): void {
    const { content } = file;
    if (content === null) return;
    this.leaveOutQuarantined(file, content);
    if (this.toDo.isPlaced(file, content) && (asked || this.measuresAutomatically(content))) {
      for (const whole of this.toDo.missing(file, content, again)) {
        for (const turn of turns) {
          const task = inTurn(whole, turn);
          if (task !== null) this.queueTask(file, { content, layer: task.layer, again, turn }, task, asked);
        }
      }
    }
    this.showState(file);
  }

  private queueTask(file: TensorWatch, job: LayerJob, task: LayerTask, asked: boolean): void {
    const { content, layer, turn } = job;
    const key = this.keyOf(content, layer, turn);
    if (!asked && (this.declined.has(key) || this.finished.get(key) === describeTask(task))) return;
    if (!this.pending.has(key)) this.pending.set(key, 'queued');
    const { others, around: { lots } } = this;
    const place = (content.epoch ?? content.step ?? 0) - content.layers.indexOf(layer) / (content.layers.length + 1);
    let lot: number | null = null;
    this.around.queue.add({
      key,
      runId: this.run.id,
      asked,
      alone: this.around.suspects.isSuspect(this.keyOf(content, layer, 'first')),
      // Between them models are run: features of one checkpoint are measured before those of the next are taken.
      precedence: turn === 'second' ? 3 : content.kind === 'probe' ? 0 : 2,
      runRank: this.rank,
      // In the usual order two processes would always be at the same layers.
      get rank() {
        return others.areAtWork ? (lot ??= lotOfLayer(lots, content.fingerprint, layer)) : place;
      },
      title: `${layer} of ${isResult(file.path) ? file.disk.format : file.path}`,
      run: (signal) => this.measureLayer(job, key, signal),
    });
  }

  private keyOf({ fingerprint }: InspectedTensors, layer: string, turn: Turn): string {
    return `${this.run.id}\n${fingerprint}\n${layer}${turn === 'first' ? '' : `\n${turn}`}`;
  }

  /** What cost the worker its life is a problem of the file, and left alone. */
  private leaveOutQuarantined(file: TensorWatch, content: InspectedTensors): void {
    for (const layer of content.layers) {
      const reason = this.around.suspects.quarantineReason(this.keyOf(content, layer, 'first'));
      if (reason !== null) file.failures.set(layer, { file: file.path, place: `layer ${layer}`, reason, severity: 'error' });
    }
  }

  /**
   * What is missing is asked for when the job runs, and again after each task: references may have become known or changed, others may have
   * written records (another process, while this job waited), and a copy of the file may be compared with something else.
   */
  private async measureLayer({ content, layer, again, turn }: LayerJob, key: string, signal: AbortSignal): Promise<void> {
    this.pending.set(key, 'measuring');
    const copies = (): TensorWatch[] => [...this.files.values()].filter((file) => file.content?.fingerprint === content.fingerprint);
    const show = (): void => copies().forEach((file) => this.showState(file));
    // A layer is suspect as a whole: either turn may end the process.
    const suspect = this.keyOf(content, layer, 'first');
    let hasBegun = false;
    try {
      if (!again) await this.lookAgain();
      const done = new Set<string>();
      const find = (all: boolean): NextTask | null => this.nextTask(copies(), { layer, turn, again: all }, done);
      for (let next = find(again); next !== null && !signal.aborted; next = find(false)) {
        if (!hasBegun) {
          show();
          this.around.suspects.begin(suspect);
          hasBegun = true;
        }
        if (!(await this.measureTask(next, { key, again: again && done.size === 0 }, signal))) break;
        done.add(describeTask(next.task));
        this.finished.set(key, describeTask(next.task));
      }
    } finally {
      if (hasBegun) this.around.suspects.end(suspect);
      // A job that was cancelled may be queued anew already.
      if (this.pending.get(key) === 'measuring') this.pending.delete(key);
      show();
    }
  }

  private nextTask(files: readonly TensorWatch[], { layer, again, turn }: Omit<LayerJob, 'content'>, done: ReadonlySet<string>): NextTask | null {
    for (const file of files) {
      const { content } = file;
      if (content === null || !this.toDo.isPlaced(file, content)) continue;
      const [whole] = this.toDo.missing(file, content, again, layer);
      const task = whole === undefined ? null : inTurn(whole, turn);
      if (task !== null && !done.has(describeTask(task))) return { file, content, task };
    }
    return null;
  }

  /** @returns whether there are records now that are kept: these, or those of another process that was at the same layer and ended sooner. */
  private async measureTask({ file, content, task }: NextTask, { key, again }: { readonly key: string; readonly again: boolean }, signal: AbortSignal): Promise<boolean> {
    try {
      const measurements = await this.around.measurer().measure(task, signal, (step) => this.around.queue.tell(key, describeStep(step)));
      if (signal.aborted) return false;
      const changed = await findChanged(task, content.fileVersion);
      if (changed !== null) {
        this.around.poller.hint(changed);
        this.around.rescan();
        return false;
      }
      if (!again) await this.lookAgain();
      const isStored = !again && !this.toDo.missing(file, content, false, task.layer).some(({ metrics }) => metrics.some((metric) => task.metrics.includes(metric)));
      if (!isStored) await this.keep(file, content, measurements);
      return true;
    } catch (error) {
      this.failed(file, task, error, signal);
      return false;
    }
  }

  private async keep(file: TensorWatch, content: InspectedTensors, measurements: readonly LayerMeasurement[]): Promise<void> {
    const records = toRecords({ run: this.run.runName, path: file.path, content }, measurements);
    await this.store.append(records);
    this.onProblems();
    this.shown.add(content, records);
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
    const keys = content.layers.flatMap((layer) => turns.map((turn) => this.keyOf(content, layer, turn)));
    file.show(this.stateOf(file, content, keys));
  }

  private stateOf(file: TensorWatch, content: InspectedTensors, keys: readonly string[]): RunFileState {
    if (keys.length === 0) return 'found';
    if (keys.some((key) => this.pending.get(key) === 'measuring')) return 'measuring';
    if (keys.some((key) => this.pending.has(key))) return 'queued';
    if (file.failures.size > 0) return 'problem';
    return this.toDo.missing(file, content, false).length === 0 ? 'measured' : 'found';
  }
}
