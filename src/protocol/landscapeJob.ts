import type { LandscapeSurface } from './landscape';
import type { FileProblem } from './runs';

/** On what a model runs: ONNX Runtime's execution providers. */
export type ModelProvider = 'cpu' | 'cuda' | 'coreml' | 'dml' | 'webgpu' | 'wasm';
/** `auto` takes the first accelerator of the machine that loads, else the processor. */
export type ModelProviderChoice = 'auto' | ModelProvider;

/** What names and shapes of a checkpoint's tensors leave open; null: the default that docs/models.md names. */
export interface ModelAnswers {
  readonly heads: number | null;
  readonly decoderHeads: number | null;
  /** Pixels of a side. */
  readonly imageSize: number | null;
  /** Which network of a pair. */
  readonly role: 'model' | 'student' | 'teacher' | null;
}

/** A landscape that somebody asks for. Paths are absolute. */
export interface LandscapeOrder extends ModelAnswers {
  /** Of a line from the first to the second; of a trajectory in order of training. */
  readonly checkpoints: readonly string[];
  readonly directions: 'random' | 'line' | 'trajectory';
  /** A folder of images or a file, as docs/models.md says. */
  readonly data: string;
  /** Images that the loss is the mean of. */
  readonly images: number;
  /** Points along an axis. */
  readonly grid: number;
  /** Null: the default of `layerscope landscape`. */
  readonly range: number | null;
  readonly seed: number;
  /** As in `LandscapeSetting`; null: the first that the model has. */
  readonly loss: string | null;
  /** An ONNX export of the model, or null: built from the names of the tensors. */
  readonly graph: string | null;
  /** Per channel, or null: ImageNet's for three channels, none for one. */
  readonly mean: readonly number[] | null;
  readonly deviation: readonly number[] | null;
  readonly provider: ModelProviderChoice;
}

/** A provider that could not be used. */
export interface PassedOverProvider {
  readonly provider: string;
  readonly reason: string;
}

/** On what models run now, and why. */
export interface ModelProviderStatus {
  readonly choice: ModelProviderChoice;
  /** Null when none could be used; `passedOver` then says why. */
  readonly provider: ModelProvider | null;
  readonly passedOver: readonly PassedOverProvider[];
}

/** What a landscape is computed with. */
export interface ModelInUse extends ModelProviderStatus {
  /** In words. */
  readonly model: string;
}

/** A landscape that is being computed: all that is known of it so far. */
export interface LandscapeNews {
  readonly id: string;
  readonly surfaces: readonly LandscapeSurface[];
  /** Points of all surfaces that are known, of how many; both 0 while that is not known. */
  readonly done: number;
  readonly total: number;
  /** What is being done, in words. */
  readonly doing: string;
  readonly model: ModelInUse | null;
}

/** Why a landscape or a model cannot be computed. */
export interface LandscapeFailure {
  /** Names the file, the place and the reason. */
  readonly message: string;
  /** Tensors that the model needs and the checkpoint lacks, has besides, or has in another shape; empty where that is not the reason. */
  readonly missing: readonly string[];
  readonly extra: readonly string[];
  readonly wrongShape: readonly string[];
}

export interface LandscapeEnd {
  readonly state: 'finished' | 'cancelled' | 'failed';
  /** What is known at the end. */
  readonly news: LandscapeNews;
  readonly failure: LandscapeFailure | null;
  /** Places where points could not be read or kept. */
  readonly problems: readonly FileProblem[];
  /** Points that were computed, and not found among the stored ones. */
  readonly computed: number;
}

/** Asks what the model of a checkpoint is. */
export interface ModelInspection extends ModelAnswers {
  /** Absolute. */
  readonly checkpoint: string;
  readonly graph: string | null;
}

/** What is known of a model before anything is computed. */
export type ModelFacts =
  /** `losses` by the names of `LandscapeSetting`; of an export its outputs. */
  | { readonly kind: 'model'; readonly label: string; readonly losses: readonly string[]; readonly warnings: readonly string[] }
  /** Names and shapes leave open what an option has to say. */
  | { readonly kind: 'question'; readonly option: 'heads' | 'decoderHeads' | 'imageSize'; readonly reason: string }
  | { readonly kind: 'failed'; readonly failure: LandscapeFailure };
