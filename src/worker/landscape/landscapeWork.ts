import type { FileProblem, LandscapeEnd, LandscapeFailure, LandscapeNews, LandscapeSurface, ModelInUse } from '../../protocol';
import { computeLandscapes, type LandscapeProgress } from './computeLandscapes';
import { failureOf } from './inspectModel';
import type { LandscapeTask } from './landscapeMessages';
import { requestOf } from './landscapeOrder';

/** Thrown at a checkpoint of cancelled work. */
class Cancelled extends Error {}

export interface LandscapeWorkOptions {
  readonly isCancelled: () => boolean;
  readonly tell: (news: LandscapeNews) => void;
  /** Milliseconds; default: a clock that never goes back. */
  readonly now?: () => number;
}

/** One landscape being computed: tells what is known of it every now and then, and ends without throwing. */
export class LandscapeWork {
  private readonly finished: LandscapeSurface[] = [];
  private latest: LandscapeProgress | null = null;
  private model: ModelInUse | null = null;
  private problems: readonly FileProblem[] = [];
  private computed = 0;
  private toldAt = -Infinity;

  constructor(
    private readonly task: LandscapeTask & { readonly kind: 'compute' },
    private readonly options: LandscapeWorkOptions,
  ) {}

  async run(): Promise<LandscapeEnd> {
    const { order, folders, threads } = this.task;
    const request = requestOf(order);
    this.tell('reading the images and the model');
    try {
      const result = await computeLandscapes({
        ...request,
        session: { ...request.session, threads },
        folderOf: (checkpoint) => Promise.resolve(folders.get(checkpoint) ?? null),
        checkpoint: () => {
          if (this.options.isCancelled()) throw new Cancelled();
        },
        onModel: ({ label, provider, passedOver }) => {
          this.model = { model: label, choice: order.provider, provider, passedOver: passedOver.map((error) => ({ provider: error.provider, reason: error.reason })) };
          this.tell('computing the first points');
        },
        onProgress: (progress) => this.progressed(progress),
      });
      this.finished.splice(0, Infinity, ...result.surfaces);
      this.latest = null;
      this.problems = result.problems;
      this.computed = result.computed;
      return this.end('finished', null);
    } catch (error) {
      return error instanceof Cancelled ? this.end('cancelled', null) : this.end('failed', failureOf(error));
    }
  }

  private progressed(progress: LandscapeProgress): void {
    this.latest = progress;
    if (progress.done === progress.total) {
      this.finished.push(progress.current());
      this.computed += progress.computed;
      this.latest = null;
    }
    const now = this.options.now ?? (() => performance.now());
    if (now() - this.toldAt < this.task.interval) return;
    const { surface, surfaces, name } = progress;
    this.tell(surfaces > 1 ? `surface ${surface + 1} of ${surfaces}: ${name}` : name);
  }

  private tell(doing: string): void {
    this.toldAt = (this.options.now ?? (() => performance.now()))();
    this.options.tell(this.news(doing));
  }

  private news(doing: string): LandscapeNews {
    const { latest, finished, model } = this;
    const surfaces = latest === null ? [...finished] : [...finished, latest.current()];
    const points = surfaces.at(-1)?.loss.length ?? 0;
    const count = this.task.order.directions === 'random' ? this.task.order.checkpoints.length : 1;
    return { id: this.task.id, surfaces, done: finished.length * points + (latest?.done ?? 0), total: count * points, doing, model };
  }

  private end(state: LandscapeEnd['state'], failure: LandscapeFailure | null): LandscapeEnd {
    return { state, news: this.news(''), failure, problems: this.problems, computed: this.computed + (this.latest?.computed ?? 0) };
  }
}
