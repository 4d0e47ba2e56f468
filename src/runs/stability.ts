import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { explainSystemError, FormatError, openFile, openTensors, type FormatRegistry } from '../formats';

export interface StabilityOptions {
  /** Milliseconds for which size and time of a file must not have changed. Default 1500. */
  readonly quietFor?: number;
  /** Milliseconds without a change after which an incomplete container counts as abandoned: reading it then says what is wrong. Default 30000. */
  readonly abandonedAfter?: number;
  /** Milliseconds since 1970. Default Date.now. */
  readonly now?: () => number;
}

/** ready: may be read. waiting: is still being written, ask again. missing: is not there, or may not be looked at. */
export interface StabilityState {
  readonly state: 'ready' | 'waiting' | 'missing';
  /** For people; empty when ready. */
  readonly reason: string;
}

interface Observed {
  readonly size: bigint;
  readonly mtime: bigint;
  readonly inode: bigint;
  /** When this size and time were first seen. */
  readonly since: number;
  /** Whether it changed under our eyes: only then is the clock of the file system not to be trusted. */
  readonly moving: boolean;
  readonly content: Content;
}

/** whole: complete by its own account. partial: a container that lacks something. opaque: does not say how long it should be. */
interface Content {
  readonly kind: 'whole' | 'partial' | 'opaque';
  readonly reason: string;
}

const ready: StabilityState = { state: 'ready', reason: '' };

/**
 * Decides whether a checkpoint or probe is complete. A container that is whole by its own account (lengths in the header, directory at the end)
 * is ready at once, as after a rename into place; otherwise size and time have to rest.
 */
export class StabilityGate {
  private readonly observed = new Map<string, Observed>();
  private readonly quietFor: number;
  private readonly abandonedAfter: number;
  private readonly now: () => number;

  constructor(
    private readonly registry: FormatRegistry,
    options: StabilityOptions = {},
  ) {
    this.quietFor = options.quietFor ?? 1500;
    this.abandonedAfter = options.abandonedAfter ?? 30_000;
    this.now = options.now ?? Date.now;
  }

  /** Looks at a file now. Never throws. */
  async check(path: string): Promise<StabilityState> {
    let current: Observed;
    try {
      current = await this.observe(path);
    } catch (error) {
      this.observed.delete(path);
      return { state: 'missing', reason: error instanceof FormatError ? error.reason : explainSystemError(error) };
    }
    if (current.content.kind === 'whole') {
      return ready;
    }
    const restedFor = this.now() - (current.moving ? current.since : Math.min(current.since, Number(current.mtime / 1_000_000n)));
    if (restedFor >= (current.content.kind === 'opaque' ? this.quietFor : this.abandonedAfter)) {
      return ready;
    }
    return { state: 'waiting', reason: `is still being written (${current.content.reason})` };
  }

  /** Forgets a file that is no longer of interest. */
  forget(path: string): void {
    this.observed.delete(path);
  }

  private async observe(path: string): Promise<Observed> {
    const stats = await stat(path, { bigint: true });
    const before = this.observed.get(path);
    if (before !== undefined && before.size === stats.size && before.mtime === stats.mtimeNs && before.inode === stats.ino) {
      return before;
    }
    const content = await this.contentOf(path);
    const current: Observed = { size: stats.size, mtime: stats.mtimeNs, inode: stats.ino, since: this.now(), moving: before !== undefined, content };
    this.observed.set(path, current);
    return current;
  }

  private async contentOf(path: string): Promise<Content> {
    if (!this.registry.candidates(basename(path)).some(({ kind }) => kind === 'tensors')) {
      return { kind: 'opaque', reason: 'it changed a moment ago' };
    }
    // Not being allowed to open it is no sign of writing.
    await (await openFile(path)).close();
    try {
      const opened = await openTensors(path, this.registry);
      await opened.close();
      return { kind: 'whole', reason: '' };
    } catch (error) {
      return { kind: 'partial', reason: error instanceof FormatError ? error.reason : explainSystemError(error) };
    }
  }
}
