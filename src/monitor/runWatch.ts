import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { FileProblem, ProbeData } from '../protocol';
import { isShard, logFilesOf } from '../runs';
import type { FileOnDisk, LogFiles, RunOnDisk } from '../runs';
import type { RecordStoreOptions } from '../store';
import { LogWatch } from './logWatch';
import { Measuring } from './measuring';
import { ModelFeatures } from './modelFeatures';
import { newestCheckpoints } from './moments';
import { RunState } from './runState';
import { settledProbeData } from './settledProbeData';
import type { Surroundings } from './surroundings';
import { TensorWatch } from './tensorWatch';

/** Older files are not polled one by one; a new look at the folders notices when they change. */
const youngMilliseconds = 10 * 60_000;

interface FollowedFiles {
  readonly watch: LogWatch;
  files: readonly FileOnDisk[];
}

/** One run: follows its files and has its probes and checkpoints measured. */
export class RunWatch {
  readonly state: RunState;
  readonly measuring: Measuring;
  private readonly features: ModelFeatures;
  /** By the file that names the log. */
  private readonly logs = new Map<string, FollowedFiles>();
  /** Probes, and checkpoints that are measured. */
  private readonly tensors = new Map<string, TensorWatch>();
  private readonly files = new Map<string, FileOnDisk>();
  /** What the folder held when it was looked at last, and what was extracted from checkpoints. */
  private onDisk: readonly FileOnDisk[] = [];
  private extracted: readonly FileOnDisk[] = [];
  private readonly looking = new Set<Promise<unknown>>();
  private folderProblems: readonly FileProblem[] = [];
  private engineProblem: FileProblem | null = null;
  private attended = false;
  private stopped = false;
  /** Where the companion appends what a training records of its own batches (companion/src/layerscope/records.py). */
  private readonly recordsOfTraining: string;

  /** Follows nothing before the first `update`. */
  constructor(
    run: Pick<RunOnDisk, 'id' | 'folder' | 'name'>,
    private readonly around: Surroundings,
    records: RecordStoreOptions,
    onChange: () => void,
  ) {
    this.recordsOfTraining = path.join(run.folder, '.layerscope', 'records-training.jsonl');
    this.state = new RunState(run.id, run.folder, run.name, onChange);
    const stored = { ...records, turn: around.turn };
    this.measuring = new Measuring(this.state, this.tensors, around, stored, () => this.tellProblems(), () => this.followTraining());
    this.features = new ModelFeatures(this.state, this.tensors, around, records, {
      onFiles: (files) => {
        this.extracted = files;
        this.takeFiles();
      },
      onChosen: () => this.attend(),
      onProblems: () => this.tellProblems(),
      onAsked: (file) => this.measuring.want(file),
    });
  }

  /** Takes over what the folder holds now. */
  update(run: RunOnDisk): void {
    this.state.rename(run.name);
    this.folderProblems = run.problems;
    this.measuring.rank = Math.max(0, ...run.files.map(({ modified }) => modified));
    this.features.rank = this.measuring.rank;
    this.onDisk = run.files;
    this.takeFiles();
  }

  private takeFiles(): void {
    const files = [...this.onDisk, ...this.extracted];
    const present = new Map(files.map((file) => [file.path, file.kind]));
    for (const { path, kind } of [...this.files.values()]) if (present.get(path) !== kind) this.removeFile(path);
    const logs = logFilesOf(files, this.around.registry);
    const followed = new Set(logs.flatMap(({ files }) => files.map(({ path }) => path)));
    // Newest checkpoint first: what somebody who watches wants to see.
    for (const file of [...files].reverse()) this.updateFile(file, followed.has(file.path));
    this.followLogs(logs);
    this.tellProblems();
  }

  /** Somebody looks at the run: from now on its checkpoints are read, too. There may be terabytes of those that nobody asks for. */
  attend(): void {
    if (this.attended) return;
    this.attended = true;
    for (const file of [...this.files.values()]) if (file.kind === 'checkpoint' && this.isMeasured(file)) this.followTensors(file, undefined);
  }

