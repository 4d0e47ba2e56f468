import { FormatError, type ByteSource } from './byteSource';
import { basename } from 'node:path';
import { explainGitLfsPointer } from './gitLfs';
import { NpyError, npyHeaderLength, npyPreamble, parseNpyHeader, toRowMajor, type NpyHeader } from './npy';
import { decodeTensor, readPieces } from './pieces';
import type { TensorFormat } from './registry';
import type { Tensor, TensorFile } from './tensors';

/** NumPy's `save`: one array, called after the file. */
export const npyFile: TensorFormat = {
  kind: 'tensors',
  id: 'npy',
  label: 'npy',
  mayBe: (name) => /\.npy$/i.test(name),
  matches: ({ name, head }) => /\.npy$/i.test(name) && explainGitLfsPointer(head) === null,
  open: async (source) => openNpy(source),
};

async function openNpy(source: ByteSource): Promise<TensorFile> {
  const name = basename(source.name.replaceAll('\\', '/')).replace(/\.npy$/i, '');
  const header = await readHeader(source);
  const { shape, type, elements, dataStart, dataBytes, fortranOrder } = header;
  if (type.kind !== 'number') {
    const reason = type.kind === 'text' ? 'holds texts' : type.reason;
    return { tensors: [], metadata: {}, skipped: [{ name, reason }], read: () => Promise.reject(new FormatError(source.name, `tensor ${name}`, reason)) };
  }
  const { dtype, bigEndian } = type;
  if (dataStart + dataBytes !== source.size) {
    const reason = `its shape [${shape.join(', ')}] needs ${dataBytes} bytes, but ${source.size - dataStart} follow its header`;
    throw new FormatError(source.name, `byte ${dataStart}`, reason);
  }
  return {
    tensors: [{ name, shape, dtype, bytes: dataBytes }],
    metadata: {},
    skipped: [],
    async read(wanted): Promise<Tensor> {
      if (wanted !== name) {
        throw new FormatError(source.name, `tensor ${wanted}`, 'there is no such array in the file');
      }
      const data = await decodeTensor(source.name, `tensor ${name}`, { dtype, bigEndian, elements }, async (push) => {
        for await (const piece of readPieces(source, dataStart, dataBytes)) push(piece);
      });
      return { name, shape, dtype, data: fortranOrder ? toRowMajor(data, shape) : data };
    },
  };
}

async function readHeader(source: ByteSource): Promise<NpyHeader> {
  try {
    const { start, length } = npyHeaderLength(await source.read(0, Math.min(npyPreamble, source.size)));
    return parseNpyHeader(await source.read(0, Math.min(start + length, source.size)));
  } catch (error) {
    throw error instanceof NpyError ? new FormatError(source.name, 'byte 0', error.message) : error;
  }
}
