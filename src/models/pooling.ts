import type { TokenPooling } from './architecture';
import type { ModelOutput } from './modelSession';

/**
 * One vector an image of whatever a layer gives: of [images, width, rows, columns] the mean over positions, of [images, tokens, width] what is asked for.
 * @param prefixTokens tokens before those of the patches
 * @returns [images, width] and the width
 * @throws {RangeError} naming the shape when it is none of these
 */
export function poolOutput(
  name: string, { shape, data }: ModelOutput, pooling: TokenPooling, prefixTokens: number,
): { readonly width: number; readonly data: Float32Array } {
  const [images = 0, second = 0, third = 1, fourth = 1] = shape;
  switch (shape.length) {
    case 2:
      return { width: second, data };
    case 4:
      return { width: second, data: meanOfLast(data, images * second, third * fourth) };
    case 3:
      return { width: third, data: poolTokens(name, data, images, second, third, pooling, prefixTokens) };
    default:
      throw new RangeError(`The output ${name} has the shape [${shape.join(', ')}], which is not one vector, map or sequence of tokens an image.`);
  }
}

function meanOfLast(data: Float32Array, rows: number, length: number): Float32Array {
  const means = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let i = row * length; i < (row + 1) * length; i++) sum += data[i]!;
    means[row] = sum / length;
  }
  return means;
}

function poolTokens(name: string, data: Float32Array, images: number, tokens: number, width: number, pooling: TokenPooling, prefix: number): Float32Array {
  if (pooling === 'cls' && prefix === 0) throw new RangeError(`The features of ${name} cannot be those of the class token: the model has none.`);
  const from = pooling === 'patch_mean' && prefix < tokens ? prefix : 0;
  const to = pooling === 'cls' ? 1 : tokens;
  const pooled = new Float32Array(images * width);
  for (let image = 0; image < images; image++) {
    for (let column = 0; column < width; column++) {
      let sum = 0;
      for (let token = from; token < to; token++) sum += data[(image * tokens + token) * width + column]!;
      pooled[image * width + column] = sum / (to - from);
    }
  }
  return pooled;
}
