import { FormatError } from './byteSource';
import type { Hdf5Bytes, Hdf5Cursor } from './hdf5Bytes';

/** Types of the messages of an object header that are looked at (specification, IV.A.2). */
export const messageType = {
  dataspace: 0x01, linkInfo: 0x02, datatype: 0x03, oldFill: 0x04, fill: 0x05, link: 0x06, externalFiles: 0x07, layout: 0x08, filters: 0x0b, attribute: 0x0c,
  continuation: 0x10, symbolTable: 0x11, attributeInfo: 0x15,
} as const;

const signature = '\x89HDF\r\n\x1a\n';
/** A shared message may be shared again; nobody nests them. */
const mostShares = 4;

/** One message of an object header; `cursor` stands at its first byte. */
export interface Message {
  readonly type: number;
  readonly cursor: Hdf5Cursor;
}

/** Finds the superblock and sets base and sizes. @returns the address of the root group's header */
export async function readSuperblock(file: Hdf5Bytes): Promise<number> {
  const { source } = file;
  file.base = await findSuperblock(file);
  const shown = Math.min(source.size - file.base, 128);
  const cursor = await file.at(0, shown);
  cursor.skip(8);
  const version = cursor.u8();
  if (version > 3) {
    throw cursor.fail(`version ${version} of HDF5's superblock is unknown`);
  }
  if (version < 2) {
    cursor.skip(4);
  }
  file.offsetSize = sizeOf(cursor);
  file.lengthSize = sizeOf(cursor);
  if (version >= 2) {
    cursor.skip(1 + 2 * file.offsetSize);
    const end = cursor.unsigned(file.offsetSize);
    const root = cursor.definedAddress();
    cursor.verify(12 + 4 * file.offsetSize + 4);
    requireComplete(file, end);
    return root;
  }
  cursor.skip(1 + 8 + (version === 1 ? 4 : 0) + 2 * file.offsetSize);
  const end = cursor.unsigned(file.offsetSize);
  cursor.skip(2 * file.offsetSize);
  const root = cursor.definedAddress();
  requireComplete(file, end);
  return root;
}

/** Whether bytes hold the signature at a place where a superblock may be. */
export function hasSuperblock(head: Uint8Array): boolean {
  for (let at = 0; at + 8 <= head.length; at = at === 0 ? 512 : at * 2) {
    if (Buffer.from(head.subarray(at, at + 8)).toString('latin1') === signature) {
      return true;
    }
  }
  return false;
}

async function findSuperblock({ source }: Hdf5Bytes): Promise<number> {
  for (let at = 0; at + 8 <= source.size; at = at === 0 ? 512 : at * 2) {
    if (Buffer.from(await source.read(at, 8)).toString('latin1') === signature) {
      return at;
    }
  }
  throw new FormatError(source.name, 'byte 0', 'is no HDF5 file: its signature is missing');
}

function sizeOf(cursor: Hdf5Cursor): number {
  const size = cursor.u8();
  if (size !== 2 && size !== 4 && size !== 8) {
    throw cursor.fail(`addresses of ${size} bytes are not read (2, 4 and 8 are)`);
  }
  return size;
}

function requireComplete({ source, base }: Hdf5Bytes, end: number): void {
  if (end > source.size) {
    throw new FormatError(source.name, `byte ${base}`, `should end at byte ${end}, but the file has only ${source.size}: truncated or still being written`);
  }
}

/** All messages of the object at an address, continuations followed and shared ones replaced by what they refer to. */
export async function readObject(file: Hdf5Bytes, address: number): Promise<Message[]> {
  return readMessages(file, address, 0);
}

async function readMessages(file: Hdf5Bytes, address: number, shares: number): Promise<Message[]> {
  const first = (await file.at(address, 4)).u32();
  // "OHDR" begins the newer form.
  const isNew = first === 0x5244484f;
  const messages: Message[] = [];
  const blocks = [isNew ? await newHeader(file, address) : await oldHeader(file, address)];
  const seen = new Set<number>();
  for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) {
    const { cursor, tracked } = block;
    const prefix = isNew ? 4 + (tracked ? 2 : 0) : 8;
    while (cursor.left >= prefix) {
      const type = isNew ? cursor.u8() : cursor.u16();
      const length = cursor.u16();
      const flags = cursor.u8();
      cursor.skip(isNew ? (tracked ? 2 : 0) : 3);
      const data = cursor.part(length);
      if (type === messageType.continuation) {
        const at = data.definedAddress();
        const size = data.length();
        if (seen.has(at)) {
          throw data.fail('the object header continues in a circle');
        }
        seen.add(at);
        blocks.push({ cursor: isNew ? await continued(file, at, size) : await file.at(at, size), tracked });
      } else if ((flags & 2) === 0) {
        messages.push({ type, cursor: data });
      } else {
        messages.push({ type, cursor: await sharedMessage(type, data, shares) });
      }
    }
  }
  return messages;
}

interface Block {
  readonly cursor: Hdf5Cursor;
  /** Whether every message carries its creation order. */
  readonly tracked: boolean;
}

async function oldHeader(file: Hdf5Bytes, address: number): Promise<Block> {
  const cursor = await file.at(address, 16);
  const version = cursor.u8();
  if (version !== 1) {
    throw cursor.fail('an object header is expected here: damaged');
  }
  cursor.skip(7);
  return { cursor: await file.at(address + 16, cursor.u32()), tracked: false };
}

async function newHeader(file: Hdf5Bytes, address: number): Promise<Block> {
  const start = await file.at(address, 6);
  start.skip(4);
  const version = start.u8();
  if (version !== 2) {
    throw start.fail(`version ${version} of an object header is unknown`);
  }
  const flags = start.u8();
  const sizeBytes = 1 << (flags & 3);
  const before = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
  const prefix = await file.at(address, before + sizeBytes);
  prefix.skip(before);
  const length = prefix.unsigned(sizeBytes);
  const whole = await file.checked(address, before + sizeBytes + length + 4, 'OHDR');
  whole.skip(before + sizeBytes - 4);
  return { cursor: whole.part(length), tracked: (flags & 4) !== 0 };
}

async function continued(file: Hdf5Bytes, address: number, length: number): Promise<Hdf5Cursor> {
  if (length < 8) {
    throw (await file.at(address, 0)).fail('a continued object header is too short');
  }
  const whole = await file.checked(address, length, 'OCHK');
  return whole.part(length - 8);
}

/** A message that stands in another object header, such as a committed datatype. */
export async function sharedMessage(type: number, data: Hdf5Cursor, shares = 0): Promise<Hdf5Cursor> {
  const version = data.u8();
  const kind = data.u8();
  if (version === 3 && kind === 1) {
    throw data.fail('a message is shared through a table of the whole file, which is not read');
  }
  if (version > 3 || shares >= mostShares) {
    throw data.fail('a shared message cannot be found');
  }
  if (version === 1) {
    data.skip(6);
  }
  const messages = await readMessages(data.file, data.definedAddress(), shares + 1);
  const found = messages.find((message) => message.type === type);
  if (found === undefined) {
    throw data.fail('a shared message is not where it is said to be');
  }
  return found.cursor;
}
