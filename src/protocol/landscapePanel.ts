import type { LandscapeSurface } from './landscape';
import type { LandscapeFailure, LandscapeOrder, ModelInUse } from './landscapeJob';

/** How far a landscape is that the panel computes. */
export interface LandscapeProgressState {
  /** interrupted: nobody computes it now, because the worker ended or the window was reloaded. */
  readonly state: 'starting' | 'computing' | 'cancelling' | 'finished' | 'cancelled' | 'interrupted' | 'failed';
  readonly done: number;
  readonly total: number;
  /** What is being done, or why it was interrupted, in words. */
  readonly doing: string;
  readonly failure: LandscapeFailure | null;
  /** Places where points could not be read or kept, in words. */
  readonly problems: readonly string[];
  /** What it is computed with; null while that is not known. */
  readonly model: ModelInUse | null;
  /** Points along an axis of the next finer grid, or null where this is the finest. */
  readonly finer: number | null;
}

/** What the loss-surface panel draws. Sent when the page says `ready`, and whenever the surfaces have grown. */
export interface LandscapeSnapshot {
  readonly kind: 'surfaces';
  /** Surfaces are drawn side by side on one colour scale, lines in one chart. */
  readonly surfaces: readonly LandscapeSurface[];
  /** Absolute paths of the files they were read from, so that a reloaded panel can read them again; empty where they were computed. */
  readonly files: readonly string[];
  /** Of a landscape that is or was computed here; null where surfaces were read from files. */
  readonly progress: LandscapeProgressState | null;
  /** What was asked for, so that a reloaded panel can go on. */
  readonly order: LandscapeOrder | null;
}

export type ToLandscape =
  | LandscapeSnapshot
  /** A checkpoint was selected elsewhere: mark it among the points of a trajectory. */
  | { readonly kind: 'select'; readonly file: string | null };

export type FromLandscape =
  | { readonly kind: 'ready' }
  /** A checkpoint of a trajectory, as the surface names it. */
  | { readonly kind: 'openCheckpoint'; readonly file: string }
  /** A picture of what is drawn now, made by the page. */
  | { readonly kind: 'savePicture'; readonly format: 'png'; readonly bytes: ArrayBuffer }
  | { readonly kind: 'savePicture'; readonly format: 'svg'; readonly text: string }
  /** The numbers, made by the host. */
  | { readonly kind: 'exportNumbers'; readonly format: 'csv' | 'json' }
  /** Of the landscape that is computed: stop, go on where it stopped, compute a finer grid. */
  | { readonly kind: 'cancel' | 'continue' | 'refine' }
  /** The model is to be taken from an ONNX export. */
  | { readonly kind: 'chooseExport' }
  | { readonly kind: 'openProviderSetting' }
  | { readonly kind: 'showLog' }
  | { readonly kind: 'failed'; readonly message: string };

/** What the page keeps across reloads, and the panel across restarts of the editor. */
export interface LandscapeArrangement {
  readonly version: 1;
  readonly form: 'contours' | 'surface' | 'table';
  /** Null until somebody chooses: the page takes what suits the losses. */
  readonly height: 'linear' | 'log' | null;
  /** Degrees around the vertical axis and above the plane; `distance` 1 is the whole surface. */
  readonly camera: { readonly azimuth: number; readonly elevation: number; readonly distance: number };
  readonly files: readonly string[];
  /** Surfaces that come from no file and are small; null otherwise. */
  readonly surfaces: readonly LandscapeSurface[] | null;
  /** Of a landscape that was computed here. */
  readonly order: LandscapeOrder | null;
}
