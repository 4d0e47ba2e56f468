import type { Finding } from './findings';
import type { MeasurementRecord } from './records';

export type Severity = 'info' | 'warning' | 'error';

/** Something a person can mend: it names the file, the place in it and the reason. */
export interface FileProblem {
  /** Path relative to the run's folder (or absolute when it lies outside one). */
  readonly file: string;
  /** For example "line 12", "byte 8", "tensor block3"; empty when it is the file as a whole. */
  readonly place: string;
  readonly reason: string;
  readonly severity: Severity;
}

export type RunFileKind = 'log' | 'checkpoint' | 'probe';

/** waiting: still being written. measured: every layer has its records. */
export type RunFileState = 'found' | 'waiting' | 'queued' | 'measuring' | 'measured' | 'problem';

export interface RunFile {
  readonly kind: RunFileKind;
  /** Relative to the run's folder, forward slashes. */
  readonly path: string;
  /** Human name of the format, for example "safetensors probe". */
  readonly format: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly epoch: number | null;
  readonly step: number | null;
  readonly state: RunFileState;
  /** How many layers of it can be measured; left out while that is not known, and when there are none. */
  readonly layers?: number;
}

/** healthy, watch, act; unknown while nothing has been measured. */
export type HealthState = 'unknown' | 'healthy' | 'watch' | 'act';

export interface RunSummary {
  /** Stable for a folder on disk. */
  readonly id: string;
  /** Path relative to the workspace folder, forward slashes; the folder's own name when the run is the folder. */
  readonly name: string;
  /** Absolute path. */
  readonly folder: string;
  readonly epoch: number | null;
  readonly step: number | null;
  readonly modified: number;
  readonly files: readonly RunFile[];
  readonly problems: readonly FileProblem[];
  readonly findings: readonly Finding[];
  readonly health: HealthState;
  /** Why nothing could be measured, in words, when that is so. */
  readonly note?: string;
}

/** Points of one logged quantity, in file order; the three arrays have one length. Drawing decimates, storage never does. */
export interface ScalarSeries {
  readonly tag: string;
  /** Log file, relative to the run's folder. */
  readonly source: string;
  readonly epochs: readonly (number | null)[];
  readonly steps: readonly (number | null)[];
  /** NaN and infinities as logged travel as null here; `nonFinite` counts them. */
  readonly values: readonly (number | null)[];
  readonly nonFinite: number;
}

/** Everything a view needs to draw one run. */
export interface RunDetail {
  readonly run: RunSummary;
  /** Of the probes, shallow to deep. */
  readonly layers: readonly string[];
  /** Weight matrices of the checkpoints, shallow to deep. Default none. */
  readonly weightLayers?: readonly string[];
  readonly records: readonly MeasurementRecord[];
  readonly series: readonly ScalarSeries[];
}

/** A snapshot of a run without its records and series (they are empty), which are asked for page by page: there may be millions. */
export interface OpenedRun {
  readonly detail: RunDetail;
  /** Names the snapshot. */
  readonly ticket: number;
}

/** More of a snapshot: records to append, and points to append to the series of the same tag and source. */
export interface RunPage {
  readonly records: readonly MeasurementRecord[];
  readonly series: readonly ScalarSeries[];
}
