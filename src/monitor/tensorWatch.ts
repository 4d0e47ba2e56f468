import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { FormatError, openFile, openTensors } from '../formats';
import type { FormatRegistry, TensorFile } from '../formats';
import type { FileProblem, RunFileState } from '../protocol';
import { checkpointOf, fingerprintOfFiles, probeOf } from '../runs';
import type { FileOnDisk, StabilityGate } from '../runs';
import type { RunState } from './runState';

/** What opening a probe or checkpoint told. */
export interface InspectedTensors {
  readonly kind: 'probe' | 'checkpoint';
  /** Of the file as it lay on disk when it was opened. */
  readonly fileVersion: string;
  /** Of its content. */
  readonly fingerprint: string;
  readonly epoch: number | null;
  readonly step: number | null;
  /** Shallow to deep. */
  readonly layers: readonly string[];
  /** The same for files that can be compared: checkpoints whose layers have the same names and shapes, probes of the same layers and samples. */
  readonly signature: string;
  readonly problems: readonly FileProblem[];
}

/**
 * Opens a file and says what is in it. Without `identify` (default true) its fingerprint is left empty: that is what takes the time.
 * @throws {FormatError} when the file cannot be read or, being a probe, is none.
 */
export async function inspectTensors(
  file: Pick<FileOnDisk, 'absolutePath' | 'path' | 'kind'>,
  registry: FormatRegistry,
  { identify = true }: { readonly identify?: boolean } = {},
): Promise<InspectedTensors> {
  const opened = await openTensors(file.absolutePath, registry, { name: file.path });
  try {
    const about = file.kind === 'checkpoint' ? describeCheckpoint(opened.file, file.path) : await describeProbe(opened.file, file.path);
    return { ...about, fileVersion: opened.source.version, fingerprint: identify ? await fingerprintOfFiles(opened.source, opened.siblings()) : '' };
  } finally {
    await opened.close();
  }
}

type Described = Omit<InspectedTensors, 'fileVersion' | 'fingerprint'>;

async function describeProbe(file: TensorFile, path: string): Promise<Described> {
  const { epoch, step, layers, problems, sampleSet } = await probeOf(file, path);
  const names = layers.map(({ name }) => name);
  return { kind: 'probe', epoch, step, layers: names, signature: signatureOf([sampleSet(), ...names]), problems };
}

function describeCheckpoint(file: TensorFile, path: string): Described {
  const { epoch, step, layers, problems } = checkpointOf(file, path);
  const signature = signatureOf(layers.map(({ name, shape }) => `${name} ${shape.join()}`));
  return { kind: 'checkpoint', epoch, step, layers: layers.map(({ name }) => name), signature, problems };
}

function signatureOf(lines: readonly string[]): string {
  return createHash('sha1').update(lines.join('\n')).digest('hex');
}

/** Whether the file is still the one that was inspected. */
export async function isUnchanged(absolutePath: string, fileVersion: string): Promise<boolean> {
  try {
    const source = await openFile(absolutePath);
    await source.close();
    return source.version === fileVersion;
  } catch {
    return false;
  }
}

/** What a followed file needs of the run and the monitor around it. */
export interface TensorSurroundings {
  readonly registry: FormatRegistry;
  readonly gate: StabilityGate;
  /** Runs a few inspections at once, not all: each reads a whole file. */
  inspect<Result>(action: () => Promise<Result>): Promise<Result>;
  /** Called when the content is known, or known to be another than before. */
  inspected(file: TensorWatch): void;
  /** Called when the content that was measured is no longer there. */
  voided(file: TensorWatch, content: InspectedTensors): void;
  /** Called when the file has gone. */
  missing(): void;
}

/** One probe or checkpoint file: waits until it is complete, opens it, notices when it is rewritten. */
export class TensorWatch {
  /** Null until the file could be opened. */
  content: InspectedTensors | null = null;
  /** Layers that could not be measured, of this content. */
  readonly failures = new Map<string, FileProblem>();
  /** Why its model could not be run, where somebody wanted that. */
  featuresProblem: FileProblem | null = null;
  /** Whether mere remarks are shown; checkpoints of one run would all make the same. */
  makesRemarks = true;
  private seen = '';
  private stopped = false;

  constructor(
    private readonly run: RunState,
    public disk: FileOnDisk,
    private readonly around: TensorSurroundings,
  ) {}

  get path(): string {
    return this.disk.path;
  }

  /** Looks at the file now. @returns whether it changed or is still being written. */
  async look(): Promise<boolean> {
    const { state, reason } = await this.around.gate.check(this.disk.absolutePath);
    if (this.stopped) return false;
    if (state === 'missing') {
      this.around.missing();
      return true;
    }
    if (state === 'waiting') {
      this.setWaiting(reason);
      return true;
    }
    const found = await stat(this.disk.absolutePath).catch(() => null);
    if (found === null || this.stopped) return true;
    const seen = `${found.size}-${found.mtimeMs}-${found.ino}`;
    if (seen === this.seen) return false;
    this.seen = seen;
    this.disk = { ...this.disk, bytes: found.size, modified: found.mtimeMs };
    this.run.setFile(this.disk);
    await this.around.inspect(() => this.inspect());
    return true;
  }

  /** Tells the views; `problems` are those of opening the file and of its layers. */
  show(state: RunFileState): void {
    const problems = (this.content?.problems ?? []).filter(({ severity }) => this.makesRemarks || severity !== 'info');
    this.run.updateFile(this.path, { state, problems: [...problems, ...this.failures.values(), ...(this.featuresProblem === null ? [] : [this.featuresProblem])] });
  }

  stop(): void {
    this.stopped = true;
    this.around.gate.forget(this.disk.absolutePath);
  }

  private setWaiting(reason: string): void {
    this.seen = '';
    // A file that is being written anew no longer holds what was measured.
    this.forgetContent();
    this.run.updateFile(this.path, { state: 'waiting', problems: [{ file: this.path, place: '', reason, severity: 'info' }] });
  }

  private forgetContent(): void {
    const { content } = this;
    this.content = null;
    this.failures.clear();
    this.featuresProblem = null;
    if (content !== null) this.around.voided(this, content);
  }

  private async inspect(): Promise<void> {
    if (this.stopped) return;
    try {
      const content = await inspectTensors(this.disk, this.around.registry);
      if (this.stopped) return;
      if (this.content?.fingerprint !== content.fingerprint) this.forgetContent();
      this.content = content;
      this.run.updateFile(this.path, { epoch: content.epoch, step: content.step, layers: content.layers });
      this.around.inspected(this);
    } catch (error) {
      if (this.stopped) return;
      if (!(error instanceof FormatError)) throw error;
      this.forgetContent();
      const { file, place, reason } = error;
      this.run.updateFile(this.path, { state: 'problem', layers: [], problems: [{ file, place, reason, severity: 'error' }] });
      // It may have been caught while it changed; then the next look finds another size or time.
    }
  }
}
