import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFormatRegistry, FormatError, openTensors, type Tensor } from '../../../src/formats';
import { openImages, type Picture } from '../../../src/models';
import { adjustBrightness, adjustContrast, adjustHue, adjustSaturation, withoutColour } from '../../../src/models/colours';
import { decodeImage } from '../../../src/models/imageDecoders';
import { resize, resizeAndCrop } from '../../../src/models/resizing';
import { modelsFolder } from './fixtures';

const folder = path.join(modelsFolder, '../images');
const expected = new Map<string, Tensor>();

beforeAll(async () => {
  const { file } = await openTensors(path.join(folder, 'expected.safetensors'), createFormatRegistry());
  for (const { name } of file.tensors) expected.set(name, await file.read(name));
});

/** Largest difference of values in [0, 1]. */
function difference(actual: Picture, wanted: ArrayLike<number>): number {
  expect(actual.data.length).toBe(wanted.length);
  return actual.data.reduce((most, value, place) => Math.max(most, Math.abs(value - wanted[place]!)), 0);
}

/** [height, width, channels] bytes -> [channels, height, width] in [0, 1]. */
function planes(bytes: ArrayLike<number>, pixels: number): Float32Array {
  return Float32Array.from({ length: 3 * pixels }, (_, place) => bytes[(place % pixels) * 3 + Math.floor(place / pixels)]! / 255);
}

describe('A folder of images', () => {
  const files = ['cat/opacity.png', 'cat/palette.png', 'cat/rgb.png', 'dog/bits.png', 'dog/colours.jpg', 'dog/grey.jpeg', 'dog/grey.png', 'dog/progressive.JPG', 'emu/lossless.webp', 'emu/lossy.webp'];

  it('is listed in order, its subfolders being the classes', async () => {
    const set = await openImages(path.join(folder, 'folder'));
    expect(set.count).toBe(files.length);
    expect(files.map((_, index) => set.label(index))).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 2, 2]);
  });

  for (const [index, file] of files.entries()) {
    it(`gives of ${file} what PIL gives`, async () => {
      const set = await openImages(path.join(folder, 'folder'));
      const picture = await set.read(index);
      expect([picture.width, picture.height, picture.channels]).toEqual([23, 17, 3]);
      // Lossless exactly; decoders of lossy formats may round differently.
      expect(difference(picture, planes(expected.get(`folder/${file}`)!.data as Uint8Array, 23 * 17))).toBeLessThanOrEqual(/png|lossless/.test(file) ? 0 : 2 / 255);
    });
  }
});

describe('Images in one file', () => {
  for (const [file, channels, label] of [['last.npy', 3, -1], ['first.npz', 3, 7], ['grey.npy', 1, -1], ['tiny-images-idx3-ubyte.gz', 1, 7]] as const) {
    it(`are read from ${file}, with labels where there are some`, async () => {
      const set = await openImages(path.join(folder, file));
      expect([set.count, set.label(2)]).toEqual([3, label]);
      const picture = await set.read(2);
      expect([picture.width, picture.height, picture.channels]).toEqual([12, 10, channels]);
      const wanted = planes((expected.get('arrays')!.data as Uint8Array).subarray(720), 120);
      expect(difference(picture, channels === 1 ? wanted.subarray(0, 120) : wanted)).toBeLessThan(1e-7);
    });
  }

  for (const [file, labels] of [['data_batch_1.bin', [6, 9]], ['test.bin', [61, 99]]] as const) {
    it(`are read from ${file} of CIFAR`, async () => {
      const set = await openImages(path.join(folder, file));
      expect([set.label(0), set.label(1)]).toEqual(labels);
      const wanted = Float32Array.from((expected.get('cifar')!.data as Uint8Array).subarray(3072), (value) => value / 255);
      expect(difference(await set.read(1), wanted)).toBe(0);
    });
  }

  it('are those of all training batches when the folder of CIFAR is named', async () => {
    const set = await openImages(folder);
    expect([set.count, set.label(1), (await set.read(1)).width]).toEqual([2, 9, 32]);
  });
});

