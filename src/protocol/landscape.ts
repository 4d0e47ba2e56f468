/** What two landscapes must have in common to be compared. */
export interface LandscapeSetting {
  /** For example `mae`, `cross_entropy`, `info_nce`, or the name of a graph's output. */
  readonly loss: string;
  /** How many images, and where they come from. */
  readonly images: number;
  readonly data: string;
  /** Of directions, masks and views. */
  readonly seed: number;
  /** The surface reaches from -range to range along both directions; a line by it beyond both of its ends, 0 and 1. */
  readonly range: number;
  readonly directions: 'random' | 'line' | 'trajectory' | 'imported';
  /** What else the loss depends on: mask ratio, temperature, pixels normalised by patch. */
  readonly options?: Readonly<Record<string, number | string | boolean>>;
}

/** Numbers that say how flat a surface is, as docs/landscape.md defines them; null where the grid does not allow one. */
export interface Flatness {
  /** Share of the area that is the connected component around the origin on which the Hessian is positive semi-definite. */
  readonly convexArea: number | null;
  /** |smallest / largest| eigenvalue of the Hessian at the origin. */
  readonly eigenvalueRatio: number | null;
  /** Radius at which the loss is 10 % above that of the origin: mean and minimum over 64 rays. */
  readonly widthMean: number | null;
  readonly widthMinimum: number | null;
  /** Largest (L - L(0)) / (1 + L(0)) within 0.1 of the origin. */
  readonly sharpness: number | null;
  /** Root mean square residual of a quadratic fit, over the range of the loss. */
  readonly roughness: number | null;
}

/** A checkpoint in the plane of a trajectory. */
export interface TrajectoryPoint {
  readonly file: string;
  readonly epoch: number | null;
  readonly step: number | null;
  readonly x: number;
  readonly y: number;
  /** Loss of the checkpoint itself, which need not lie in the plane; null while unknown. */
  readonly loss: number | null;
}

/** A loss surface, whole or still being computed; a line where `y` is empty. */
export interface LandscapeSurface {
  /** What it is of: a checkpoint, or an imported file. */
  readonly name: string;
  readonly file: string;
  readonly epoch: number | null;
  readonly step: number | null;
  readonly setting: LandscapeSetting;
  /** Ascending coordinates along the first and the second direction; the model is at 0. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** [y * x] (a line: [x]), x along the second axis; null where a point is not computed yet, or is not finite. */
  readonly loss: readonly (number | null)[];
  /** [y * x] whether a point belongs to the convex component around the origin; empty for a line or an unfinished surface. */
  readonly convex: readonly boolean[];
  readonly minimum: { readonly x: number; readonly y: number; readonly loss: number } | null;
  readonly flatness: Flatness | null;
  readonly trajectory: readonly TrajectoryPoint[];
  readonly warnings: readonly string[];
}
