import type { RunPage } from '../protocol';

/** Snapshots that are fetched at the same time; of more, whoever began the oldest has gone. */
const mostSnapshots = 16;

/** Snapshots of runs that are fetched page by page, by ticket. */
export class Snapshots {
  private readonly pages = new Map<number, IterableIterator<RunPage>>();
  private last = 0;

  /** @returns the ticket. */
  add(pages: IterableIterator<RunPage>): number {
    this.last += 1;
    this.pages.set(this.last, pages);
    const [oldest] = this.pages.keys();
    if (this.pages.size > mostSnapshots && oldest !== undefined) this.pages.delete(oldest);
    return this.last;
  }

  /** The next page, null after the last one. @throws {RangeError} when there is no such snapshot (any more). */
  next(ticket: number): RunPage | null {
    const pages = this.pages.get(ticket);
    if (pages === undefined) throw new RangeError(`There is no snapshot ${ticket} (any more).`);
    const next = pages.next();
    if (next.done !== true) return next.value;
    this.pages.delete(ticket);
    return null;
  }
}
