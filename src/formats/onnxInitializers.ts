import { FormatError, type ByteSource } from './byteSource';
import { bytesOf } from './decode';
import { explainGitLfsPointer } from './gitLfs';
import { staysInside } from './insideFolder';
import { eachVarint, keyAndValue, readOnnxTensor, type OnnxTensor, type OnnxValues } from './onnxTensor';
import { decodeTensor, readPieces } from './pieces';
import { ProtobufRanges } from './protobufRanges';
import type { TensorFormat } from './registry';
import type { OpenSibling, SkippedTensor, Tensor, TensorFile } from './tensors';

/** The largest exported models have tens of thousands. */
const mostTensors = 1_000_000;
const longestText = 64 * 1024;
const mostMetadata = 10_000;

/**
 * The initialisers of an ONNX model's main graph (onnx.proto3): its weights. Only keys and lengths of the protobuf are walked over, so that a model of
 * many gigabytes is listed without being read; protobufjs would want it in memory as a whole. Tensors inside nodes and subgraphs are left out.
 */
export const onnxInitializers: TensorFormat = {
  kind: 'tensors',
  id: 'onnx',
  label: 'ONNX',
  mayBe: (name) => /\.onnx$/i.test(name),
  // There is no signature, so the ending decides: a damaged file is then explained instead of ignored.
  matches: ({ name, head }) => /\.onnx$/i.test(name) && explainGitLfsPointer(head) === null,
  open: async (source, openSibling) => openOnnx(source, openSibling),
};

async function openOnnx(source: ByteSource, openSibling: OpenSibling): Promise<TensorFile> {
  const { tensors, skipped, metadata } = await listInitializers(source);
  const siblings = new Map<string, Promise<ByteSource>>();
  const siblingOf = (location: string) => {
    const sibling = siblings.get(location) ?? openSibling(location);
    siblings.set(location, sibling);
    sibling.catch(() => siblings.delete(location));
    return sibling;
  };
  return {
    tensors: [...tensors.values()].map(({ name, shape, dtype, bytes }) => ({ name, shape, dtype, bytes })),
    metadata,
    skipped,
    async read(name): Promise<Tensor> {
      const place = `tensor ${name}`;
      const tensor = tensors.get(name);
      if (tensor === undefined) {
        throw new FormatError(source.name, place, skipped.find((each) => each.name === name)?.reason ?? 'there is no such initialiser in the model');
      }
      const { shape, dtype, values } = tensor;
      if (values.kind === 'external') {
        const data = await siblingOf(values.location);
        if (values.offset + tensor.bytes > data.size) {
          const reason = `its values end at byte ${values.offset + tensor.bytes} of ${values.location}, which has only ${data.size}`;
          throw new FormatError(source.name, place, reason);
        }
        return { name, shape, dtype, data: await decodeTensor(source.name, place, tensor, (push) => feedRange(data, values.offset, tensor.bytes, push)) };
      }
      return { name, shape, dtype, data: await decodeTensor(source.name, place, tensor, (push) => feedValues(source, tensor, values, push)) };
    },
  };
}

interface Initializers {
  readonly tensors: Map<string, OnnxTensor>;
  readonly skipped: SkippedTensor[];
  readonly metadata: Record<string, string>;
}

/** ModelProto: producer_name = 2, producer_version = 3, graph = 7, metadata_props = 14. */
async function listInitializers(source: ByteSource): Promise<Initializers> {
  const message = new ProtobufRanges(source);
  const metadata = new Map<string, string>();
  const found: Initializers = { tensors: new Map(), skipped: [], metadata: {} };
  let hasGraph = false;
  for await (const field of message.fieldsOf(0, source.size)) {
    switch (field.number) {
      case 2:
        metadata.set('producer', await message.text(field, longestText));
        break;
      case 3:
        metadata.set('producer_version', await message.text(field, longestText));
        break;
      case 7:
        if (field.wireType !== 2) {
          throw new FormatError(source.name, `byte ${field.start}`, 'is no ONNX model: its graph is no message');
        }
        hasGraph = true;
        await listGraph(message, field, found);
        break;
      case 14: {
        const [key, value] = await keyAndValue(message, field);
        if (metadata.size < mostMetadata) metadata.set(key, value);
      }
    }
  }
  if (!hasGraph) {
    throw new FormatError(source.name, '', 'is no ONNX model: it has no graph, or is truncated');
  }
  return { ...found, metadata: Object.fromEntries(metadata) };
}

