import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import { FormatError } from '../formats/byteSource';
import type { LabelSuggestions } from '../metrics';
import type { LayerMeasurement } from '../metrics/contract';
import type { CheckTask, ExtractTask, FeatureExtractor, LayerMeasurer, LayerStep, LayerTask, SuggestTask } from '../monitor';
import type { EngineChoice, EngineStatus, ModelProviderChoice } from '../protocol';
import type { ComputeAnswer, ComputeThreadData, FromComputeThread, ToComputeThread } from './computeMessages';
import { abortError, ExtractWork, LayerWork, type Piece, Work } from './work';

export interface ComputePoolOptions {
  /** Absolute path of the bundled compute thread (`dist/computeThread.js`). */
  readonly threadPath: string;
  /** 0: one per core, at most 4. Default 0. */
  readonly threads?: number;
  /** Default `auto`. */
  readonly engine?: EngineChoice;
  /** Folders in whose node_modules an engine may be that does not come with Layerscope. Default none. */
  readonly engineFolders?: readonly string[];
  /** On what models are run. Default `cpu`. */
  readonly modelProvider?: ModelProviderChoice;
  /** Threads inside one operation of a model. Default 1: it is run side by side with what else is measured. */
  readonly modelThreads?: number;
  /** Limit of one thread's JavaScript heap in MiB; typed arrays are outside of it. Default 512. */
  readonly heapMegabytes?: number;
}

/** More threads than this gain little and hold one layer in memory each. */
const maximumThreads = 4;
/**
 * Of a thread's heap, in MiB: below it there is no whole collection. V8 counts typed arrays to the heap and starts from a few MiB, so that it would collect a
 * dozen times for each layer, an eighth of the time.
 */
const heapBeforeCollection = 64;
/** Of the process: threads of two pools may load at the same time, too. */
const engineTurn = new SharedArrayBuffer(4);
/** A task is given to a second thread when the first one died with it, and then given up. */
const maximumAttempts = 2;

/** Compute threads for a setting: 0 is one per core, at most 4; never more than two per core, which would leave nothing to anybody else. */
export function computeThreadCount(setting: number, cores = availableParallelism()): number {
  return setting > 0 ? Math.min(setting, 2 * cores) : Math.min(maximumThreads, cores);
}

/** Compute threads behind the seams of `LayerMeasurer` and `FeatureExtractor`; a thread is started with the first task that needs it. */
export function createComputePool(options: ComputePoolOptions): LayerMeasurer & FeatureExtractor {
  return new ComputePool(options);
}

interface Thread {
  readonly worker: Worker;
  current: { readonly work: Work; readonly piece: Piece } | null;
  id: number;
  /** Why it died, told before its exit. */
  error: Error | null;
  readonly gone: Promise<void>;
}

class ComputePool implements LayerMeasurer, FeatureExtractor {
  private readonly threads = new Set<Thread>();
  /** What is not answered yet, in the order in which it was asked. */
  private readonly works = new Set<Work>();
  private readonly size: number;
  private engine: Promise<EngineStatus> | null = null;
  private closed = false;
  private pumping: NodeJS.Immediate | null = null;

  constructor(private readonly options: ComputePoolOptions) {
    this.size = computeThreadCount(options.threads ?? 0);
  }

  async measure(task: LayerTask, signal: AbortSignal, onStep?: (step: LayerStep) => void): Promise<readonly LayerMeasurement[]> {
    const answer = await this.ask((onEnd) => (task.kind === 'features' ? new LayerWork(task, onEnd, onStep) : new Work([{ kind: 'weights', task }], task, false, onEnd)), signal);
    return answer.kind === 'measured' ? answer.measurements : [];
  }

  async suggest(task: SuggestTask, signal: AbortSignal): Promise<LabelSuggestions> {
    // A person waits for it.
    const answer = await this.ask((onEnd) => new Work([{ kind: 'suggest', task }], task, true, onEnd), signal);
    if (answer.kind !== 'suggested') throw new Error('the compute thread gave no answer');
    return answer.suggestions;
  }

  async extract(task: ExtractTask, signal: AbortSignal, onProgress?: (done: number, images: number) => void): Promise<string> {
    const { modelProvider: provider = 'cpu', modelThreads: threads = 1 } = this.options;
    const answer = await this.ask((onEnd) => new ExtractWork({ kind: 'extract', task, provider, threads }, onEnd, onProgress), signal);
    if (answer.kind !== 'extracted') throw new Error('the compute thread gave no answer');
    return answer.file;
  }

  async check(task: CheckTask, signal: AbortSignal): Promise<void> {
    // A person waits for it.
    await this.ask((onEnd) => new Work([{ kind: 'check', task }], { file: task.path, layer: '' }, true, onEnd), signal);
  }

  engineStatus(): Promise<EngineStatus> {
    this.engine ??= this.ask((onEnd) => new Work([{ kind: 'engineStatus' }], null, true, onEnd)).then(
      (answer) => (answer.kind === 'engineStatus' ? answer.status : unavailable('the compute thread gave no answer')),
      (error: unknown) => {
        this.engine = null;
        return unavailable(error instanceof Error ? error.message : String(error));
      },
    );
    return this.engine;
  }

