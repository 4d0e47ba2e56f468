import type { Clock } from '../../../src/monitor/clock';

/** Time that passes only when told to. */
export class FakeClock implements Clock {
  private time: number;
  private timers: { readonly at: number; readonly callback: () => void }[] = [];

  constructor(start = 1_000_000) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  after(delay: number, callback: () => void): { cancel(): void } {
    const timer = { at: this.time + delay, callback };
    this.timers.push(timer);
    return { cancel: () => (this.timers = this.timers.filter((other) => other !== timer)) };
  }

  /** Lets time pass and gives every timer's work a chance to go on. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    for (;;) {
      const next = this.timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.time = Math.max(this.time, next.at);
      next.callback();
      for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    }
    this.time = end;
  }
}
