import { greyOf, withChannels, type Picture } from './picture';

/** factor a + (1 - factor) b, held in [0, 1]. */
function blend(picture: Picture, factor: number, other: (place: number) => number): Picture {
  const data = picture.data.map((value, place) => Math.min(1, Math.max(0, factor * value + (1 - factor) * other(place))));
  return { ...picture, data };
}

/** 1 leaves the picture as it is, 0 makes it black. */
export function adjustBrightness(picture: Picture, factor: number): Picture {
  return blend(picture, factor, () => 0);
}

/** 1 leaves the picture as it is, 0 makes it all its mean grey. */
export function adjustContrast(picture: Picture, factor: number): Picture {
  const { data } = greyOf(picture);
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  return blend(picture, factor, () => mean);
}

/** 1 leaves the picture as it is, 0 makes it grey. */
export function adjustSaturation(picture: Picture, factor: number): Picture {
  if (picture.channels === 1) return picture;
  const { data } = greyOf(picture);
  return blend(picture, factor, (place) => data[place % data.length]!);
}

/** Turns every hue by a share of the circle, -0.5 .. 0.5. */
export function adjustHue(picture: Picture, shift: number): Picture {
  if (picture.channels === 1) return picture;
  const size = picture.width * picture.height;
  const data = new Float32Array(picture.data.length);
  for (let pixel = 0; pixel < size; pixel++) {
    const turned = turnHue(picture.data[pixel]!, picture.data[size + pixel]!, picture.data[2 * size + pixel]!, shift);
    for (let channel = 0; channel < 3; channel++) data[channel * size + pixel] = turned[channel]!;
  }
  return { ...picture, data };
}

function turnHue(red: number, green: number, blue: number, shift: number): readonly number[] {
  const most = Math.max(red, green, blue);
  const range = most - Math.min(red, green, blue);
  if (range === 0) return [red, green, blue];
  const sector = most === red ? (green - blue) / range : most === green ? 2 + (blue - red) / range : 4 + (red - green) / range;
  const hue = (((sector / 6 + shift) % 1) + 1) % 1;
  // The colour of this hue with the same largest and smallest value.
  const at = (offset: number) => {
    const place = (offset + hue * 6) % 6;
    return most - range * Math.max(0, Math.min(place, 4 - place, 1));
  };
  return [at(5), at(3), at(1)];
}

/** The picture without colour, with as many channels. */
export function withoutColour(picture: Picture): Picture {
  return withChannels(greyOf(picture), picture.channels);
}