  /** Asks the threads to stop and waits for them. They are never terminated from outside: during a native call that ends the process. */
  async close(): Promise<void> {
    this.closed = true;
    for (const work of [...this.works]) work.fail(abortError());
    await Promise.all(
      [...this.threads].map(async (thread) => {
        post(thread, { kind: 'close' });
        await thread.gone;
      }),
    );
  }

  private ask(create: (onEnd: ConstructorParameters<typeof Work>[3]) => Work, signal?: AbortSignal): Promise<ComputeAnswer> {
    return new Promise((resolve, reject) => {
      if (this.closed || signal?.aborted === true) {
        reject(abortError());
        return;
      }
      const abort = (): void => work.fail(abortError());
      const work = create((result) => {
        signal?.removeEventListener('abort', abort);
        this.works.delete(work);
        if ('error' in result) reject(result.error);
        else resolve(result.answer);
      });
      if (signal !== undefined) {
        // One signal may stand for all layers of a run.
        setMaxListeners(0, signal);
        signal.addEventListener('abort', abort, { once: true });
      }
      this.works.add(work);
      // Whoever fills the threads does so in one turn of the loop: they are not to help with the first layer before the second is there.
      this.pumping ??= setImmediate(() => {
        this.pumping = null;
        this.pump();
      });
    });
  }

  /** Gives work to threads that have none, and starts threads as long as there is more. */
  private pump(): void {
    for (const thread of this.threads) if (thread.current === null) this.give(thread);
    while (!this.closed && this.threads.size < this.size && [...this.works].some(({ waiting }) => waiting.length > 0)) this.give(this.startThread());
  }

  private give(thread: Thread): void {
    const work = this.closed ? undefined : this.workFor(thread);
    const piece = work?.take(thread);
    if (!work || !piece) return;
    thread.current = { work, piece };
    thread.id += 1;
    post(thread, { kind: 'work', id: thread.id, request: piece.request, cancel: work.cancel.buffer as SharedArrayBuffer });
  }

  /** What is urgent, then what the thread has begun, then what nobody has begun, then a hand with what others have begun. */
  private workFor(thread: Thread): Work | undefined {
    const works = [...this.works].filter(({ waiting }) => waiting.length > 0);
    return works.find(({ isUrgent }) => isUrgent) ?? works.find(({ owner }) => owner === thread) ?? works.find(({ owner }) => owner === null) ?? works[0];
  }

  private startThread(): Thread {
    const { engine = 'auto', engineFolders = [] } = this.options;
    const data: ComputeThreadData = { engine, engineFolders, engineTurn };
    // Read when the isolate of a thread is made; the calling thread's own heap has its limits already.
    setFlagsFromString(`--initial-old-space-size=${String(heapBeforeCollection)}`);
    const worker = new Worker(this.options.threadPath, {
      workerData: data,
      // A native library reads the process's environment, not a thread's copy of it.
      env: SHARE_ENV,
      resourceLimits: { maxOldGenerationSizeMb: this.options.heapMegabytes ?? 512 },
    });
    let leave: () => void = () => undefined;
    const thread: Thread = { worker, current: null, id: 0, error: null, gone: new Promise((resolve) => (leave = resolve)) };
    worker.on('message', (message: FromComputeThread) => {
      if (message.kind === 'answer') this.answered(thread, message.id, message.answer);
      else if (message.id === thread.id) tellProgress(thread.current?.work, message);
    });
    worker.on('error', (error) => {
      thread.error = error instanceof Error ? error : new Error(String(error));
    });
    worker.on('exit', () => {
      leave();
      this.died(thread);
    });
    this.threads.add(thread);
    return thread;
  }

  private answered(thread: Thread, id: number, answer: ComputeAnswer): void {
    if (thread.current === null || id !== thread.id) return;
    const { work, piece } = thread.current;
    thread.current = null;
    work.answered(piece, answer);
    this.pump();
  }

  private died(thread: Thread): void {
    this.threads.delete(thread);
    for (const work of this.works) work.disown(thread);
    if (thread.current !== null) {
      const { work, piece } = thread.current;
      if (piece.attempts < maximumAttempts && !this.closed) work.lose(piece);
      else work.fail(lostError(work.about, thread.error));
    }
    this.pump();
  }
}

function post(thread: Thread, message: ToComputeThread): void {
  thread.worker.postMessage(message);
}

function tellProgress(work: Work | undefined, message: Exclude<FromComputeThread, { readonly kind: 'answer' }>): void {
  if (message.kind === 'step' && work instanceof LayerWork) work.stepped(message.metrics);
  if (message.kind === 'progress' && work instanceof ExtractWork) work.progressed(message.done, message.images);
}

function unavailable(reason: string): EngineStatus {
  return { name: 'unavailable', version: '', reason };
}

function lostError(about: Work['about'], cause: Error | null): Error {
  const outOfMemory = cause !== null && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
  const why = outOfMemory ? 'it ran out of memory' : (cause?.message ?? 'it ended by itself');
  const what = `the compute thread was lost ${maximumAttempts} times: ${why}`;
  return about === null ? new Error(what) : new FormatError(about.file, about.layer, what);
}
