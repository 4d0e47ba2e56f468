import { setImmediate as nextTurn } from 'node:timers/promises';
import { diagnosedMetrics, diagnoseInSteps } from '../diagnosis';
import type { Steps } from '../diagnosis';
import type { Finding, LogLevel, MeasurementRecord } from '../protocol';
import type { Clock } from './clock';
import type { RunState } from './runState';

const watchedMetrics = new Set(diagnosedMetrics);
/** Looking for findings in a run takes at most this share of the time: one part in so many. */
const pauseFactor = 20;
/** So long it goes on before others get a turn: a run of hundreds of checkpoints has tens of thousands of records. */
const turnMilliseconds = 10;

/** Looks for findings in runs whose records have changed: at once where that takes no longer than a turn; in one with many records not each time, but some time later. */
export class Diagnoses {
  private readonly due = new WeakMap<RunState, number>();
  /** Looked at in turns, or to be looked at later. */
  private readonly waiting = new Set<RunState>();

  constructor(
    private readonly clock: Clock,
    private readonly log: (level: LogLevel, message: string) => void,
    /** Called when a run should be looked at (again) that could not be when it was asked for. */
    private readonly onDue: (run: RunState) => void,
  ) {}

  look(run: RunState): void {
    if (!run.haveRecordsChanged || this.waiting.has(run)) return;
    this.waiting.add(run);
    const wait = (this.due.get(run) ?? -Infinity) - this.clock.now();
    if (wait > 0) this.clock.after(wait, () => this.askAgain(run));
    else void this.search(run);
  }

  /** The run has gone. */
  forget(run: RunState): void {
    this.waiting.delete(run);
  }

  private async search(run: RunState): Promise<void> {
    run.takeRecordsChanged();
    const steps = findingsOf(run.recordsOfSources());
    let worked = 0;
    let isAtOnce = true;
    try {
      for (let findings: readonly Finding[] | null = null; findings === null; ) {
        const begin = this.clock.now();
        do {
          const step = steps.next();
          if (step.done === true) findings = step.value;
        } while (findings === null && this.clock.now() - begin < turnMilliseconds);
        worked += this.clock.now() - begin;
        if (findings !== null) run.setFindings(findings);
        else await nextTurn();
        if (!this.waiting.has(run)) return;
        isAtOnce &&= findings !== null;
      }
    } catch (error) {
      this.log('error', `${run.runName} could not be diagnosed: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.due.set(run, this.clock.now() + worked * pauseFactor);
    if (isAtOnce) this.waiting.delete(run);
    else this.askAgain(run);
  }

  private askAgain(run: RunState): void {
    if (this.waiting.delete(run)) this.onDue(run);
  }
}

function* findingsOf(sources: readonly (readonly MeasurementRecord[])[]): Steps<Finding[]> {
  const watched: MeasurementRecord[] = [];
  // The other metrics are most of the records.
  for (const records of sources) {
    for (const record of records) if (watchedMetrics.has(record.metric)) watched.push(record);
    yield;
  }
  return yield* diagnoseInSteps(watched);
}
