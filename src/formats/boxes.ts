/** A block of elements inside a larger one, both row-major. */
export interface Box {
  /** Shape of what `source` holds. */
  readonly shape: readonly number[];
  /** Where its first element comes to lie. */
  readonly start: readonly number[];
}

/** Copies a block to its place in the whole, run by run along the last axis; what would stick out is cut off. */
export function copyBox(source: Uint8Array, { shape, start }: Box, target: Uint8Array, targetShape: readonly number[], elementBytes: number): void {
  const last = shape.length - 1;
  if (last < 0) {
    target.set(source.subarray(0, elementBytes));
    return;
  }
  const size = shape.map((extent, axis) => Math.min(extent, targetShape[axis]! - start[axis]!));
  if (size.some((extent) => extent <= 0)) {
    return;
  }
  const runBytes = size[last]! * elementBytes;
  const index = new Array<number>(shape.length).fill(0);
  for (;;) {
    let from = 0;
    let to = 0;
    for (let axis = 0; axis <= last; axis++) {
      from = from * shape[axis]! + index[axis]!;
      to = to * targetShape[axis]! + start[axis]! + index[axis]!;
    }
    target.set(source.subarray(from * elementBytes, from * elementBytes + runBytes), to * elementBytes);
    let axis = last - 1;
    while (axis >= 0 && ++index[axis]! === size[axis]) {
      index[axis--] = 0;
    }
    if (axis < 0) {
      return;
    }
  }
}
