import type { LandscapeSurface } from './landscape';

/** What the loss-surface panel draws. Sent when the page says `ready`, and whenever the surfaces have grown. */
export interface LandscapeSnapshot {
  readonly kind: 'surfaces';
  /** Surfaces are drawn side by side on one colour scale, lines in one chart. */
  readonly surfaces: readonly LandscapeSurface[];
  /** Absolute paths of the files they were read from, so that a reloaded panel can read them again; empty where they were computed. */
  readonly files: readonly string[];
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
}
