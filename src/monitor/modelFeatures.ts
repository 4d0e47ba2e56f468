import path from 'node:path';
import { FormatError } from '../formats';
import type { FileProblem, ProbeData } from '../protocol';
import type { FileOnDisk } from '../runs';
import { featurePath, findFeatureFile, readProbeData, removeFeatures, type RecordStoreOptions, writeProbeData } from '../store';
import type { ExtractTask } from './featureExtractor';
import { withoutProbes } from './moments';
import { isResult, resultsFolder } from './resultPaths';
import type { RunState } from './runState';
import type { Surroundings } from './surroundings';
import type { TensorWatch } from './tensorWatch';

/** Whether a job takes features from a model. */
export function isFeatureJob(runId: string, key: string): boolean {
  return key.startsWith(`${runId}\nfeatures\n`);
}

/** Features of a checkpoint as a probe file of its run. */
export function toProbeFile(checkpoint: { readonly path: string; readonly epoch: number | null; readonly step: number | null }, relativePath: string, { file, bytes, modified }: { readonly file: string; readonly bytes: number; readonly modified: number }): FileOnDisk {
  const { epoch, step } = checkpoint;
  return { kind: 'probe', path: `${resultsFolder}/${relativePath}`, absolutePath: file, formatId: 'safetensors', format: `features of ${checkpoint.path}`, bytes, modified, epoch, step, problem: null };
}

export interface ModelFeaturesEvents {
  /** What was extracted and is current: these are probes of the run, and no others that were extracted. */
  onFiles(files: readonly FileOnDisk[]): void;
  /** Images were chosen: all checkpoints have to be looked at. */
  onChosen(): void;
  onProblems(): void;
  /** A person asked for it: what comes of this file is measured even when nothing is measured by itself. */
  onAsked(path: string): void;
}

/** A checkpoint without a probe. */
interface Wanted {
  /** Of its job. */
  readonly key: string;
  readonly watch: TensorWatch;
  readonly task: Omit<ExtractTask, 'targets'>;
  readonly relativePath: string;
  readonly moment: number;
}

/**
 * Where a run has checkpoints without probes and somebody has chosen images: has the models run, one checkpoint after the other, newest first, and shows
 * what comes out as probes of the run.
 */
export class ModelFeatures {
  private data: ProbeData | null = null;
  private readProblem: FileProblem | null = null;
  private turn: Promise<void>;
  private isPlanned = false;
  private shown = '[]';
  /** Paths of features by path and fingerprint of the checkpoint, for the images that are chosen now. */
  private readonly paths = new Map<string, string>();
  private stopped = false;
  /** Somebody asked for what is missing at the next plan. */
  private asked = false;
  /** Images or graph cannot be used: no other checkpoint would fare better. */
  private dataProblem: FileProblem | null = null;
  /** Jobs that a person cancelled, and such as failed: they wait until they are asked for. */
  private readonly declined = new Set<string>();
  /** When the run last changed: newer runs go first. */
  rank = 0;

  constructor(
    private readonly run: RunState,
    private readonly watches: ReadonlyMap<string, TensorWatch>,
    private readonly around: Surroundings,
    private readonly folders: RecordStoreOptions,
    private readonly events: ModelFeaturesEvents,
  ) {
    this.turn = this.read();
  }

  /** Of what was chosen. */
  get problems(): readonly FileProblem[] {
    return [this.readProblem, this.dataProblem].filter((problem) => problem !== null);
  }

  /** @throws {FormatError} when what is stored cannot be read */
  chosen(): Promise<ProbeData | null> {
    return readProbeData(this.folders.read);
  }

  /** Remembers the choice and voids what was extracted before. @throws {FormatError} when it cannot be written */
  async choose(data: ProbeData | null): Promise<void> {
    await writeProbeData(this.folders.write, data);
    await this.inTurn(async () => {
      await this.use(null);
      for (const folder of this.folders.write) await removeFeatures(folder);
      this.readProblem = null;
      await this.use(data);
    });
    this.events.onProblems();
  }

  /** Somebody else may have chosen, or removed what was extracted. */
  async refresh(): Promise<void> {
    await this.inTurn(() => this.read()).catch(() => undefined);
    await this.plan();
  }

  /** Shows what was extracted and queues what was not; `asked` also where nothing is measured by itself, and what was cancelled or failed. */
  async plan({ asked = false } = {}): Promise<void> {
    if (asked) {
      this.asked = true;
      this.forgetFailures();
    }
    // Many files were looked at: one plan does for all of them.
    if (this.isPlanned) return;
    this.isPlanned = true;
    await this.inTurn(async () => {
      this.isPlanned = false;
      await this.planNow();
    }).catch(() => undefined);
  }

  cancel(): void {
    for (const key of this.drop()) this.declined.add(key);
  }

  /** Models are run on something else from now on. */
  replan(): void {
    this.drop();
    this.forgetFailures();
    void this.plan();
  }

  stop(): void {
    this.stopped = true;
    this.drop();
  }

  private drop(accept: (key: string) => boolean = () => true): string[] {
    return this.around.queue.cancel(this.run.id, (key) => isFeatureJob(this.run.id, key) && accept(key));
  }

  private forgetFailures(): void {
    this.declined.clear();
    for (const watch of this.watches.values()) this.show(watch, null);
    this.dataProblem = null;
    this.events.onProblems();
  }

  private inTurn(action: () => Promise<void>): Promise<void> {
    const done = this.turn.then(action);
    this.turn = done.catch((error: unknown) => this.around.log('error', `${this.run.runName}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`));
    return done;
  }

