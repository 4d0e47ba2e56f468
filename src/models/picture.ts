/** One image in memory. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** [channels, height, width]; of 8-bit images in [0, 1]. */
  readonly data: Float32Array;
}

/** Images in a fixed order, read one by one. */
export interface ImageSet {
  /** For messages: the path. */
  readonly name: string;
  readonly count: number;
  /** The class of an image, -1 when it has none. */
  label(index: number): number;
  /** @throws {FormatError} naming the file when the image cannot be read */
  read(index: number): Promise<Picture>;
}

/** Shares of red, green and blue in grey, as torchvision and PIL take them (ITU-R 601). */
const luma = [0.2989, 0.587, 0.114] as const;

/** Bytes, each pixel's values side by side, of which the first (and second and third) are taken. */
export function pictureOfBytes(bytes: ArrayLike<number>, width: number, height: number, stride: number, channels: 1 | 3): Picture {
  const size = width * height;
  const data = new Float32Array(channels * size);
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < size; pixel++) data[channel * size + pixel] = bytes[pixel * stride + channel]! / 255;
  }
  return { width, height, channels, data };
}

/** The picture with as many channels: grey is repeated, colours are weighed. */
export function withChannels(picture: Picture, channels: number): Picture {
  if (picture.channels === channels) return picture;
  if (channels === 1) return greyOf(picture);
  if (channels !== 3) throw new RangeError(`A model of ${channels} channels cannot be fed with images, which have 1 or 3.`);
  const data = new Float32Array(3 * picture.data.length);
  for (let channel = 0; channel < 3; channel++) data.set(picture.data, channel * picture.data.length);
  return { ...picture, channels: 3, data };
}

/** Grey values of a colour picture, one channel. */
export function greyOf(picture: Picture): Picture {
  if (picture.channels === 1) return picture;
  const size = picture.width * picture.height;
  const { data } = picture;
  const grey = new Float32Array(size);
  for (let pixel = 0; pixel < size; pixel++) grey[pixel] = luma[0] * data[pixel]! + luma[1] * data[size + pixel]! + luma[2] * data[2 * size + pixel]!;
  return { ...picture, channels: 1, data: grey };
}
