import type { MeasureProgress } from '../protocol';

/** One thing to do, for example one layer of one probe. */
export interface Job {
  /** Jobs of one key are one job. */
  readonly key: string;
  readonly runId: string;
  /** Asked for by a person: goes ahead of what was queued automatically. */
  readonly asked: boolean;
  /** The lower the sooner among asked-for and among automatic jobs: probes before weights, as they say more. Default 0. */
  readonly precedence?: number;
  /** The higher the sooner among jobs of one kind, for example when the run last changed. */
  readonly runRank: number;
  /** The higher the sooner within a run. Asked for each time a job is chosen: it may change while the job waits. */
  readonly rank: number;
  /** Runs after all others and with none beside it: it may end the process. Default false. */
  readonly alone?: boolean;
  /** Of several jobs that name the same, one runs at a time. Default: none. */
  readonly exclusive?: string;
  /** What is done, in words. */
  readonly title: string;
  /** Must settle soon after `signal` is aborted; errors are its own business. */
  run(signal: AbortSignal): Promise<void>;
}

interface Active {
  readonly job: Job;
  readonly controller: AbortController;
  /** Where it is, in words. */
  place: string;
}

interface Count {
  done: number;
  total: number;
}

/** Runs jobs, a few at once: asked-for before automatic, newest run first. Keeps count for the progress of each run. */
export class JobQueue {
  private readonly queued = new Map<string, Job>();
  private readonly active = new Map<string, Active>();
  private readonly counts = new Map<string, Count>();
  private readonly idleWaiters: (() => void)[] = [];
  private latest: Job | null = null;
  private pumpPlanned = false;

  constructor(
    private concurrency: number,
    /** Called after every change of `progress`. */
    private readonly onChange: () => void,
  ) {}

  setConcurrency(concurrency: number): void {
    this.concurrency = concurrency;
    this.pump();
  }

  /**
   * Adds a job unless it is queued or running already; an asked-for one lifts its automatic twin.
   * One that was cancelled and has not ended yet may be added anew; it waits for its end.
   */
  add(job: Job): void {
    if (this.active.get(job.key)?.controller.signal.aborted === false) return;
    const twin = this.queued.get(job.key);
    if (twin !== undefined) {
      if (job.asked && !twin.asked) this.queued.set(job.key, job);
      return;
    }
    this.queued.set(job.key, job);
    this.countOf(job.runId).total += 1;
    if (this.pumpPlanned) return;
    // Several jobs are added in one go; the first to run must be the best of all of them.
    this.pumpPlanned = true;
    queueMicrotask(() => {
      this.pumpPlanned = false;
      this.pump();
    });
  }

  /**
   * Drops waiting jobs and aborts running ones; of all runs when `runId` is null. A filter narrows it to some keys.
   * @returns the keys.
   */
  cancel(runId: string | null, accept: (key: string) => boolean = () => true): string[] {
    const cancelled: string[] = [];
    for (const job of [...this.queued.values()]) {
      if ((runId !== null && job.runId !== runId) || !accept(job.key)) continue;
      this.queued.delete(job.key);
      this.countOf(job.runId).total -= 1;
      cancelled.push(job.key);
    }
    for (const { job, controller } of this.active.values()) {
      if ((runId !== null && job.runId !== runId) || !accept(job.key)) continue;
      controller.abort();
      cancelled.push(job.key);
    }
    this.settle();
    return cancelled;
  }

  /** Tells where a running job is, in words that follow its title. */
  tell(key: string, place: string): void {
    const active = this.active.get(key);
    if (active === undefined) return;
    active.place = place;
    this.latest = active.job;
    this.onChange();
  }

  /** Of the run whose job was started last, or told last where it is; null when nothing waits or runs. */
  progress(): MeasureProgress | null {
    const job = this.latest;
    if (job === null) return null;
    const { done, total } = this.countOf(job.runId);
    const place = this.active.get(job.key)?.place ?? '';
    return { runId: job.runId, done, total, current: place === '' ? job.title : `${job.title}: ${place}` };
  }

  /** Resolves when nothing waits or runs. */
  async idle(): Promise<void> {
    while (this.queued.size > 0 || this.active.size > 0) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
  }

  private countOf(runId: string): Count {
    let count = this.counts.get(runId);
    if (count === undefined) this.counts.set(runId, (count = { done: 0, total: 0 }));
    return count;
  }

  private pump(): void {
    while (this.active.size < this.concurrency && ![...this.active.values()].some(({ job }) => job.alone)) {
      const exclusives = new Set([...this.active.values()].map(({ job }) => job.exclusive));
      const ready = [...this.queued.values()].filter(({ key, exclusive }) => !this.active.has(key) && (exclusive === undefined || !exclusives.has(exclusive)));
      if (ready.length === 0) break;
      const job = ready.reduce((best, each) => (compareJobs(each, best) < 0 ? each : best));
      if (job.alone && this.active.size > 0) break;
      this.queued.delete(job.key);
      void this.start(job);
    }
    this.settle();
  }

  private async start(job: Job): Promise<void> {
    const controller = new AbortController();
    this.active.set(job.key, { job, controller, place: '' });
    this.latest = job;
    try {
      await job.run(controller.signal);
    } finally {
      this.active.delete(job.key);
      this.countOf(job.runId).done += 1;
      this.pump();
    }
  }

  /** Forgets the counts of runs that are finished, so that their next progress starts at 0. */
  private settle(): void {
    for (const [runId, { done, total }] of [...this.counts]) if (done >= total) this.counts.delete(runId);
    if (this.latest !== null && !this.active.has(this.latest.key)) {
      this.latest = [...this.active.values()].at(-1)?.job ?? this.queued.values().next().value ?? null;
    }
    if (this.queued.size === 0 && this.active.size === 0) for (const resolve of this.idleWaiters.splice(0)) resolve();
    this.onChange();
  }
}

function compareJobs(a: Job, b: Job): number {
  return Number(a.alone ?? false) - Number(b.alone ?? false) || Number(b.asked) - Number(a.asked) || (a.precedence ?? 0) - (b.precedence ?? 0) || b.runRank - a.runRank || b.rank - a.rank;
}
