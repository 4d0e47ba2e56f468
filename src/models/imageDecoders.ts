import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { PNG } from 'pngjs';
import { FormatError } from '../formats';
import { pictureOfBytes, type Picture } from './picture';

/** A picture of 100 million pixels takes more than a gigabyte here; nobody trains on such. */
const mostPixels = 100e6;

export const imageEnding = /\.(?:png|jpe?g|webp)$/i;

interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and opacity of each pixel. */
  readonly data: ArrayLike<number>;
}

type Decode = (bytes: Uint8Array) => Pixels | Promise<Pixels>;

/**
 * The picture in a PNG, JPEG or WebP file, told apart by its first bytes. Opacity is dropped, as PIL's convert("RGB") does; orientation is as stored.
 * @throws {FormatError} naming the file and why
 */
export async function decodeImage(name: string, bytes: Uint8Array): Promise<Picture> {
  const decode = decoderOf(bytes);
  if (decode === null) throw new FormatError(name, 'byte 0', 'is no PNG, JPEG or WebP image');
  const size = sizeOfPng(bytes);
  if (size > mostPixels) throw new FormatError(name, '', `has ${size} pixels, more than the limit of ${mostPixels}`);
  let pixels: Pixels;
  try {
    pixels = await decode(bytes);
  } catch (error) {
    throw new FormatError(name, '', `cannot be decoded: ${error instanceof Error ? error.message : String(error)}`);
  }
  return pictureOfBytes(pixels.data, pixels.width, pixels.height, 4, 3);
}

function decoderOf(bytes: Uint8Array): Decode | null {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (head.startsWith('\x89PNG')) return (content) => PNG.sync.read(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
  if (head.startsWith('\xff\xd8\xff')) return decodeJpeg;
  return head.startsWith('RIFF') && head.endsWith('WEBP') ? decodeWebp : null;
}

/** Width and height stand in the first chunk; a small file can claim a size that does not fit into memory. */
function sizeOfPng(bytes: Uint8Array): number {
  if (bytes[0] !== 0x89 || bytes.length < 24) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getUint32(16) * view.getUint32(20);
}

/** The types of Node do not name it without those of browsers. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<object> };

type WasmDecoder = { init(module: object, overrides: { printErr(): void }): Promise<void>; default(bytes: ArrayBuffer): Promise<Pixels> };

const decodeJpeg = wasmDecoder(() => import('@jsquash/jpeg/decode.js') as Promise<unknown> as Promise<WasmDecoder>, '@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm');
const decodeWebp = wasmDecoder(() => import('@jsquash/webp/decode.js') as Promise<unknown> as Promise<WasmDecoder>, '@jsquash/webp/codec/dec/webp_dec.wasm');

/** A decoder whose WebAssembly is compiled on first use. */
function wasmDecoder(importDecoder: () => Promise<WasmDecoder>, file: string): Decode {
  let loaded: Promise<WasmDecoder> | null = null;
  const load = async () => {
    const decoder = await importDecoder();
    await decoder.init(await WebAssembly.compile(await readFile(createRequire(__filename).resolve(file))), { printErr: () => undefined });
    return decoder;
  };
  return async (bytes) => {
    loaded ??= load();
    try {
      return await (await loaded).default(new Uint8Array(bytes).buffer);
    } catch (error) {
      // What a decoder that gave up is still good for is not known.
      loaded = null;
      throw error;
    }
  };
}
