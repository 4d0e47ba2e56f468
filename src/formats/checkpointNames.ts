/** Names that training scripts give to checkpoints. */
const checkpointName = /(?:^|[^a-z])(?:checkpoint|ckpt|epoch|ep|step|iter|model|weights?|best|last|latest|final|backbone|encoder|student|teacher|snapshot)/i;

/** Endings that nobody uses for anything but checkpoints. */
const surelyCheckpoint = /\.(?:pth|pth\.tar|pt\.tar|ckpt|keras)$/i;

/** Whether a name speaks for a checkpoint of a training; a `.pt`, `.bin` or `.h5` may as well be a data set. */
export function isCheckpointName(name: string): boolean {
  return surelyCheckpoint.test(name) || checkpointName.test(name.replace(/\.[^.]+$/, ''));
}
