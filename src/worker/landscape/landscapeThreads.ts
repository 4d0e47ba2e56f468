import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { LandscapeEnd, LandscapeNews, LandscapeOrder, ModelFacts, ModelInspection, ModelProviderChoice, ModelProviderStatus } from '../../protocol';
import type { LandscapeFolders } from '../../store';
import type { FromLandscapeThread, LandscapeTask, LandscapeThreadData } from './landscapeMessages';

export interface LandscapeThreadsOptions {
  /** Absolute path of the bundled thread (`dist/landscapeThread.js`). */
  readonly threadPath: string;
  /** Threads inside one operation of a model; asked for with each landscape. */
  readonly threads: () => number;
  /** Where the points of a checkpoint's landscape are kept. */
  readonly foldersOf: (checkpoint: string) => LandscapeFolders | null;
  readonly onNews: (news: LandscapeNews) => void;
  /** Least milliseconds between two pieces of news of one landscape. Default 500. */
  readonly interval?: number;
  /** Limit of a thread's JavaScript heap in MiB; weights lie outside of it. Default 1024. */
  readonly heapMegabytes?: number;
}

interface Thread {
  /** Not 0: stop at the next checkpoint. */
  readonly cancel: Int32Array;
  readonly gone: Promise<void>;
}

type Last = Exclude<FromLandscapeThread, { readonly kind: 'news' }>;

/** Landscapes, one after the other, each in a thread of its own that ends by itself: one that is terminated inside the runtime takes the process with it. */
export class LandscapeThreads {
  private readonly cancelled = new Set<string>();
  private readonly known = new Set<string>();
  private readonly running = new Map<string, Thread>();
  private readonly threads = new Set<Thread>();
  private last: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(private readonly options: LandscapeThreadsOptions) {}

  /** Answers when the landscape ends, however it does. @throws {RangeError} when one of this id is being computed */
  async compute(id: string, order: LandscapeOrder): Promise<LandscapeEnd> {
    if (this.known.has(id)) throw new RangeError(`A landscape ${JSON.stringify(id)} is being computed.`);
    this.known.add(id);
    if (this.known.size > 1) this.options.onNews({ ...nothing(id), doing: 'waiting for another landscape' });
    const computed = this.last.then(() => this.computeNow(id, order));
    this.last = computed.catch(() => undefined);
    try {
      return await computed;
    } finally {
      this.known.delete(id);
      this.cancelled.delete(id);
    }
  }

  /** Also of one that is waiting. What was computed is kept. */
  cancel(id: string): void {
    if (!this.known.has(id)) return;
    this.cancelled.add(id);
    const thread = this.running.get(id);
    if (thread !== undefined) Atomics.store(thread.cancel, 0, 1);
  }

  async inspect(inspection: ModelInspection): Promise<ModelFacts> {
    const answer = await this.run({ kind: 'inspect', inspection });
    if (answer.kind === 'facts') return answer.facts;
    return { kind: 'failed', failure: failure(answer.kind === 'failed' ? answer.message : noAnswer) };
  }

  /** @throws {Error} when the thread was lost */
  async provider(choice: ModelProviderChoice): Promise<ModelProviderStatus> {
    const answer = await this.run({ kind: 'provider', choice });
    if (answer.kind === 'provider') return answer.status;
    throw new Error(answer.kind === 'failed' ? answer.message : noAnswer);
  }

  /** Cancels everything and waits until the threads have gone. */
  async close(): Promise<void> {
    this.closed = true;
    for (const thread of this.threads) Atomics.store(thread.cancel, 0, 1);
    await Promise.all([...this.threads].map(({ gone }) => gone));
  }

  private async computeNow(id: string, order: LandscapeOrder): Promise<LandscapeEnd> {
    let latest = nothing(id);
    if (this.closed || this.cancelled.has(id)) return { state: 'cancelled', news: latest, failure: null, problems: [], computed: 0 };
    const { foldersOf, threads, onNews, interval = 500 } = this.options;
    const folders = new Map(order.checkpoints.map((checkpoint) => [checkpoint, foldersOf(checkpoint)]));
    const answer = await this.run({ kind: 'compute', id, order, folders, threads: threads(), interval }, (news) => {
      latest = news;
      onNews(news);
    });
    if (answer.kind === 'end') return answer.end;
    return { state: 'failed', news: latest, failure: failure(answer.kind === 'failed' ? answer.message : noAnswer), problems: [], computed: 0 };
  }

  /** Starts a thread and answers with the last thing it says. */
  private run(task: LandscapeTask, onNews?: (news: LandscapeNews) => void): Promise<Last> {
    const cancel = new SharedArrayBuffer(4);
    const data: LandscapeThreadData = { task, cancel };
    return new Promise((resolve) => {
      const worker = new Worker(this.options.threadPath, {
        workerData: data,
        // A native library reads the process's environment, not a thread's copy of it.
        env: SHARE_ENV,
        resourceLimits: { maxOldGenerationSizeMb: this.options.heapMegabytes ?? 1024 },
      });
      let answer: Last = { kind: 'failed', message: 'the thread that computes was lost: it ended by itself' };
      worker.on('message', (message: FromLandscapeThread) => {
        if (message.kind === 'news') onNews?.(message.news);
        else answer = message;
      });
      worker.on('error', (error: Error & { readonly code?: string }) => {
        const why = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'it ran out of memory' : error.message;
        answer = { kind: 'failed', message: `the thread that computes was lost: ${why}` };
      });
      const gone = new Promise<void>((leave) => worker.once('exit', () => leave()));
      const thread: Thread = { cancel: new Int32Array(cancel), gone };
      this.threads.add(thread);
      if (task.kind === 'compute') {
        this.running.set(task.id, thread);
        if (this.closed || this.cancelled.has(task.id)) Atomics.store(thread.cancel, 0, 1);
      }
      // A session is freed before its thread ends: the next one is to find the memory.
      void gone.then(() => {
        this.threads.delete(thread);
        if (task.kind === 'compute') this.running.delete(task.id);
        resolve(answer);
      });
    });
  }
}

const noAnswer = 'the thread that computes gave no answer';

function nothing(id: string): LandscapeNews {
  return { id, surfaces: [], done: 0, total: 0, doing: '', model: null };
}

function failure(message: string): NonNullable<LandscapeEnd['failure']> {
  return { message, missing: [], extra: [], wrongShape: [] };
}
