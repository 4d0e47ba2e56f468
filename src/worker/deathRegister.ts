import type { SuspectLayer } from '../protocol';

/** From so many deaths on a layer is left alone (`Suspects` in the monitor says so); a person who asks gets one more try. */
const mostDeaths = 2;

/** Remembers, across the lives of the worker process, which layers were in work when it died. */
export class DeathRegister {
  private inWork: ReadonlySet<string> = new Set();
  private readonly deaths = new Map<string, number>();

  /** The layers that are in work from now on. What was finished has survived. */
  work(keys: readonly string[]): void {
    const now = new Set(keys);
    for (const key of this.inWork) if (!now.has(key)) this.deaths.delete(key);
    this.inWork = now;
  }

  /** The process died by itself. @returns whether a layer is now known to be the cause, so that the next process will not meet it. */
  died(): boolean {
    let isExplained = false;
    for (const key of this.inWork) {
      const deaths = (this.deaths.get(key) ?? 0) + 1;
      this.deaths.set(key, deaths);
      isExplained ||= deaths >= mostDeaths;
    }
    this.inWork = new Set();
    return isExplained;
  }

  /** The process was stopped: nobody is to blame. */
  stopped(): void {
    this.inWork = new Set();
  }

  /** A person asks for the layers of a run: those that were given up get one more try. @returns whether there were any. */
  forgive(runId: string): boolean {
    let isAny = false;
    for (const [key, deaths] of this.deaths) {
      if (!key.startsWith(`${runId}\n`) || deaths < mostDeaths) continue;
      this.deaths.set(key, mostDeaths - 1);
      isAny = true;
    }
    return isAny;
  }

  suspects(): SuspectLayer[] {
    return [...this.deaths].map(([key, deaths]) => ({ key, deaths }));
  }
}