describe('Data that cannot be read', () => {
  let scratch = '';
  beforeAll(async () => {
    scratch = await mkdtemp(path.join(tmpdir(), 'layerscope-images-'));
  });
  afterAll(() => rm(scratch, { recursive: true }));

  const cases: readonly [string, Buffer, RegExp][] = [
    ['short.png', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), /short\.png: cannot be decoded/],
    ['huge.png', Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'), Buffer.from([0, 1, 0, 0, 0, 1, 0, 0, 8, 2, 0, 0, 0])]), /huge\.png: has 4294967296 pixels/],
    ['text.jpg', Buffer.from('no image'), /text\.jpg, byte 0: is no PNG, JPEG or WebP image/],
    ['cut.jpg', Buffer.from('\xff\xd8\xff\xe0\0\x10JFIF', 'latin1'), /cut\.jpg: cannot be decoded/],
    ['cut.webp', Buffer.from('RIFF\x04\0\0\0WEBP', 'latin1'), /cut\.webp: cannot be decoded/],
  ];
  for (const [name, content, reason] of cases) {
    it(`is refused with its name and the reason: ${name}`, async () => {
      const inside = await mkdtemp(path.join(scratch, 'one-'));
      await writeFile(path.join(inside, name), content);
      const set = await openImages(inside);
      await expect(set.read(0)).rejects.toThrow(reason);
      const others = await openImages(path.join(folder, 'folder'));
      expect((await Promise.all([4, 8].map((index) => others.read(index)))).map(({ width }) => width), 'images read afterwards').toEqual([23, 23]);
    });
  }

  for (const file of ['cat/rgb.png', 'dog/colours.jpg', 'emu/lossy.webp']) {
    it(`is refused with its name or read, wherever ${file} is cut off or changed`, async () => {
      const whole = await readFile(path.join(folder, 'folder', file));
      for (let round = 0; round < 24; round++) {
        const place = Math.floor((whole.length * (round + 1)) / 25);
        const bytes = round % 2 === 0 ? whole.subarray(0, place) : Uint8Array.from(whole, (byte, at) => (at === place ? byte ^ 0x55 : byte));
        const outcome = await decodeImage(file, bytes).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(FormatError);
        else expect((outcome as Picture).data.length).toBeGreaterThan(0);
      }
    });
  }

  it('is refused with its name and the reason: files of another length than they say', async () => {
    await writeFile(path.join(scratch, 'a-images-idx3-ubyte'), Buffer.from([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1]));
    await expect(openImages(path.join(scratch, 'a-images-idx3-ubyte'))).rejects.toThrow(/byte 16: \[2, 2, 2\] bytes should follow, but 1 do/);
    await writeFile(path.join(scratch, 'test_batch.bin'), Buffer.alloc(100));
    await expect(openImages(path.join(scratch, 'test_batch.bin'))).rejects.toThrow(/has 100 bytes, which is no multiple of the 3073/);
    await expect(openImages(path.join(scratch, 'nothing'))).rejects.toThrow(/nothing: does not exist/);
  });
});

describe('A picture', () => {
  const original = async () => (await openImages(path.join(folder, 'folder'))).read(2);

  for (const [height, width] of [[8, 8], [5, 40], [34, 11], [17, 23]] as const) {
    it(`of 17 x 23 becomes the same as in torchvision at ${height} x ${width}`, async () => {
      expect(difference(resize(await original(), height, width), expected.get(`resize/${height}x${width}`)!.data as Float32Array)).toBeLessThan(1e-6);
    });
  }

  it('is cut to its middle as in torchvision', async () => {
    expect(difference(resizeAndCrop(await original(), 16, 16, 16), expected.get('crop/16')!.data as Float32Array)).toBeLessThan(1e-6);
    expect(difference(resizeAndCrop(await original(), 9, 9, 12), expected.get('crop/9')!.data as Float32Array)).toBeLessThan(1e-6);
  });

  const changes = { brightness: adjustBrightness, contrast: adjustContrast, saturation: adjustSaturation, hue: adjustHue };
  for (const name of ['brightness/0.4', 'brightness/1.7', 'contrast/0.4', 'contrast/1.7', 'saturation/0.4', 'saturation/1.7', 'hue/-0.2', 'hue/0.13', 'hue/0.5'] as const) {
    it(`changes its colours as in torchvision: ${name}`, async () => {
      const [kind, amount] = name.split('/') as [keyof typeof changes, string];
      expect(difference(changes[kind](await original(), Number(amount)), expected.get(name)!.data as Float32Array)).toBeLessThan(2e-6);
    });
  }

  it('loses its colours as in torchvision', async () => {
    expect(difference(withoutColour(await original()), expected.get('grey')!.data as Float32Array)).toBeLessThan(1e-6);
  });
});
