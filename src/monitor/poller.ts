import type { Clock } from './clock';

/** How often a path is looked at, by how long it has been quiet; the first step's interval is the setting `pollInterval`. */
const quietSteps: readonly { readonly quietFor: number; readonly interval: number }[] = [
  { quietFor: 10_000, interval: 1_000 },
  { quietFor: 30_000, interval: 2_000 },
  { quietFor: 120_000, interval: 5_000 },
  { quietFor: 600_000, interval: 15_000 },
  { quietFor: Infinity, interval: 60_000 },
];
/** Without anybody looking, everything is looked at this many times less often. */
const unattendedFactor = 5;
/** Paths looked at at once: network drives answer slowly, but must not be flooded. */
const concurrency = 8;

/** Looks at one path. @returns whether it changed since the last look. */
export type Look = (path: string) => Promise<boolean>;

interface Watched {
  readonly path: string;
  readonly look: Look;
  lastChange: number;
  due: number;
  looking: boolean;
  /** A hint that came during a look: that look may have been too early. */
  again: boolean;
}

/**
 * Decides when to look at which path: often while it grows, less and less often when it is quiet, at once after a hint.
 * File events are such hints; the truth is what a look finds.
 */
export class Poller {
  private readonly watched = new Map<string, Watched>();
  private timer: { cancel(): void } | null = null;
  private timerDue = Infinity;
  private attended = true;
  private running = 0;
  private interval = 1000;
  private stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly onError: (path: string, error: unknown) => void,
  ) {}

  /** Poll interval of a growing path, in milliseconds. */
  setInterval(interval: number): void {
    this.interval = interval;
    this.reschedule();
  }

  setAttention(attended: boolean): void {
    if (this.attended === attended) return;
    this.attended = attended;
    this.reschedule();
  }

  /** @param lastChange when the path last changed as far as known (its mtime), so that an old file starts as a quiet one. */
  add(path: string, lastChange: number, look: Look): void {
    if (this.watched.has(path)) return;
    const entry: Watched = { path, look, lastChange, due: 0, looking: false, again: false };
    entry.due = this.clock.now() + this.intervalOf(entry);
    this.watched.set(path, entry);
    this.arm();
  }

  has(path: string): boolean {
    return this.watched.has(path);
  }

  remove(path: string): void {
    this.watched.delete(path);
  }

  /** Looks now, if the path is watched. */
  hint(path: string): void {
    const entry = this.watched.get(path);
    if (entry === undefined) return;
    if (entry.looking) entry.again = true;
    entry.due = this.clock.now();
    this.arm();
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.timer = null;
    this.watched.clear();
  }

  private intervalOf(entry: Watched): number {
    const quiet = this.clock.now() - entry.lastChange;
    const step = quietSteps.find(({ quietFor }) => quiet < quietFor)?.interval ?? 60_000;
    const interval = step === 1_000 ? this.interval : Math.max(step, this.interval);
    return this.attended ? interval : interval * unattendedFactor;
  }

  private reschedule(): void {
    for (const entry of this.watched.values()) entry.due = Math.min(entry.due, this.clock.now() + this.intervalOf(entry));
    this.arm();
  }

  private arm(): void {
    if (this.stopped || this.running >= concurrency) return;
    let next = Infinity;
    for (const entry of this.watched.values()) if (!entry.looking && entry.due < next) next = entry.due;
    if (this.timer !== null && this.timerDue === next) return;
    this.timer?.cancel();
    this.timer = null;
    this.timerDue = next;
    if (next === Infinity) return;
    this.timer = this.clock.after(Math.max(0, next - this.clock.now()), () => {
      this.timer = null;
      this.lookAtDue();
    });
  }

  private lookAtDue(): void {
    const now = this.clock.now();
    const due = [...this.watched.values()].filter((entry) => !entry.looking && entry.due <= now).sort((a, b) => a.due - b.due);
    for (const entry of due.slice(0, concurrency - this.running)) void this.lookAt(entry);
    this.arm();
  }

  private async lookAt(entry: Watched): Promise<void> {
    entry.looking = true;
    entry.again = false;
    this.running += 1;
    try {
      if (await entry.look(entry.path)) entry.lastChange = this.clock.now();
    } catch (error) {
      this.onError(entry.path, error);
    } finally {
      this.running -= 1;
      entry.looking = false;
      entry.due = this.clock.now() + (entry.again ? 0 : this.intervalOf(entry));
      this.arm();
    }
  }
}
