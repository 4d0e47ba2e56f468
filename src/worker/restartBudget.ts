/** Restarts allowed within `windowMilliseconds`; one more means that restarting does not help. */
export const maximumRestarts = 3;
const windowMilliseconds = 60_000;
/** Waiting time before the first, second and third restart of a window: a crash at start-up must not spin. */
const backOff: readonly number[] = [200, 1_000, 4_000];

/** Decides whether a process that died is started again, and when. */
export class RestartBudget {
  private restarts: number[] = [];

  constructor(private readonly now: () => number = Date.now) {}

  /** @returns milliseconds to wait before the restart, or null when the budget is spent. */
  take(): number | null {
    const now = this.now();
    this.restarts = this.restarts.filter((time) => now - time < windowMilliseconds);
    const wait = backOff[this.restarts.length];
    if (this.restarts.length >= maximumRestarts || wait === undefined) return null;
    this.restarts.push(now);
    return wait;
  }

  reset(): void {
    this.restarts = [];
  }
}
