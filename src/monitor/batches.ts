import type { Clock } from './clock';

/** Gathers changes and acts on them together: a change is acted on at most `interval` milliseconds later, and not more often than that. */
export class Batches {
  private timer: { cancel(): void } | null = null;
  private last = -Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly interval: number,
    private readonly act: () => void,
  ) {}

  /** Something changed. The first change after a quiet time is acted on soon, so that it is seen at once. */
  add(): void {
    if (this.timer !== null) return;
    const wait = Math.min(this.interval, Math.max(20, this.last + this.interval - this.clock.now()));
    this.timer = this.clock.after(wait, () => {
      this.timer = null;
      this.last = this.clock.now();
      this.act();
    });
  }

  /** Acts now if something is waiting. */
  flush(): void {
    if (this.timer === null) return;
    this.timer.cancel();
    this.timer = null;
    this.last = this.clock.now();
    this.act();
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }
}