  /** A probe of the run. @throws {RangeError} when it has none of that path, or it could not be read. */
  deepestLayerOf(probe: string): { readonly file: string; readonly layer: string } {
    const watch = this.tensors.get(probe);
    const layer = watch?.content?.kind === 'probe' ? watch.content.layers.at(-1) : undefined;
    if (watch === undefined || layer === undefined) throw new RangeError(`The run has no probe "${probe}" that can be read.`);
    return { file: watch.disk.absolutePath, layer };
  }

  /** Resolves when every file was looked at that was found so far. */
  async looked(): Promise<void> {
    while (this.looking.size > 0) await Promise.all([...this.looking]);
  }

  async measure(again: boolean): Promise<void> {
    this.attend();
    await this.looked();
    this.engineProblem = null;
    await this.measuring.measure(again);
    await this.features.plan({ asked: true });
    this.tellProblems();
  }

  cancel(): void {
    this.features.cancel();
    this.measuring.cancel();
  }

  /** Other options are asked for, or other threads do the work. */
  replan(): void {
    this.measuring.replan();
    this.features.replan();
  }

  /** Takes in what others have written of the run's results. */
  async refreshResults(): Promise<void> {
    await Promise.all([this.measuring.refresh(), this.features.refresh()]);
  }

  /** @throws {FormatError} when what is stored cannot be read */
  probeData(): Promise<ProbeData | null> {
    return this.features.chosen();
  }

  /** @throws {FormatError} naming what cannot be used, and why; {Error} where models are not run. Nothing is remembered then. */
  async setProbeData(data: ProbeData | null): Promise<void> {
    if (data !== null) {
      const extractor = this.around.extractor();
      if (extractor === null) throw new Error('Models are not run here. In Restricted Mode, trust the workspace first.');
      // The state of an optimizer lies beside many a checkpoint: only what is in a file tells.
      this.attend();
      await this.looked();
      const newest = newestCheckpoints(this.onDisk).find(({ path }) => (this.tensors.get(path)?.content?.layers.length ?? 0) > 0);
      const task = { kind: 'check', file: newest?.absolutePath ?? null, path: newest?.path ?? '', folder: this.state.folder } as const;
      const check = (tried: ProbeData) => extractor.check({ ...task, data: tried }, new AbortController().signal);
      data = await settledProbeData(this.state.folder, data, check);
    }
    await this.features.choose(data);
  }

  /** Looks at everything anew. */
  async refresh(): Promise<void> {
    for (const { absolutePath } of this.files.values()) this.around.poller.hint(absolutePath);
    await this.refreshResults();
  }

  engineUnavailable(reason: string): void {
    this.engineProblem = this.measuring.isIncomplete()
      ? { file: '', place: '', reason: `nothing can be measured: ${reason}`, severity: 'error' }
      : null;
    this.tellProblems();
  }

  stop(): void {
    this.measuring.stop();
    this.features.stop();
    this.around.poller.remove(this.recordsOfTraining);
    this.stopped = true;
    for (const source of [...this.logs.keys()]) this.stopLog(source);
    for (const path of [...this.files.keys()]) this.removeFile(path);
  }

  private updateFile(file: FileOnDisk, isFollowedLog: boolean): void {
    const known = this.files.get(file.path);
    this.files.set(file.path, file);
    this.state.setFile(file);
    if (this.isMeasured(file)) this.followTensors(file, known);
    else if (!isFollowedLog) this.showFile(file);
  }

  /** A file that is only listed. One with a problem may still be being written: another look may find what it is. */
  private showFile(file: FileOnDisk): void {
    const { poller, rescan } = this.around;
    const problems = [...(file.problem === null ? [] : [file.problem]), ...(file.hint === undefined ? [] : [file.hint])];
    this.state.updateFile(file.path, { state: file.problem === null ? 'found' : 'problem', problems });
    if (file.problem === null || !this.isYoung(file)) {
      poller.remove(file.absolutePath);
      return;
    }
    poller.add(file.absolutePath, file.modified, async (path) => {
      const { size, mtimeMs } = await stat(path);
      const now = this.files.get(file.path);
      const changed = now !== undefined && (size !== now.bytes || mtimeMs !== now.modified);
      if (changed) rescan();
      return changed;
    });
  }

