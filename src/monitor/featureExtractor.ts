import type { ProbeData } from '../protocol';

/** A checkpoint whose model is to be shown images. */
export interface ExtractTask {
  readonly kind: 'extract';
  /** Absolute path of the checkpoint. */
  readonly file: string;
  /** Its path relative to the run: name of the file in messages, and where its place in training may be told. */
  readonly path: string;
  /** Absolute path of the run's folder, from which paths in `data` lead on. */
  readonly folder: string;
  readonly data: ProbeData;
  /** The checkpoint's fingerprint. */
  readonly fingerprint: string;
  /** Absolute paths; the first that can be written becomes the probe file. */
  readonly targets: readonly string[];
}

/** Whether a model can be shown images, without running it. */
export interface CheckTask {
  readonly kind: 'check';
  /** Absolute path of the newest checkpoint; null: there is none yet, and only the images are looked at. */
  readonly file: string | null;
  readonly path: string;
  readonly folder: string;
  readonly data: ProbeData;
}

/** Where models are run: compute threads in the worker, the same in the command line. */
export interface FeatureExtractor {
  /**
   * Runs the model of a checkpoint on every view of every sample and writes a probe file.
   * @param onProgress told how many images of how many are done
   * @returns the file that was written, absolute
   * @throws {FormatError} when checkpoint, graph or images cannot be used, and an AbortError when `signal` is aborted
   */
  extract(task: ExtractTask, signal: AbortSignal, onProgress?: (done: number, images: number) => void): Promise<string>;
  /** @throws {FormatError} naming what cannot be used, and why; an AbortError when `signal` is aborted */
  check(task: CheckTask, signal: AbortSignal): Promise<void>;
}
