import { FormatError, type ByteSource } from './byteSource';
import { bytesInMemory, TensorDecoder, type TensorData } from './decode';
import type { DType } from './tensors';

/** Large enough to keep a disk busy, small enough to be no burden beside the tensor itself; a multiple of every element size. */
const pieceBytes = 4 * 1024 * 1024;

/** The bytes of a range, in order, a few megabytes at a time. */
export async function* readPieces(source: ByteSource, offset: number, length: number): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length; done += pieceBytes) {
    yield await source.read(offset + done, Math.min(pieceBytes, length - done));
  }
}

export interface Encoding {
  readonly dtype: DType;
  /** Checked against the file by the caller: that much memory is taken at once. */
  readonly elements: number;
  readonly bigEndian?: boolean;
}

/**
 * Decodes a tensor from pieces that `feed` hands over.
 * @throws {FormatError} naming `place` when there is no memory for it or the pieces are too many or too few.
 */
export async function decodeTensor(
  fileName: string,
  place: string,
  { dtype, elements, bigEndian = false }: Encoding,
  feed: (push: (bytes: Uint8Array) => void) => Promise<void>,
): Promise<TensorData> {
  try {
    const decoder = new TensorDecoder(dtype, elements, bigEndian);
    await feed((bytes) => decoder.push(bytes));
    return decoder.finish();
  } catch (error) {
    if (error instanceof RangeError) {
      throw new FormatError(fileName, place, `cannot be put into ${elements * bytesInMemory(dtype)} bytes of memory (${error.message})`);
    }
    throw error;
  }
}
