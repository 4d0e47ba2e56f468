import { stat } from 'node:fs/promises';
import type { LogFormat } from '../formats';
import type { FileProblem } from '../protocol';
import type { FileOnDisk, RunOnDisk } from '../runs';
import type { RecordStoreOptions } from '../store';
import { LogWatch } from './logWatch';
import { Measuring } from './measuring';
import { ProbeWatch } from './probeWatch';
import { RunState } from './runState';
import type { Surroundings } from './surroundings';

/** Older files are not polled one by one; a new look at the folders notices when they change. */
const youngMilliseconds = 10 * 60_000;

/** One run: follows its files and has its probes measured. */
export class RunWatch {
  readonly state: RunState;
  readonly measuring: Measuring;
  private readonly logs = new Map<string, LogWatch>();
  private readonly probes = new Map<string, ProbeWatch>();
  private readonly files = new Map<string, FileOnDisk>();
  private readonly looking = new Set<Promise<unknown>>();
  private folderProblems: readonly FileProblem[] = [];
  private engineProblem: FileProblem | null = null;

  /** Follows nothing before the first `update`. */
  constructor(
    run: Pick<RunOnDisk, 'id' | 'folder' | 'name'>,
    private readonly around: Surroundings,
    records: RecordStoreOptions,
    onChange: () => void,
  ) {
    this.state = new RunState(run.id, run.folder, run.name, onChange);
    this.measuring = new Measuring(this.state, this.probes, around, records, () => this.tellProblems());
  }

  /** Takes over what the folder holds now. */
  update(run: RunOnDisk): void {
    this.state.rename(run.name);
    this.folderProblems = run.problems;
    this.measuring.rank = Math.max(0, ...run.files.map(({ modified }) => modified));
    const present = new Map(run.files.map((file) => [file.path, file.kind]));
    for (const { path, kind } of [...this.files.values()]) if (present.get(path) !== kind) this.removeFile(path);
    // Newest checkpoint first: what somebody who watches wants to see.
    for (const file of [...run.files].reverse()) this.updateFile(file);
    this.tellProblems();
  }

  /** Resolves when every file was looked at that was found so far. */
  async looked(): Promise<void> {
    while (this.looking.size > 0) await Promise.all([...this.looking]);
  }

  async measure(again: boolean): Promise<void> {
    await this.looked();
    this.engineProblem = null;
    await this.measuring.measure(again);
    this.tellProblems();
  }

  /** Looks at everything anew. */
  async refresh(): Promise<void> {
    for (const { absolutePath } of this.files.values()) this.around.poller.hint(absolutePath);
    await this.measuring.refresh();
  }

  engineUnavailable(reason: string): void {
    this.engineProblem = this.measuring.isIncomplete()
      ? { file: '', place: '', reason: `nothing can be measured: ${reason}`, severity: 'error' }
      : null;
    this.tellProblems();
  }

  stop(): void {
    this.measuring.stop();
    for (const path of [...this.files.keys()]) this.removeFile(path);
  }

  private updateFile(file: FileOnDisk): void {
    const known = this.files.get(file.path);
    this.files.set(file.path, file);
    this.state.setFile(file);
    if (file.kind === 'log') this.followLog(file);
    else if (file.kind === 'probe') this.followProbe(file, known);
    else this.showFile(file);
  }

  /** A file that is only listed. One with a problem may still be being written: another look may find what it is. */
  private showFile(file: FileOnDisk): void {
    const { poller, rescan } = this.around;
    this.state.updateFile(file.path, { state: file.problem === null ? 'found' : 'problem', problems: file.problem === null ? [] : [file.problem] });
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

  private followLog(file: FileOnDisk): void {
    if (this.logs.has(file.path)) return;
    const format = this.around.registry.formats.find((each): each is LogFormat => each.id === file.formatId && each.kind === 'log');
    if (format === undefined) {
      this.showFile(file);
      return;
    }
    const log = new LogWatch(this.state, file, format, this.around.rescan);
    this.logs.set(file.path, log);
    this.lookAt(file.absolutePath, log.look());
    this.around.poller.add(file.absolutePath, file.modified, () => log.look());
  }

  private followProbe(file: FileOnDisk, known: FileOnDisk | undefined): void {
    let probe = this.probes.get(file.path);
    if (probe === undefined) {
      const { registry, gate, inspect, rescan } = this.around;
      probe = new ProbeWatch(this.state, file, {
        registry,
        gate,
        inspect,
        inspected: (which) => this.lookAt(which.disk.absolutePath, this.measuring.inspected(which)),
        voided: (which, content) => this.measuring.voided(which, content),
        missing: rescan,
      });
      this.probes.set(file.path, probe);
    }
    if (known?.bytes !== file.bytes || known.modified !== file.modified) this.lookAt(file.absolutePath, probe.look());
    const watched = probe;
    if (this.isYoung(file)) this.around.poller.add(file.absolutePath, file.modified, () => watched.look());
    else this.around.poller.remove(file.absolutePath);
  }

  private removeFile(path: string): void {
    const file = this.files.get(path);
    if (file === undefined) return;
    this.around.poller.remove(file.absolutePath);
    this.logs.get(path)?.stop();
    this.logs.delete(path);
    const probe = this.probes.get(path);
    this.probes.delete(path);
    probe?.stop();
    if (probe !== undefined && probe.content !== null) this.measuring.voided(probe, probe.content);
    this.files.delete(path);
    this.state.removeFile(path);
  }

  /** Remembers a look until it is finished; its errors are told, not thrown. */
  private lookAt(file: string, look: Promise<unknown>): void {
    const done = look
      .catch((error: unknown) => this.around.log('error', `${file}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`))
      .finally(() => this.looking.delete(done));
    this.looking.add(done);
  }

  private isYoung(file: FileOnDisk): boolean {
    return this.around.clock.now() - file.modified < youngMilliseconds;
  }

  private tellProblems(): void {
    this.state.setProblems([...(this.engineProblem === null ? [] : [this.engineProblem]), ...this.folderProblems, ...this.measuring.problems]);
  }
}
