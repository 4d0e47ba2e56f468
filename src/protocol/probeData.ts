/**
 * Images that the model of a run is shown, and how: for features of checkpoints that no probe file was recorded of, and for loss landscapes. Chosen once a
 * run and remembered beside its results, in `probe-data.json`.
 */
export interface ProbeData {
  /** Images that were trained on. A path, relative to the folder of the run or absolute; a folder of PNG, JPEG, WebP, or a file, as docs/models.md says. */
  readonly train: string;
  /** Images that were not, or null: then there is no gap between the two. */
  readonly heldOut: string | null;
  /** Samples of each of the two; fewer where there are not so many images. */
  readonly samples: number;
  /** Views of each sample: 1 is the image as it is evaluated, more are random views. */
  readonly views: number;
  /** Of the choice of samples and of views. */
  readonly seed: number;
  /** Per channel, or null: ImageNet's for three channels, none for one. */
  readonly mean: readonly number[] | null;
  readonly deviation: readonly number[] | null;
  /** An ONNX export of the model (as paths above), or null: built from the names of the checkpoint's tensors. */
  readonly graph: string | null;
  /** What names and shapes leave open; null: the default that docs/models.md names. */
  readonly heads: number | null;
  readonly decoderHeads: number | null;
  /** Pixels of a side. */
  readonly imageSize: number | null;
  /** Which network of a pair. */
  readonly role: 'model' | 'student' | 'teacher' | null;
}

/** What is assumed where nothing else was chosen. */
export const probeDataDefaults: Omit<ProbeData, 'train'> = {
  heldOut: null, samples: 256, views: 8, seed: 0, mean: null, deviation: null, graph: null, heads: null, decoderHeads: null, imageSize: null, role: null,
};
