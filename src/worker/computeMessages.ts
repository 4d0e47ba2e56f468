import type { LabelSuggestions, MeasuredPart, Part } from '../metrics';
import type { LayerMeasurement, MeasureOptions } from '../metrics/contract';
import type { CheckTask, ExtractTask, FeatureTask, SuggestTask, WeightTask } from '../monitor';
import type { EngineChoice, EngineStatus, ModelProviderChoice } from '../protocol';

/** Given to a compute thread when it is started. */
export interface ComputeThreadData {
  readonly engine: EngineChoice;
  /** Folders in whose node_modules an engine may be that does not come with Layerscope. */
  readonly engineFolders: readonly string[];
  /** One Int32 that all threads of the process share: libraries that cannot be loaded side by side are loaded in turn. */
  readonly engineTurn: SharedArrayBuffer;
}

/** What a compute thread is asked for, one thing after the other. */
export type ComputeRequest =
  /** Some metrics of one part of a layer. */
  | { readonly kind: 'part'; readonly task: FeatureTask; readonly part: Part; readonly metrics: readonly string[] }
  /** Records of what was measured of the parts, train first. */
  | { readonly kind: 'combine'; readonly measured: readonly (MeasuredPart | null)[]; readonly metrics: readonly string[]; readonly options: MeasureOptions }
  | { readonly kind: 'weights'; readonly task: WeightTask }
  | { readonly kind: 'suggest'; readonly task: SuggestTask }
  /** Features of a checkpoint, by its own model. */
  | { readonly kind: 'extract'; readonly task: ExtractTask; readonly provider: ModelProviderChoice; readonly threads: number }
  | { readonly kind: 'check'; readonly task: CheckTask }
  | { readonly kind: 'engineStatus' };

/** What a compute thread is told. */
export type ToComputeThread =
  | {
      readonly kind: 'work';
      readonly id: number;
      readonly request: ComputeRequest;
      /** One Int32; not 0 means: stop at the next checkpoint. A blocked thread reads no messages, but it can read this. */
      readonly cancel: SharedArrayBuffer;
    }
  | { readonly kind: 'close' };

/** An error in a form that survives the way between threads with its class. */
export interface ComputeFailure {
  readonly kind: 'format' | 'cancelled' | 'engine' | 'range' | 'other';
  readonly message: string;
  /** Of a format error the file, of an engine error the engine. */
  readonly file: string;
  readonly place: string;
  readonly reason: string;
}

/** What a compute thread answers to a request. */
export type ComputeAnswer =
  | { readonly kind: 'part'; readonly measured: MeasuredPart | null }
  | { readonly kind: 'measured'; readonly measurements: readonly LayerMeasurement[] }
  | { readonly kind: 'suggested'; readonly suggestions: LabelSuggestions }
  /** The file that was written. */
  | { readonly kind: 'extracted'; readonly file: string }
  | { readonly kind: 'checked' }
  | { readonly kind: 'engineStatus'; readonly status: EngineStatus }
  | { readonly kind: 'failed'; readonly failure: ComputeFailure };

export type FromComputeThread =
  | { readonly kind: 'answer'; readonly id: number; readonly answer: ComputeAnswer }
  /** Some metrics of a part are being measured from now on. */
  | { readonly kind: 'step'; readonly id: number; readonly metrics: readonly string[] }
  /** Images that a model was shown so far. */
  | { readonly kind: 'progress'; readonly id: number; readonly done: number; readonly images: number };
