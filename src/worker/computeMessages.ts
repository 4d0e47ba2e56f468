import type { LayerMeasurement } from '../metrics/contract';
import type { LayerTask } from '../monitor';
import type { EngineStatus } from '../protocol';

/** Given to a compute thread when it is started. */
export interface ComputeThreadData {
  readonly engine: 'auto' | 'onnxruntime';
}

/** What a compute thread is told. */
export type ToComputeThread =
  | {
      readonly kind: 'measure';
      readonly id: number;
      readonly task: LayerTask;
      /** One Int32; not 0 means: stop at the next checkpoint. A blocked thread reads no messages, but it can read this. */
      readonly cancel: SharedArrayBuffer;
    }
  | { readonly kind: 'engineStatus'; readonly id: number }
  | { readonly kind: 'close' };

/** An error in a form that survives the way between threads with its class. */
export interface ComputeFailure {
  readonly kind: 'format' | 'cancelled' | 'engine' | 'other';
  readonly message: string;
  /** Of a format error the file, of an engine error the engine. */
  readonly file: string;
  readonly place: string;
  readonly reason: string;
}

/** What a compute thread answers. */
export type FromComputeThread =
  | { readonly kind: 'measured'; readonly id: number; readonly measurements: readonly LayerMeasurement[] }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: ComputeFailure }
  | { readonly kind: 'engineStatus'; readonly id: number; readonly status: EngineStatus };
