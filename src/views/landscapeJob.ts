import { randomUUID } from 'node:crypto';
import type { LandscapeEnd, LandscapeFailure, LandscapeNews, LandscapeOrder, LandscapeProgressState, LandscapeSurface, ModelInUse } from '../protocol';
import { messageOf } from './messageOf';

/** Who computes: the session. */
export interface LandscapeService {
  computeLandscape(id: string, order: LandscapeOrder, onNews: (news: LandscapeNews) => void): Promise<LandscapeEnd>;
  cancelLandscape(id: string): Promise<void>;
}

/** Points along an axis; a finer surface takes hours and shows no more. As the command line has it. */
const finest = { random: 51, trajectory: 51, line: 1001 } as const;

/** One landscape of a panel: what was asked for, what is known of it, and whether somebody computes it now. */
export class LandscapeJob {
  /** Called after each change of what the job answers. */
  onChange: () => void = () => undefined;
  #state: LandscapeProgressState['state'] = 'interrupted';
  #id: string | null = null;
  #done = 0;
  #total = 0;
  #doing = '';
  #failure: LandscapeFailure | null = null;
  #problems: readonly string[] = [];
  #model: ModelInUse | null = null;

  constructor(
    private readonly service: LandscapeService,
    private shownOrder: LandscapeOrder,
    /** What was known of it when it was stopped. */
    private shownSurfaces: readonly LandscapeSurface[] = [],
  ) {
    const known = shownSurfaces.reduce((sum, { loss }) => sum + loss.filter((value) => value !== null).length, 0);
    this.#done = known;
    this.#total = shownSurfaces.reduce((sum, { loss }) => sum + loss.length, 0);
    if (known > 0 && shownSurfaces.length === surfacesOf(shownOrder) && shownSurfaces.every(isComplete)) this.#state = 'finished';
    else this.#doing = 'the window was reloaded';
  }

  get order(): LandscapeOrder {
    return this.shownOrder;
  }

  get surfaces(): readonly LandscapeSurface[] {
    return this.shownSurfaces;
  }

  get progress(): LandscapeProgressState {
    return {
      state: this.#state, done: this.#done, total: this.#total, doing: this.#doing, failure: this.#failure, problems: this.#problems, model: this.#model,
      finer: this.#state === 'finished' ? finerGrid(this.shownOrder) : null,
    };
  }

  /** Computes what is not known yet; points that were kept are found again. Resolves when it has ended, however it does. */
  async start(): Promise<void> {
    if (this.#id !== null) return;
    const id = randomUUID();
    this.#id = id;
    this.#change({ state: 'starting', doing: '', failure: null, problems: [] });
    try {
      const end = await this.service.computeLandscape(id, this.shownOrder, (news) => {
        if (this.#id === id) this.#take(news);
      });
      this.#take(end.news);
      this.#id = null;
      this.#change({ state: end.state, doing: '', failure: end.failure, problems: end.problems.map(({ file, reason }) => `${file}: ${reason}`) });
    } catch (error) {
      this.#id = null;
      this.#change({ state: 'interrupted', doing: messageOf(error).replace(/\.$/, '') });
    }
  }

  /** What was computed is kept. */
  cancel(): void {
    if (this.#id === null || this.#state === 'cancelling') return;
    this.#change({ state: 'cancelling' });
    this.service.cancelLandscape(this.#id).catch(() => undefined);
  }

  /** Asks for a grid twice as fine, as far as there is one; the coarse one stays visible until the first points of the finer are there. */
  async refine(): Promise<void> {
    const grid = finerGrid(this.shownOrder);
    if (grid !== null) await this.restart({ grid });
  }

  /** Begins anew with another order. */
  async restart(change: Partial<LandscapeOrder>): Promise<void> {
    if (this.#id !== null) return;
    this.shownOrder = { ...this.shownOrder, ...change };
    await this.start();
  }

  /** Shows why it cannot even begin. */
  fail(failure: LandscapeFailure): void {
    this.#change({ state: 'failed', failure });
  }

  #take({ surfaces, done, total, doing, model }: LandscapeNews): void {
    // A finer grid begins with less than is shown: that is taken once it says more than nothing.
    if (surfaces.length > 0) this.shownSurfaces = surfaces;
    this.#model = model ?? this.#model;
    this.#done = done;
    this.#total = total;
    this.#doing = doing;
    if (this.#state === 'starting' && this.#id !== null) this.#state = 'computing';
    this.onChange();
  }

  #change(change: Partial<Pick<LandscapeProgressState, 'state' | 'doing' | 'failure' | 'problems'>>): void {
    this.#state = change.state ?? this.#state;
    this.#doing = change.doing ?? this.#doing;
    this.#failure = change.failure === undefined ? this.#failure : change.failure;
    this.#problems = change.problems ?? this.#problems;
    this.onChange();
  }
}

function surfacesOf({ directions, checkpoints }: LandscapeOrder): number {
  return directions === 'random' ? checkpoints.length : 1;
}

/** An unfinished surface has neither flatness nor convexity; a line only its points. */
function isComplete({ flatness, convex, loss }: LandscapeSurface): boolean {
  return flatness !== null || convex.length > 0 || loss.every((value) => value !== null);
}

/** The next grid that has all points of this one. */
function finerGrid({ grid, directions }: LandscapeOrder): number | null {
  const finer = 2 * grid - 1;
  return finer <= finest[directions] ? finer : null;
}
