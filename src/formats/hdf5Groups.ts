import type { Hdf5Bytes, Hdf5Cursor } from './hdf5Bytes';
import { FractalHeap, readTree } from './hdf5Heaps';
import { messageType, type Message } from './hdf5Objects';

const deepestTree = 32;

/** An entry of a group. */
export interface Link {
  readonly name: string;
  /** Order of creation, where the group keeps it. */
  readonly order: number | null;
  /** Soft links are named by the path they lead to, external ones by file and path. */
  readonly target: { readonly kind: 'hard'; readonly address: number } | { readonly kind: 'soft' | 'external' | 'other'; readonly text: string };
}

/** Whether an object header is that of a group. */
export function isGroup(messages: readonly Message[]): boolean {
  return messages.some(({ type }) => type === messageType.symbolTable || type === messageType.linkInfo || type === messageType.link);
}

/** The entries of a group in any of the three forms in which HDF5 keeps them. */
export async function readLinks(file: Hdf5Bytes, messages: readonly Message[]): Promise<Link[]> {
  const links: Link[] = [];
  for (const { type, cursor } of messages) {
    if (type === messageType.symbolTable) {
      await symbolTable(file, cursor, links);
    } else if (type === messageType.link) {
      links.push(readLink(cursor));
    } else if (type === messageType.linkInfo) {
      await denseLinks(file, cursor, links);
    }
  }
  return links;
}

/** A link message (specification, IV.A.2.g). */
function readLink(cursor: Hdf5Cursor): Link {
  const version = cursor.u8();
  const flags = cursor.u8();
  if (version !== 1) {
    throw cursor.fail(`version ${version} of a link is unknown`);
  }
  const type = flags & 8 ? cursor.u8() : 0;
  const order = flags & 4 ? cursor.unsigned(8) : null;
  if (flags & 16) {
    cursor.skip(1);
  }
  const name = cursor.text(cursor.unsigned(1 << (flags & 3)));
  switch (type) {
    case 0:
      return { name, order, target: { kind: 'hard', address: cursor.definedAddress() } };
    case 1:
      return { name, order, target: { kind: 'soft', text: cursor.text(cursor.u16()) } };
    case 64: {
      const value = cursor.part(cursor.u16());
      value.skip(1);
      return { name, order, target: { kind: 'external', text: value.zeroEnded() } };
    }
    default:
      return { name, order, target: { kind: 'other', text: `link type ${type}` } };
  }
}

async function denseLinks(file: Hdf5Bytes, cursor: Hdf5Cursor, links: Link[]): Promise<void> {
  cursor.skip(1);
  const flags = cursor.u8();
  if (flags & 1) {
    cursor.skip(8);
  }
  const heapAddress = cursor.address();
  const names = cursor.address();
  if (heapAddress === null || names === null) {
    return;
  }
  const heap = await FractalHeap.open(file, heapAddress);
  for await (const record of readTree(file, names, 5)) {
    record.skip(4);
    links.push(readLink(await heap.object(record)));
  }
}

/** B-tree of version 1, symbol table nodes and a local heap of names (specification, III.A to III.D). */
async function symbolTable(file: Hdf5Bytes, cursor: Hdf5Cursor, links: Link[]): Promise<void> {
  const { offsetSize, lengthSize } = file;
  const tree = cursor.definedAddress();
  const heapHeader = await file.signed(cursor.definedAddress(), 8 + 2 * lengthSize + offsetSize, 'HEAP');
  heapHeader.skip(4);
  const heapBytes = heapHeader.length();
  heapHeader.skip(lengthSize);
  const heap = await file.at(heapHeader.definedAddress(), heapBytes);
  const textAt = (offset: number) => {
    heap.position = Math.min(offset, heapBytes);
    return heap.zeroEnded();
  };
  const visit = async (address: number, depth: number): Promise<void> => {
    const head = await file.signed(address, 8, 'TREE');
    const type = head.u8();
    const level = head.u8();
    const count = head.u16();
    if (type !== 0 || depth > deepestTree) {
      throw head.fail('the B-tree of names is damaged here');
    }
    const node = await file.at(address + 8 + 2 * offsetSize, count * (lengthSize + offsetSize));
    for (let i = 0; i < count; i++) {
      node.skip(lengthSize);
      const child = node.definedAddress();
      if (level > 0) await visit(child, depth + 1);
      else await symbols(child);
    }
  };
  const symbols = async (address: number): Promise<void> => {
    const head = await file.signed(address, 8, 'SNOD');
    head.skip(2);
    const count = head.u16();
    const entries = await file.at(address + 8, count * (2 * offsetSize + 24));
    for (let i = 0; i < count; i++) {
      const name = textAt(entries.unsigned(offsetSize));
      const object = entries.address();
      const cache = entries.u32();
      entries.skip(4);
      const scratch = entries.part(16);
      if (cache === 2) {
        links.push({ name, order: null, target: { kind: 'soft', text: textAt(scratch.u32()) } });
      } else if (object !== null) {
        links.push({ name, order: null, target: { kind: 'hard', address: object } });
      }
    }
  };
  await visit(tree, 0);
}
