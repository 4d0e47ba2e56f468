/** An axis of 2^32 elements fits no memory; beyond it a header lies. */
export const largestDimension = 2 ** 32;
/** NumPy allows 64 axes; no format here is written by anything that allows more. */
export const mostDimensions = 64;

/**
 * Number of elements of a shape, or the reason why it is none.
 * Exact: a product beyond 2^53 is refused instead of rounded.
 */
export function elementsOf(shape: readonly number[]): number | string {
  if (shape.length > mostDimensions) {
    return `its shape has ${shape.length} axes, more than ${mostDimensions}`;
  }
  let elements = 1;
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0 || size > largestDimension) {
      return `its shape [${shape.join(', ')}] has an axis that is not a whole number from 0 to 2^32`;
    }
    elements *= size;
    if (!Number.isSafeInteger(elements)) {
      return `its shape [${shape.join(', ')}] has more elements than any memory holds`;
    }
  }
  return elements;
}
