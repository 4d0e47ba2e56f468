import type { TensorData } from './decode';

/** Elements of a storage that are in memory at once while a view of it is put together. */
const windowElements = 1024 * 1024;

export interface StridedView {
  readonly shape: readonly number[];
  /** In elements, from 0. */
  readonly strides: readonly number[];
  readonly offset: number;
}

/** One more than the last element of the storage that the view touches; 0 when it has no elements. */
export function endOfView({ shape, strides, offset }: StridedView): number {
  return shape.includes(0) ? 0 : offset + spanOf(shape, strides);
}

/** Whether the elements lie one after the other, as row-major order wants them. */
export function isContiguous({ shape, strides }: StridedView): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) {
      return false;
    }
    expected *= shape[axis]!;
  }
  return true;
}

/**
 * Puts a view of a storage into row-major order. The storage is read a window at a time, and of a view that does not overlap itself each element once.
 * @param target as long as the view has elements, twice that for complex numbers
 * @param readWindow decodes elements `start` to `start + count` of the storage
 */
export async function gatherView(
  { shape, strides, offset }: StridedView,
  target: TensorData,
  readWindow: (start: number, count: number) => Promise<TensorData>,
): Promise<void> {
  if (shape.includes(0)) {
    return;
  }
  const elements = shape.reduce((product, size) => product * size, 1);
  const parts = target.length / elements;
  const targetStrides = rowMajorStrides(shape, parts);
  const gatherBlock = async (sizes: readonly number[], from: number, to: number): Promise<void> => {
    const span = spanOf(sizes, strides);
    if (span <= windowElements) {
      copyBlock(sizes, strides, await readWindow(from, span), 0, targetStrides, target, to, parts);
      return;
    }
    // Along the axis whose steps are the widest, so that the blocks are close together in the file.
    const axis = widestAxis(sizes, strides);
    const stride = strides[axis]!;
    const rest = span - (sizes[axis]! - 1) * stride;
    const step = Math.max(1, Math.floor((windowElements - rest) / stride) + 1);
    for (let done = 0; done < sizes[axis]!; done += step) {
      const block = [...sizes];
      block[axis] = Math.min(step, sizes[axis]! - done);
      await gatherBlock(block, from + done * stride, to + done * targetStrides[axis]!);
    }
  };
  await gatherBlock(shape, offset, 0);
}

/** Puts a view of values in memory into row-major order. @param target as long as the view has elements, twice that for complex numbers */
export function copyView({ shape, strides, offset }: StridedView, source: TensorData, target: TensorData): void {
  if (!shape.includes(0)) {
    const parts = target.length / shape.reduce((product, size) => product * size, 1);
    copyBlock(shape, strides, source, offset, rowMajorStrides(shape, parts), target, 0, parts);
  }
}

function rowMajorStrides(shape: readonly number[], parts: number): number[] {
  const strides = new Array<number>(shape.length);
  let stride = parts;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

function spanOf(sizes: readonly number[], strides: readonly number[]): number {
  return sizes.reduce((span, size, axis) => span + (size - 1) * strides[axis]!, 1);
}

function widestAxis(sizes: readonly number[], strides: readonly number[]): number {
  return sizes.reduce((widest, size, axis) => (size > 1 && (sizes[widest] === 1 || strides[axis]! > strides[widest]!) ? axis : widest), 0);
}

function copyBlock(
  sizes: readonly number[],
  strides: readonly number[],
  source: TensorData,
  from: number,
  targetStrides: readonly number[],
  target: TensorData,
  to: number,
  parts: number,
): void {
  const last = sizes.length - 1;
  const index = new Array<number>(sizes.length).fill(0);
  for (;;) {
    for (let part = 0; part < parts; part++) {
      target[to + part] = source[from * parts + part]!;
    }
    let axis = last;
    for (; axis >= 0; axis--) {
      from += strides[axis]!;
      to += targetStrides[axis]!;
      if (++index[axis]! < sizes[axis]!) {
        break;
      }
      from -= strides[axis]! * sizes[axis]!;
      to -= targetStrides[axis]! * sizes[axis]!;
      index[axis] = 0;
    }
    if (axis < 0) {
      return;
    }
  }
}
