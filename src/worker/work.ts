import { FormatError } from '../formats/byteSource';
import { EngineUnavailable } from '../linalg/engineUnavailable';
import type { MeasuredPart } from '../metrics';
import type { PartMeasurement } from '../metrics/measurement';
import { type Part, parts } from '../metrics/partRows';
import type { FeatureTask, LayerStep } from '../monitor';
import type { ComputeAnswer, ComputeFailure, ComputeRequest } from './computeMessages';
import { inFamilies, layerUnits } from './layerUnits';

/** One request to a thread. */
export interface Piece {
  readonly request: ComputeRequest;
  /** How often it was given to a thread. */
  attempts: number;
}

/** Something that was asked of the pool, in one piece or several; ends with an answer or an error. */
export class Work {
  /** Shared with the threads that are at it; not 0 means: stop. */
  readonly cancel = new Int32Array(new SharedArrayBuffer(4));
  /** Not given to a thread yet. */
  readonly waiting: Piece[];
  readonly running = new Set<Piece>();
  /** The thread that began it, as long as it lives; the others only help. */
  owner: unknown = null;
  /** Answered; a thread may still be at a piece of it. */
  isSettled = false;

  constructor(
    requests: readonly ComputeRequest[],
    /** Name of the file and layer in messages; null when it is about no file. */
    readonly about: { readonly file: string; readonly layer: string } | null,
    /** Before everything else that waits. */
    readonly isUrgent: boolean,
    private readonly onEnd: (result: { readonly answer: ComputeAnswer } | { readonly error: Error }) => void,
  ) {
    this.waiting = requests.map((request) => ({ request, attempts: 0 }));
  }

  /** The piece that suits a thread best; null when none waits. */
  take(thread: unknown): Piece | null {
    const piece = this.choose(thread);
    if (piece === undefined) return null;
    this.waiting.splice(this.waiting.indexOf(piece), 1);
    piece.attempts += 1;
    this.owner ??= thread;
    this.running.add(piece);
    return piece;
  }

  /** The thread is lost. */
  disown(thread: unknown): void {
    if (this.owner === thread) this.owner = null;
  }

  /** The thread that was at it is lost: the piece waits again. */
  lose(piece: Piece): void {
    this.running.delete(piece);
    if (!this.isSettled) this.waiting.unshift(piece);
  }

  answered(piece: Piece, answer: ComputeAnswer): void {
    this.running.delete(piece);
    if (answer.kind === 'failed') this.fail(toError(answer.failure));
    else this.end({ answer });
  }

  fail(error: Error): void {
    Atomics.store(this.cancel, 0, 1);
    this.end({ error });
  }

  /** Which of the waiting pieces a thread takes. */
  protected choose: (thread: unknown) => Piece | undefined = () => this.waiting[0];

  protected end(result: { readonly answer: ComputeAnswer } | { readonly error: Error }): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.waiting.length = 0;
    this.onEnd(result);
  }
}

/**
 * A layer of a probe, in units. One thread does them all while other layers wait; threads without a layer of their own help, each with a part of its
 * own as long as there is one. What was measured of the parts becomes records at the end, in a thread, too: the intervals take time.
 */
export class LayerWork extends Work {
  private readonly measured = new Map<Part, Map<string, PartMeasurement> | null>();
  /** The part each thread is at, or was at last. */
  private readonly partOf = new Map<unknown, Part>();
  private step = 0;
  private readonly steps: number;

  constructor(
    private readonly task: FeatureTask,
    onEnd: ConstructorParameters<typeof Work>[3],
    private readonly onStep: (step: LayerStep) => void = () => undefined,
  ) {
    super(layerUnits(task).map((unit) => ({ kind: 'part', task, ...unit })), task, false, onEnd);
    this.steps = parts.length * inFamilies(task.metrics).length;
    if (this.waiting.length === 0) this.combine();
  }

  /** A thread tells which metrics it measures from now on. */
  stepped(metrics: readonly string[]): void {
    if (this.isSettled) return;
    // What was begun by a thread that was lost is begun a second time.
    this.step = Math.min(this.step + 1, this.steps);
    this.onStep({ metrics, step: this.step, steps: this.steps });
  }

  override disown(thread: unknown): void {
    super.disown(thread);
    this.partOf.delete(thread);
  }

  override take(thread: unknown): Piece | null {
    const piece = super.take(thread);
    if (piece?.request.kind === 'part') this.partOf.set(thread, piece.request.part);
    return piece;
  }

  override answered(piece: Piece, answer: ComputeAnswer): void {
    if (answer.kind !== 'part' || piece.request.kind !== 'part') {
      super.answered(piece, answer);
      return;
    }
    this.running.delete(piece);
    if (this.isSettled) return;
    this.keep(piece.request.part, answer.measured);
    if (this.waiting.length === 0 && this.running.size === 0) this.combine();
  }

  private combine(): void {
    const measured = parts.map((part) => this.measured.get(part) ?? null);
    this.waiting.push({ request: { kind: 'combine', measured, metrics: this.task.metrics, options: this.task.options }, attempts: 0 });
  }

  /** A thread goes on with the part it is at, then takes one that no other is at, then any. */
  protected override choose = (thread: unknown): Piece | undefined => {
    const own = this.partOf.get(thread);
    const taken = new Set([...this.partOf].flatMap(([other, part]) => (other === thread ? [] : [part])));
    const partOf = ({ request }: Piece): Part | null => (request.kind === 'part' ? request.part : null);
    const fresh = (piece: Piece): boolean => {
      const part = partOf(piece);
      return part === null || !taken.has(part);
    };
    return this.waiting.find((piece) => partOf(piece) === own) ?? this.waiting.find(fresh) ?? this.waiting[0];
  };

  private keep(part: Part, measured: MeasuredPart | null): void {
    if (measured === null) {
      // The probe has no such rows: nothing else of this part needs to be looked at.
      for (let at = this.waiting.length - 1; at >= 0; at--) {
        const request = this.waiting[at]?.request;
        if (request?.kind === 'part' && request.part === part) this.waiting.splice(at, 1);
      }
      this.measured.set(part, null);
      return;
    }
    const known = this.measured.get(part);
    if (known) for (const [metric, value] of measured) known.set(metric, value);
    else this.measured.set(part, new Map(measured));
  }
}

/** The model of a checkpoint at work on images. */
export class ExtractWork extends Work {
  constructor(
    request: ComputeRequest & { readonly kind: 'extract' },
    onEnd: ConstructorParameters<typeof Work>[3],
    private readonly onProgress: (done: number, images: number) => void = () => undefined,
  ) {
    super([request], { file: request.task.path, layer: '' }, false, onEnd);
  }

  progressed(done: number, images: number): void {
    if (!this.isSettled) this.onProgress(done, images);
  }
}

export function abortError(): Error {
  return new DOMException('The measurement was cancelled.', 'AbortError');
}

function toError(failure: ComputeFailure): Error {
  switch (failure.kind) {
    case 'format':
      return new FormatError(failure.file, failure.place, failure.reason);
    case 'cancelled':
      return abortError();
    case 'engine':
      return new EngineUnavailable(failure.file, failure.reason);
    case 'range':
      return new RangeError(failure.message);
    default:
      return new Error(failure.message);
  }
}