  private async read(): Promise<void> {
    let data: ProbeData | null = null;
    let problem: FileProblem | null = null;
    try {
      data = await readProbeData(this.folders.read);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      problem = { file: error.file, place: error.place, reason: error.reason, severity: 'warning' };
    }
    this.readProblem = problem;
    this.events.onProblems();
    await this.use(data);
  }

  private async use(data: ProbeData | null): Promise<void> {
    if (this.stopped || JSON.stringify(data) === JSON.stringify(this.data)) return;
    this.data = data;
    this.paths.clear();
    this.drop();
    this.forgetFailures();
    await this.planNow();
    if (data !== null) this.events.onChosen();
  }

  private async planNow(): Promise<void> {
    const found: FileOnDisk[] = [];
    const missing: Wanted[] = [];
    for (const wanted of this.wanted()) {
      const { relativePath, task, watch } = wanted;
      const file = await findFeatureFile(this.folders.read, relativePath);
      if (file === null) missing.push(wanted);
      else found.push(toProbeFile({ path: task.path, epoch: watch.content?.epoch ?? null, step: watch.content?.step ?? null }, relativePath, file));
    }
    if (this.stopped) return;
    const shown = JSON.stringify(found);
    if (shown !== this.shown) {
      this.shown = shown;
      this.events.onFiles(found);
    }
    const keys = new Set(missing.map(({ key }) => key));
    // A probe may have come, or another checkpoint in the place of one.
    this.drop((key) => !keys.has(key));
    const { asked } = this;
    this.asked = false;
    for (const wanted of missing) this.queue(wanted, asked);
  }

  private wanted(): Wanted[] {
    const { data } = this;
    if (data === null) return [];
    const all = [...this.watches.values()];
    const checkpoints = all.flatMap((watch) => (watch.content?.kind === 'checkpoint' ? [{ watch, path: watch.path, ...watch.content }] : []));
    // The name of a probe that is still being looked at may tell its place, too.
    const recorded = all.filter((watch) => watch.disk.kind === 'probe' && !isResult(watch.path)).map(({ content, disk }) => content ?? disk);
    return withoutProbes(checkpoints, recorded).map(({ watch, fingerprint, epoch, step }) => {
      const relativePath = this.pathOf(watch.path, fingerprint, data);
      const task = { kind: 'extract', file: watch.disk.absolutePath, path: watch.path, folder: this.run.folder, data, fingerprint } as const;
      return { watch, relativePath, key: `${this.run.id}\nfeatures\n${relativePath}`, moment: epoch ?? step ?? 0, task };
    });
  }

  private pathOf(checkpoint: string, fingerprint: string, data: ProbeData): string {
    const key = `${checkpoint}\n${fingerprint}`;
    const known = this.paths.get(key) ?? featurePath(checkpoint, fingerprint, data);
    this.paths.set(key, known);
    return known;
  }

  private queue(wanted: Wanted, asked: boolean): void {
    const { watch, key, moment } = wanted;
    if (this.around.extractor() === null || this.dataProblem !== null || this.declined.has(key) || !(asked || this.around.measureAutomatically())) return;
    const quarantined = this.around.suspects.quarantineReason(key);
    if (quarantined !== null) {
      this.fail(watch, key, { file: watch.path, place: '', reason: `its model ${quarantined}`, severity: 'error' });
      return;
    }
    this.around.queue.add({
      key,
      runId: this.run.id,
      asked,
      alone: this.around.suspects.isSuspect(key),
      exclusive: 'model',
      precedence: 1,
      runRank: this.rank,
      rank: moment,
      title: `features of ${watch.path}`,
      run: (signal) => this.extract(wanted, asked, signal),
    });
  }

  private async extract({ watch, task, relativePath, key }: Wanted, asked: boolean, signal: AbortSignal): Promise<void> {
    const { queue, suspects } = this.around;
    suspects.begin(key);
    try {
      const targets = this.folders.write.map((folder) => path.join(folder, relativePath));
      await this.around.extractor()?.extract({ ...task, targets }, signal, (done, images) => queue.tell(key, `${done} of ${images} images`));
      if (asked) this.events.onAsked(`${resultsFolder}/${relativePath}`);
    } catch (error) {
      if (!signal.aborted) this.fail(watch, key, toProblem(watch.path, error));
    } finally {
      suspects.end(key);
      if (!signal.aborted) void this.plan();
    }
  }

  private fail(watch: TensorWatch, key: string, problem: FileProblem): void {
    this.declined.add(key);
    // Files of the run go by relative paths; of what was chosen by whole ones.
    if (!path.isAbsolute(problem.file)) this.show(watch, problem);
    else {
      this.dataProblem = problem;
      this.drop();
      this.events.onProblems();
    }
    this.around.log('warn', `${this.run.runName}/${[problem.file, problem.place, problem.reason].filter((part) => part !== '').join(', ')}`);
  }

  private show(watch: TensorWatch, problem: FileProblem | null): void {
    if (watch.featuresProblem === problem) return;
    watch.featuresProblem = problem;
    if (watch.content !== null) watch.show(this.run.stateOf(watch.path) ?? 'found');
  }
}

/** What went wrong, at the file that it is about: a checkpoint that does not fit, images that cannot be read. */
function toProblem(checkpoint: string, error: unknown): FileProblem {
  if (!(error instanceof FormatError)) return { file: checkpoint, place: '', reason: `its model could not be run: ${error instanceof Error ? error.message : String(error)}`, severity: 'error' };
  const { file, place, reason } = error;
  return { file, place, reason, severity: 'error' };
}
