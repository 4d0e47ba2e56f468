import { Reader, Writer } from 'protobufjs/light';

/** ModelProto.graph. */
const graphField = 7;
/** GraphProto.initializer. */
const initialiserField = 5;

export interface GraphEdit {
  /** Whether to keep the initialiser of this place. */
  readonly keepsInitialiser: (place: number) => boolean;
  /** A GraphProto whose nodes come before those of the model. */
  readonly before: Uint8Array;
  /** A GraphProto whose values and nodes come after those of the model. */
  readonly after: Uint8Array;
}

/**
 * Changes the graph of an ONNX model without taking the rest apart: what is not known to this schema stays byte for byte. Messages that stand one behind
 * another in one field are merged by every reader of protobuf (protobuf.dev/programming-guides/encoding, "Last One Wins").
 */
export function editGraph(model: Uint8Array, { keepsInitialiser, before, after }: GraphEdit): Uint8Array {
  const others: Uint8Array[] = [];
  const graph: Uint8Array[] = [before];
  let place = 0;
  eachField(model, (field, whole, content) => {
    if (field !== graphField) {
      others.push(whole);
      return;
    }
    eachField(content, (inner, innerWhole) => {
      if (inner !== initialiserField || keepsInitialiser(place++)) graph.push(innerWhole);
    });
  });
  graph.push(after);
  const writer = Writer.create().uint32((graphField << 3) | 2).bytes(Buffer.concat(graph));
  return Buffer.concat([...others, writer.finish()]);
}

/** Hands over each field of a message: its number, its bytes with the key, and, where it is length-delimited, its content. */
function eachField(message: Uint8Array, take: (field: number, whole: Uint8Array, content: Uint8Array) => void): void {
  const reader = Reader.create(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const key = reader.uint32();
    if ((key & 7) === 2) {
      const length = reader.uint32();
      reader.skip(length);
      take(key >>> 3, message.subarray(start, reader.pos), message.subarray(reader.pos - length, reader.pos));
    } else {
      reader.skipType(key & 7);
      take(key >>> 3, message.subarray(start, reader.pos), new Uint8Array(0));
    }
  }
}
