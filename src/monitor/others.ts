import type { RecordStore } from '../store';
import type { Clock } from './clock';

/** Another process that has stored nothing for so long has ended, or will not be met: a single layer takes less. */
const restMilliseconds = 5 * 60_000;

/** Knows whether another process measures the same run: then records come that this one has not stored. */
export class Others {
  private added = 0;
  private seen = -Infinity;

  constructor(
    private readonly store: Pick<RecordStore, 'addedByOthers'>,
    private readonly clock: Clock,
  ) {}

  /** The records were read: takes notice of what others have added. */
  look(): void {
    if (this.store.addedByOthers === this.added) return;
    this.added = this.store.addedByOthers;
    this.seen = this.clock.now();
  }

  get areAtWork(): boolean {
    return this.clock.now() - this.seen < restMilliseconds;
  }
}
