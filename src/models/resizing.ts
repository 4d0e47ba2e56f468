import type { Picture } from './picture';

export interface Region {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** A part of a picture. What lies outside is black, as in torchvision. */
export function crop({ width, height, channels, data }: Picture, region: Region): Picture {
  const result = new Float32Array(channels * region.height * region.width);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = Math.max(0, -region.top); row < Math.min(region.height, height - region.top); row++) {
      const from = (channel * height + row + region.top) * width;
      const to = (channel * region.height + row) * region.width;
      for (let column = Math.max(0, -region.left); column < Math.min(region.width, width - region.left); column++) {
        result[to + column] = data[from + column + region.left]!;
      }
    }
  }
  return { width: region.width, height: region.height, channels, data: result };
}

/** Bilinear with a filter that widens when the picture shrinks, as in PIL and in torchvision with `antialias`. */
export function resize(picture: Picture, height: number, width: number): Picture {
  const { channels } = picture;
  if (picture.height === height && picture.width === width) return picture;
  const across = weightsOf(picture.width, width);
  const narrow = new Float32Array(channels * picture.height * width);
  for (let row = 0; row < channels * picture.height; row++) {
    for (let column = 0; column < width; column++) {
      const { first, weights } = across[column]!;
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i]! * picture.data[row * picture.width + first + i]!;
      narrow[row * width + column] = sum;
    }
  }
  const down = weightsOf(picture.height, height);
  const data = new Float32Array(channels * height * width);
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < height; row++) {
      const { first, weights } = down[row]!;
      const to = (channel * height + row) * width;
      for (let i = 0; i < weights.length; i++) {
        const from = (channel * picture.height + first + i) * width;
        for (let column = 0; column < width; column++) data[to + column] = data[to + column]! + weights[i]! * narrow[from + column]!;
      }
    }
  }
  return { width, height, channels, data };
}

/** For every place of the result, the places it is made of: a triangle around its centre. */
function weightsOf(from: number, to: number): { readonly first: number; readonly weights: Float64Array }[] {
  const scale = from / to;
  const support = Math.max(scale, 1);
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(from, Math.trunc(centre + support + 0.5));
    const weights = Float64Array.from({ length: last - first }, (__, i) => Math.max(0, 1 - Math.abs((first + i - centre + 0.5) / support)));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** The shorter side becomes `shorter` and the middle of height x width is taken, as torchvision's Resize and CenterCrop do. */
export function resizeAndCrop(picture: Picture, height: number, width: number, shorter: number): Picture {
  const isUpright = picture.height > picture.width;
  const longer = Math.trunc((shorter * Math.max(picture.height, picture.width)) / Math.min(picture.height, picture.width));
  const resized = isUpright ? resize(picture, longer, shorter) : resize(picture, shorter, longer);
  if (resized.height === height && resized.width === width) return resized;
  return crop(resized, { top: roundHalfToEven((resized.height - height) / 2), left: roundHalfToEven((resized.width - width) / 2), height, width });
}

/** As Python rounds. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const part = value - below;
  return part > 0.5 || (part === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

export function flip({ width, height, channels, data }: Picture): Picture {
  const result = new Float32Array(data.length);
  for (let row = 0; row < channels * height; row++) {
    for (let column = 0; column < width; column++) result[row * width + column] = data[(row + 1) * width - 1 - column]!;
  }
  return { width, height, channels, data: result };
}
