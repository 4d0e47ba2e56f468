import type { RunDelta, RunDetail, RunPage, ScalarSeries, WorkerApi } from '../protocol';

type Reader = Pick<WorkerApi, 'openRun' | 'nextPage'>;

/**
 * Puts snapshots together that come page by page, and holds back what is told of their runs meanwhile, so that whoever listens gets the snapshot first
 * and then what changed since.
 */
export class OpenedRuns {
  private readonly held = new Map<string, RunDelta[]>();
  private readonly turns = new Map<string, Promise<unknown>>();

  /** @param release gets what was held back, after the snapshot was answered */
  constructor(private readonly release: (delta: RunDelta) => void) {}

  /** @returns whether the delta is held back for now. */
  holds(delta: RunDelta): boolean {
    const held = this.held.get(delta.runId);
    held?.push(delta);
    return held !== undefined;
  }

  /** A whole snapshot; one of a run at a time. */
  open(runId: string, reader: Reader): Promise<RunDetail> {
    const answer = (this.turns.get(runId) ?? Promise.resolve()).then(() => this.read(runId, reader));
    const turn: Promise<unknown> = answer
      .catch(() => undefined)
      .then(() => new Promise(setImmediate))
      .then(() => {
        if (this.turns.get(runId) === turn) this.turns.delete(runId);
      });
    this.turns.set(runId, turn);
    return answer;
  }

  private async read(runId: string, reader: Reader): Promise<RunDetail> {
    const { detail, ticket } = await reader.openRun(runId);
    // What was told before is in the snapshot; what is told from now on is not.
    this.held.set(runId, []);
    try {
      const pages: RunPage[] = [];
      for (let page = await reader.nextPage(ticket); page !== null; page = await reader.nextPage(ticket)) pages.push(page);
      return { ...detail, records: pages.flatMap(({ records }) => records), series: joinPieces(pages.flatMap(({ series }) => series)) };
    } finally {
      // Who waits for the snapshot goes on first.
      setImmediate(() => {
        const held = this.held.get(runId) ?? [];
        this.held.delete(runId);
        for (const delta of held) this.release(delta);
      });
    }
  }
}

/** The pieces of one quantity follow each other. */
function joinPieces(pieces: readonly ScalarSeries[]): ScalarSeries[] {
  const byKey = new Map<string, ScalarSeries[]>();
  for (const piece of pieces) {
    const key = JSON.stringify([piece.source, piece.tag]);
    const own = byKey.get(key);
    if (own) own.push(piece);
    else byKey.set(key, [piece]);
  }
  return [...byKey.values()].map(([first, ...others]) => {
    if (first === undefined || others.length === 0) return first as ScalarSeries;
    const all = [first, ...others];
    // `concat` copies blocks of memory.
    const join = (column: 'epochs' | 'steps' | 'values') => ([] as (number | null)[]).concat(...all.map((piece) => piece[column]));
    return { ...first, epochs: join('epochs'), steps: join('steps'), values: join('values'), nonFinite: all.reduce((sum, { nonFinite }) => sum + nonFinite, 0) };
  });
}
