import type { Hdf5Bytes, Hdf5Cursor } from './hdf5Bytes';
import { bytesFor } from './hdf5Types';

/** Deeper trees have more leaves than any file has bytes. */
const deepestTree = 32;
const mostDepth = 16;

/** The records of a B-tree of version 2, in order (specification, III.A.2). */
export async function* readTree(file: Hdf5Bytes, address: number, type: number): AsyncGenerator<Hdf5Cursor> {
  const header = await file.checked(address, 16 + file.offsetSize + 2 + file.lengthSize + 4, 'BTHD');
  header.skip(1);
  const found = header.u8();
  if (found !== type) {
    throw header.fail(`a B-tree of type ${type} is expected here, not ${found}`);
  }
  const nodeBytes = header.u32();
  const recordBytes = header.u16();
  const depth = header.u16();
  header.skip(2);
  const root = header.address();
  const records = header.u16();
  if (depth > mostDepth || recordBytes === 0) {
    throw header.fail('the B-tree here is damaged');
  }
  if (root === null) {
    return;
  }
  // The sizes of a child's numbers follow from how many records its node, and all below it, can hold at most.
  const fits = [Math.floor((nodeBytes - 10) / recordBytes)];
  const below = [fits[0]!];
  const countBytes = bytesFor(fits[0]!);
  for (let level = 1; level <= depth; level++) {
    const pointer = file.offsetSize + countBytes + (level > 1 ? bytesFor(below[level - 1]!) : 0);
    fits.push(Math.floor((nodeBytes - 10 - pointer) / (recordBytes + pointer)));
    below.push((fits[level]! + 1) * below[level - 1]! + fits[level]!);
  }
  async function* node(at: number, count: number, level: number): AsyncGenerator<Hdf5Cursor> {
    const pointer = level === 0 ? 0 : file.offsetSize + countBytes + (level > 1 ? bytesFor(below[level - 1]!) : 0);
    const length = 6 + count * recordBytes + (level === 0 ? 0 : (count + 1) * pointer) + 4;
    const cursor = await file.checked(at, length, level === 0 ? 'BTLF' : 'BTIN');
    cursor.skip(2);
    const own = Array.from({ length: count }, () => cursor.part(recordBytes));
    for (let i = 0; i <= count; i++) {
      if (level > 0) {
        const child = cursor.definedAddress();
        const childCount = cursor.unsigned(countBytes);
        cursor.skip(pointer - file.offsetSize - countBytes);
        yield* node(child, childCount, level - 1);
      }
      if (i < count) yield own[i]!;
    }
  }
  yield* node(root, records, depth);
}

/** Objects of differing sizes in a doubling table of blocks (specification, III.G); used for many links or attributes. */
export class FractalHeap {
  private constructor(
    private readonly file: Hdf5Bytes,
    private readonly addressBits: number,
    private readonly lengthBytes: number,
    private readonly width: number,
    private readonly firstBlock: number,
    private readonly largestDirect: number,
    private readonly root: number | null,
    private readonly rootRows: number,
  ) {}

  static async open(file: Hdf5Bytes, address: number): Promise<FractalHeap> {
    const { offsetSize, lengthSize } = file;
    const cursor = await file.checked(address, 22 + 12 * lengthSize + 3 * offsetSize + 4, 'FRHP').catch(async (error: unknown) => {
      // With filters the header is longer, and so the checksum elsewhere.
      const start = await file.signed(address, 9, 'FRHP');
      start.skip(3);
      throw start.u16() === 0 ? error : start.fail('compressed links or attributes are not read');
    });
    cursor.skip(1 + 2 + 2 + 1);
    const largestObject = cursor.u32();
    cursor.skip(10 * lengthSize + 2 * offsetSize);
    const width = cursor.u16();
    const firstBlock = cursor.length();
    const largestDirect = cursor.length();
    const addressBits = cursor.u16();
    cursor.skip(2);
    const root = cursor.address();
    const rootRows = cursor.u16();
    if (width === 0 || !(firstBlock > 0) || !(largestDirect >= firstBlock) || addressBits > 64) {
      throw cursor.fail('the heap here is damaged');
    }
    const lengthBytes = Math.min(bytesFor(largestDirect), bytesFor(largestObject));
    return new FractalHeap(file, addressBits, lengthBytes, width, firstBlock, largestDirect, root, rootRows);
  }

  /** The object that a heap id names. */
  async object(id: Hdf5Cursor): Promise<Hdf5Cursor> {
    const first = id.u8();
    switch ((first >> 4) & 3) {
      case 0: {
        const offset = id.unsigned(this.offsetBytes);
        const length = id.unsigned(this.lengthBytes);
        return this.managed(offset, length);
      }
      case 2:
        return id.part((first & 15) + 1);
      default:
        throw id.fail('an attribute or name of more than 64 KB is not read');
    }
  }

  private get offsetBytes(): number {
    return Math.ceil(this.addressBits / 8);
  }

  private async managed(offset: number, length: number): Promise<Hdf5Cursor> {
    if (this.root === null) {
      throw (await this.file.at(0, 0)).fail('a heap is empty that should hold a name or attribute');
    }
    let address = this.root;
    let rows = this.rootRows;
    let rest = offset;
    for (let depth = 0; rows > 0; depth++) {
      const { row, column, start } = this.locate(rest);
      const cursor = await this.file.signed(address, 5 + this.file.offsetSize + this.offsetBytes + (row + 1) * this.width * this.file.offsetSize, 'FHIB');
      if (row >= rows || depth > deepestTree) {
        throw cursor.fail('the heap here is damaged');
      }
      cursor.skip(1 + this.file.offsetSize + this.offsetBytes + (row * this.width + column) * this.file.offsetSize);
      address = cursor.definedAddress();
      const bytes = this.blockBytes(row);
      rows = bytes <= this.largestDirect ? 0 : Math.log2(bytes / (this.firstBlock * this.width)) + 1;
      rest -= start;
    }
    return this.file.at(address + rest, length);
  }

  /** Rows 0 and 1 have blocks of the first size, every further row of twice the size. */
  private blockBytes(row: number): number {
    return this.firstBlock * 2 ** Math.max(0, row - 1);
  }

  private locate(offset: number): { row: number; column: number; start: number } {
    let start = 0;
    for (let row = 0; row < 64; row++) {
      const bytes = this.blockBytes(row);
      if (offset < start + bytes * this.width) {
        const column = Math.floor((offset - start) / bytes);
        return { row, column, start: start + column * bytes };
      }
      start += bytes * this.width;
    }
    return { row: 64, column: 0, start };
  }
}

/** A text of the global heap (specification, III.E): variable-length strings live there. */
export async function globalHeapText(file: Hdf5Bytes, address: number, index: number, length: number): Promise<string> {
  const header = await file.signed(address, 8 + file.lengthSize, 'GCOL');
  header.skip(4);
  const bytes = header.length();
  let at = 8 + file.lengthSize;
  while (at + 8 + file.lengthSize <= bytes) {
    const object = await file.at(address + at, 8 + file.lengthSize);
    const number = object.u16();
    object.skip(6);
    const size = object.length();
    if (number === 0) {
      break;
    }
    at += 8 + file.lengthSize;
    if (number === index) {
      return (await file.at(address + at, Math.min(size, length))).text(Math.min(size, length));
    }
    at += Math.ceil(size / 8) * 8;
  }
  throw header.fail(`the text ${index} is missing in the heap here`);
}