/** GraphProto: initializer = 5, sparse_initializer = 15. */
async function listGraph(message: ProtobufRanges, graph: { readonly start: number; readonly end: number }, { tensors, skipped }: Initializers): Promise<void> {
  for await (const field of message.fieldsOf(graph.start, graph.end)) {
    if (field.number === 15 && field.wireType === 2) {
      skipped.push({ name: await nameOfSparse(message, field), reason: 'is sparse: only the elements that are not zero are stored, which is not read' });
    }
    if (field.number !== 5 || field.wireType !== 2) {
      continue;
    }
    if (tensors.size + skipped.length >= mostTensors) {
      throw new FormatError(message.source.name, `byte ${field.start}`, `lists more than ${mostTensors} initialisers`);
    }
    const tensor = await readOnnxTensor(message, field);
    const problem = 'reason' in tensor ? tensor.reason : explainLocation(tensor.values);
    if (problem !== null) {
      skipped.push({ name: tensor.name, reason: problem });
    } else if (tensors.has(tensor.name)) {
      skipped.push({ name: tensor.name, reason: 'occurs twice; the first is read' });
    } else {
      tensors.set(tensor.name, tensor as OnnxTensor);
    }
  }
}

/** SparseTensorProto: values = 1, a TensorProto, whose name = 8 is that of the initialiser. */
async function nameOfSparse(message: ProtobufRanges, sparse: { readonly start: number; readonly end: number }): Promise<string> {
  for await (const field of message.fieldsOf(sparse.start, sparse.end)) {
    if (field.number !== 1 || field.wireType !== 2) {
      continue;
    }
    for await (const inner of message.fieldsOf(field.start, field.end)) {
      if (inner.number === 8) return message.text(inner, longestText);
    }
  }
  return '';
}

function explainLocation(values: OnnxValues): string | null {
  if (values.kind !== 'external' || staysInside(values.location)) {
    return null;
  }
  return values.location === '' ? 'its external file is not named' : `is said to be in ${JSON.stringify(values.location)}, which is outside of the folder`;
}

async function feedRange(source: ByteSource, offset: number, length: number, push: (bytes: Uint8Array) => void): Promise<void> {
  for await (const piece of readPieces(source, offset, length)) {
    push(piece);
  }
}

async function feedValues(source: ByteSource, { dtype }: OnnxTensor, values: Exclude<OnnxValues, { kind: 'external' }>, push: (bytes: Uint8Array) => void): Promise<void> {
  if (values.kind === 'bytes') {
    for (const { start, end } of values.ranges) {
      await feedRange(source, start, end - start, push);
    }
    return;
  }
  const size = bytesOf(dtype);
  const element = Buffer.alloc(8);
  for (const { start, end } of values.ranges) {
    let torn: Uint8Array = new Uint8Array(0);
    for await (const piece of readPieces(source, start, end - start)) {
      const bytes = torn.length === 0 ? piece : Buffer.concat([torn, piece]);
      const numbers = new Uint8Array(bytes.length * size);
      let filled = 0;
      torn = eachVarint(bytes, (value) => {
        element.writeBigUInt64LE(value);
        numbers.set(element.subarray(0, size), filled);
        filled += size;
      });
      push(numbers.subarray(0, filled));
    }
    if (torn.length > 0) {
      throw new RangeError('its last number does not end');
    }
  }
}