  private followLogs(logs: readonly LogFiles[]): void {
    const bySource = new Map(logs.map((log) => [log.source, log]));
    for (const [source, { watch }] of [...this.logs]) {
      const log = bySource.get(source);
      if (log === undefined || !watch.continueWith(log)) this.stopLog(source);
    }
    for (const log of logs) {
      const known = this.logs.get(log.source);
      const watch = known?.watch ?? new LogWatch(this.state, log, this.around.rescan, this.around.turn);
      const fresh = log.files.filter(({ path }) => known?.files.every((file) => file.path !== path) ?? true);
      this.logs.set(log.source, { watch, files: log.files });
      if (fresh.length > 0) this.lookAt(fresh[0]!.absolutePath, watch.look());
      for (const { path, absolutePath, modified } of fresh) {
        this.around.poller.remove(absolutePath);
        this.around.poller.add(absolutePath, modified, () => watch.look(path));
      }
    }
  }

  private stopLog(source: string): void {
    const log = this.logs.get(source);
    this.logs.delete(source);
    for (const { absolutePath } of log?.files ?? []) this.around.poller.remove(absolutePath);
    log?.watch.stop();
  }

  /** Probes are; checkpoints of a known format are when somebody looks at the run, or while it is being written. A shard is read through its index. */
  private isMeasured(file: FileOnDisk): boolean {
    if (file.kind !== 'checkpoint') return file.kind === 'probe';
    if (this.tensors.has(file.path)) return true;
    return file.formatId !== null && (this.attended || this.isYoung(file)) && !isShard(file.path);
  }

  private followTensors(file: FileOnDisk, known: FileOnDisk | undefined): void {
    let watch = this.tensors.get(file.path);
    if (watch === undefined) {
      const { registry, gate, inspect, rescan } = this.around;
      watch = new TensorWatch(this.state, file, {
        registry,
        gate,
        inspect,
        inspected: (which) => this.lookAt(which.disk.absolutePath, this.measuring.inspected(which)),
        voided: (which, content) => this.lookAt(which.disk.absolutePath, Promise.resolve(this.measuring.voided(which, content))),
        missing: rescan,
      });
      this.tensors.set(file.path, watch);
      // It may have been polled as a file that is only listed.
      this.around.poller.remove(file.absolutePath);
      known = undefined;
    }
    if (known?.bytes !== file.bytes || known.modified !== file.modified) this.lookAt(file.absolutePath, watch.look());
    const watched = watch;
    if (this.isYoung(file)) this.around.poller.add(file.absolutePath, file.modified, () => watched.look());
    else this.around.poller.remove(file.absolutePath);
  }

  private removeFile(path: string): void {
    const file = this.files.get(path);
    if (file === undefined) return;
    this.around.poller.remove(file.absolutePath);
    const watch = this.tensors.get(path);
    this.tensors.delete(path);
    watch?.stop();
    if (watch !== undefined && watch.content !== null) this.lookAt(file.absolutePath, Promise.resolve(this.measuring.voided(watch, watch.content)));
    this.files.delete(path);
    this.state.removeFile(path);
  }

  /** Remembers a look until it is finished; its errors are told, not thrown. */
  private lookAt(file: string, look: Promise<unknown>): void {
    const done = look
      .catch((error: unknown) => this.around.log('error', `${file}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`))
      .finally(() => {
        this.looking.delete(done);
        if (this.looking.size > 0 || this.stopped) return;
        this.measuring.settle();
        void this.features.plan();
      });
    this.looking.add(done);
  }

  /** A file in a folder that is otherwise looked at only when the run's own folders change. */
  private followTraining(): void {
    if (!this.stopped) this.around.poller.add(this.recordsOfTraining, this.measuring.rank, () => this.measuring.refresh());
  }

  private isYoung(file: FileOnDisk): boolean {
    return this.around.clock.now() - file.modified < youngMilliseconds;
  }

  private tellProblems(): void {
    this.state.setProblems([...(this.engineProblem === null ? [] : [this.engineProblem]), ...this.folderProblems, ...this.measuring.problems, ...this.features.problems]);
  }
}
