import { decodeNumbers } from './decodeNumbers';
import type { Hdf5Bytes, Hdf5Cursor } from './hdf5Bytes';
import { FractalHeap, globalHeapText, readTree } from './hdf5Heaps';
import { messageType, sharedMessage, type Message } from './hdf5Objects';
import { readDataspace, readType } from './hdf5Types';

/** Keras keeps the description of a whole model as one text; nothing longer describes anything. */
const longestText = 4 * 1024 * 1024;
/** Longer lists are data. Keras has one name a layer. */
const mostTexts = 10_000;
const mostNumbers = 64;

/** The attributes of an object as text: single values as they are, lists as JSON. Those of other types are left out. */
export async function readAttributes(file: Hdf5Bytes, messages: readonly Message[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const { type, cursor } of messages) {
    if (type === messageType.attribute) {
      await readAttribute(file, cursor, found);
    } else if (type === messageType.attributeInfo) {
      await denseAttributes(file, cursor, found);
    }
  }
  return found;
}

async function denseAttributes(file: Hdf5Bytes, cursor: Hdf5Cursor, found: Map<string, string>): Promise<void> {
  cursor.skip(1);
  if (cursor.u8() & 1) {
    cursor.skip(2);
  }
  const heapAddress = cursor.address();
  const names = cursor.address();
  if (heapAddress === null || names === null) {
    return;
  }
  const heap = await FractalHeap.open(file, heapAddress);
  for await (const record of readTree(file, names, 8)) {
    await readAttribute(file, await heap.object(record.part(8)), found);
  }
}

/** An attribute message (specification, IV.A.2.m). */
async function readAttribute(file: Hdf5Bytes, cursor: Hdf5Cursor, found: Map<string, string>): Promise<void> {
  const version = cursor.u8();
  const flags = cursor.u8();
  if (version < 1 || version > 3) {
    throw cursor.fail(`version ${version} of an attribute is unknown`);
  }
  const [nameBytes, typeBytes, spaceBytes] = [cursor.u16(), cursor.u16(), cursor.u16()];
  if (version === 3) {
    cursor.skip(1);
  }
  const padded = (bytes: number) => (version === 1 ? Math.ceil(bytes / 8) * 8 : bytes);
  const name = cursor.part(padded(nameBytes)).zeroEnded();
  const typePart = cursor.part(padded(typeBytes));
  const spacePart = cursor.part(padded(spaceBytes));
  const type = readType(version > 1 && flags & 1 ? await sharedMessage(messageType.datatype, typePart) : typePart);
  const space = readDataspace(version > 1 && flags & 2 ? await sharedMessage(messageType.dataspace, spacePart) : spacePart);
  if (typeof space === 'string' || space.isNull) {
    return;
  }
  const { elements, shape } = space;
  const keep = (values: readonly (string | number)[]) => {
    found.set(name, shape.length === 0 ? String(values[0]) : JSON.stringify(values));
  };
  switch (type.kind) {
    case 'text':
      if (elements <= mostTexts && elements * type.bytes <= longestText) {
        keep(Array.from({ length: elements }, () => cursor.text(type.bytes)));
      }
      return;
    case 'variableText':
      if (elements <= mostTexts) {
        const texts: string[] = [];
        let left = longestText;
        for (let i = 0; i < elements; i++) {
          const length = cursor.u32();
          const address = cursor.address();
          const index = cursor.u32();
          if ((left -= length) < 0) {
            return;
          }
          texts.push(address === null || address === 0 || length === 0 ? '' : await globalHeapText(file, address, index, length));
        }
        keep(texts);
      }
      return;
    case 'number':
      if (elements <= mostNumbers) {
        keep(decodeNumbers(cursor.part(elements * type.bytes).bytes, type));
      }
  }
}
