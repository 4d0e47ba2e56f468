import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { FormatError } from '../formats/byteSource';
import { EngineUnavailable } from '../linalg/engineUnavailable';
import type { LayerMeasurement } from '../metrics/contract';
import type { LayerMeasurer, LayerTask } from '../monitor';
import type { EngineStatus } from '../protocol';
import { spreadFamilies } from './spreadFamilies';
import type { ComputeFailure, ComputeThreadData, FromComputeThread, ToComputeThread } from './computeMessages';

export interface ComputePoolOptions {
  /** Absolute path of the bundled compute thread (`dist/computeThread.js`). */
  readonly threadPath: string;
  /** 0: one per core, at most 4. Default 0. */
  readonly threads?: number;
  /** Default `auto`. */
  readonly engine?: 'auto' | 'onnxruntime';
  /** Limit of one thread's JavaScript heap in MiB; typed arrays are outside of it. Default 512. */
  readonly heapMegabytes?: number;
}

/** More threads than this gain little and hold one layer in memory each. */
const maximumThreads = 4;
/** A task is given to a second thread when the first one died with it, and then given up. */
const maximumAttempts = 2;

/** Compute threads for a setting: 0 is one per core, at most 4. */
export function computeThreadCount(setting: number): number {
  return setting > 0 ? setting : Math.min(maximumThreads, availableParallelism());
}

/** Compute threads behind the `LayerMeasurer` seam; a thread is started with the first task that needs it. */
export function createComputePool(options: ComputePoolOptions): LayerMeasurer {
  const pool = new ComputePool(options);
  return computeThreadCount(options.threads ?? 0) > 1 ? spreadFamilies(pool) : pool;
}

type Request = { readonly kind: 'measure'; readonly task: LayerTask } | { readonly kind: 'engineStatus' };

interface Pending {
  readonly request: Request;
  readonly cancel: Int32Array;
  attempts: number;
  /** The caller was answered already (aborted); the thread may still be at it. */
  settled: boolean;
  readonly resolve: (answer: FromComputeThread) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  current: Pending | null;
  id: number;
  /** Why it died, told before its exit. */
  error: Error | null;
  readonly gone: Promise<void>;
}

class ComputePool implements LayerMeasurer {
  private readonly threads = new Set<Thread>();
  private readonly waiting: Pending[] = [];
  private readonly size: number;
  private engine: Promise<EngineStatus> | null = null;
  private closed = false;

  constructor(private readonly options: ComputePoolOptions) {
    this.size = computeThreadCount(options.threads ?? 0);
  }

  async measure(task: LayerTask, signal: AbortSignal): Promise<readonly LayerMeasurement[]> {
    const answer = await this.ask({ kind: 'measure', task }, signal);
    return answer.kind === 'measured' ? answer.measurements : [];
  }

  engineStatus(): Promise<EngineStatus> {
    this.engine ??= this.ask({ kind: 'engineStatus' }).then(
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
    for (const pending of this.waiting.splice(0)) this.fail(pending, abortError());
    await Promise.all(
      [...this.threads].map(async (thread) => {
        if (thread.current !== null) {
          Atomics.store(thread.current.cancel, 0, 1);
          this.fail(thread.current, abortError());
        }
        post(thread, { kind: 'close' });
        await thread.gone;
      }),
    );
  }

  private ask(request: Request, signal?: AbortSignal): Promise<FromComputeThread> {
    return new Promise((resolve, reject) => {
      if (this.closed || signal?.aborted === true) {
        reject(abortError());
        return;
      }
      const abort = (): void => this.abort(pending);
      const settling = <Value>(settle: (value: Value) => void) => (value: Value): void => {
        signal?.removeEventListener('abort', abort);
        settle(value);
      };
      const pending: Pending = {
        request, cancel: new Int32Array(new SharedArrayBuffer(4)), attempts: 0, settled: false, resolve: settling(resolve), reject: settling(reject),
      };
      if (signal !== undefined) {
        // One signal may stand for all layers of a run.
        setMaxListeners(0, signal);
        signal.addEventListener('abort', abort, { once: true });
      }
      this.waiting.push(pending);
      this.pump();
    });
  }

  private abort(pending: Pending): void {
    Atomics.store(pending.cancel, 0, 1);
    const place = this.waiting.indexOf(pending);
    if (place !== -1) this.waiting.splice(place, 1);
    this.fail(pending, abortError());
  }

  private fail(pending: Pending, error: Error): void {
    if (pending.settled) return;
    pending.settled = true;
    pending.reject(error);
  }

  private pump(): void {
    while (this.waiting.length > 0 && !this.closed) {
      const free = [...this.threads].find((thread) => thread.current === null);
      if (free === undefined && this.threads.size >= this.size) return;
      const pending = this.waiting.shift();
      if (pending === undefined) return;
      this.give(free ?? this.startThread(), pending);
    }
  }

  private give(thread: Thread, pending: Pending): void {
    pending.attempts += 1;
    thread.current = pending;
    thread.id += 1;
    post(
      thread,
      pending.request.kind === 'measure'
        ? { kind: 'measure', id: thread.id, task: pending.request.task, cancel: pending.cancel.buffer as SharedArrayBuffer }
        : { kind: 'engineStatus', id: thread.id },
    );
  }

  private startThread(): Thread {
    const data: ComputeThreadData = { engine: this.options.engine ?? 'auto' };
    const worker = new Worker(this.options.threadPath, {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: this.options.heapMegabytes ?? 512 },
    });
    let leave: () => void = () => undefined;
    const thread: Thread = { worker, current: null, id: 0, error: null, gone: new Promise((resolve) => (leave = resolve)) };
    worker.on('message', (answer: FromComputeThread) => this.answered(thread, answer));
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

  private answered(thread: Thread, answer: FromComputeThread): void {
    const pending = thread.current;
    if (pending === null || answer.id !== thread.id) return;
    thread.current = null;
    if (!pending.settled) {
      pending.settled = true;
      if (answer.kind === 'failed') pending.reject(toError(answer.failure));
      else pending.resolve(answer);
    }
    this.pump();
  }

  private died(thread: Thread): void {
    this.threads.delete(thread);
    const pending = thread.current;
    if (pending !== null && !pending.settled) {
      if (pending.attempts < maximumAttempts && !this.closed) this.waiting.unshift(pending);
      else this.fail(pending, lostError(pending.request, thread.error));
    }
    this.pump();
  }
}

function post(thread: Thread, message: ToComputeThread): void {
  thread.worker.postMessage(message);
}

function unavailable(reason: string): EngineStatus {
  return { name: 'unavailable', version: '', reason };
}

function abortError(): Error {
  return new DOMException('The measurement was cancelled.', 'AbortError');
}

function lostError(request: Request, cause: Error | null): Error {
  const outOfMemory = cause !== null && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
  const why = outOfMemory ? 'it ran out of memory' : (cause?.message ?? 'it ended by itself');
  const what = `the compute thread was lost ${maximumAttempts} times: ${why}`;
  return request.kind === 'measure' ? new FormatError(request.task.file, request.task.layer, what) : new Error(what);
}

function toError(failure: ComputeFailure): Error {
  switch (failure.kind) {
    case 'format':
      return new FormatError(failure.file, failure.place, failure.reason);
    case 'cancelled':
      return abortError();
    case 'engine':
      return new EngineUnavailable(failure.file, failure.reason);
    default:
      return new Error(failure.message);
  }
}
