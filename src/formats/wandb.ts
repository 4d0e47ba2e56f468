import { crc32 } from 'node:zlib';
import type { FileProblem } from '../protocol';
import { axesOf } from './axes';
import { flatten, mostNumbers, parseJson, takeFinite } from './jsonObjects';
import { MalformedMessage, ProtobufCursor } from './protobuf';
import { ProblemList } from './problemList';
import type { LogFormat } from './registry';
import type { ScalarLogReader, ScalarRow } from './scalarLog';

/** ":W&B", the magic number 0xbee1, version 0 (wandb/sdk/internal/datastore.py). */
const fileHeader = Buffer.from([0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0x00]);
/** A LevelDB log: blocks of 32 KiB; a record is checksum (4 bytes), length (2) and type (1), then data; it lies in one block. */
const blockLength = 32 * 1024;
const headerLength = 7;
const recordTypes = { full: 1, first: 2, middle: 3, last: 4 } as const;
/** A row of a history is far shorter; longer records hold logs of the console and settings. */
const largestRecord = 64 * 1024 * 1024;

/** What W&B adds to each row for itself. */
const ofWandb = /^_(?:timestamp|runtime|step|wandb)(?:\.|$)/;

/** Runs of Weights & Biases as they lie on disk, offline or not: `run-ID.wandb`, a LevelDB log of protobuf records. Rows of the history are read. */
export const wandb: LogFormat = {
  kind: 'log',
  id: 'wandb',
  label: 'W&B',
  mayBe: (name) => /\.wandb$/.test(name),
  matches: ({ head, size }) => size === 0 || (head.length >= 4 && fileHeader.subarray(0, head.length).equals(Buffer.from(head.subarray(0, fileHeader.length)))),
  createReader: (fileName) => new WandbReader(fileName),
};

class WandbReader implements ScalarLogReader {
  private readonly cursor = new ProtobufCursor(new Uint8Array(0), new DataView(new ArrayBuffer(0)));
  /** Bytes that do not make a record yet; the first lies at `position` of the file. */
  private rest: Buffer = Buffer.alloc(0);
  private position = 0;
  private fragments: Buffer[] | null = null;
  private fragmentsLength = 0;
  private fragmentsAt = 0;
  private saidTorn = false;
  private isOther = false;

  private readonly problems: ProblemList;

  constructor(fileName: string) {
    this.problems = new ProblemList(fileName, 'records');
  }

  push(bytes: Uint8Array): ScalarRow[] {
    const rows: ScalarRow[] = [];
    this.saidTorn = false;
    const all = this.rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.rest, bytes]);
    let at = 0;
    for (let length = this.partAt(all, at); length > 0 && !this.isOther; length = this.partAt(all, at)) {
      this.readPart(all.subarray(at, at + length), rows);
      at += length;
      this.position += length;
    }
    this.rest = this.isOther ? Buffer.alloc(0) : Buffer.from(all.subarray(at));
    return rows;
  }

  flush(): ScalarRow[] {
    if ((this.rest.length > 0 || this.fragments !== null) && !this.saidTorn) {
      this.saidTorn = true;
      this.problems.add(`byte ${this.position}`, 'the last record is not complete', 'info');
    }
    return [];
  }

  takeProblems(): FileProblem[] {
    return this.problems.take();
  }

  /** Length of what begins here (the file's header, a record, the unused end of a block); 0 when it is not there as a whole. */
  private partAt(bytes: Buffer, at: number): number {
    const available = bytes.length - at;
    const length = this.position === 0 ? fileHeader.length : this.recordLength(bytes, at, available);
    return length <= available ? length : 0;
  }

  private recordLength(bytes: Buffer, at: number, available: number): number {
    const left = blockLength - (this.position % blockLength);
    if (left < headerLength) return left;
    if (available < headerLength) return headerLength;
    const length = headerLength + bytes.readUInt16LE(at + 4);
    // A record does not go on into the next block: its length is wrong, and the next block is where the next record can be found.
    return length > left ? left : length;
  }

  private readPart(part: Buffer, rows: ScalarRow[]): void {
    if (this.position === 0) {
      this.isOther = !part.equals(fileHeader);
      if (this.isOther) this.problems.add(`byte ${0}`, 'is not of the version of W&B files that is known', 'error');
      return;
    }
    const left = blockLength - (this.position % blockLength);
    if (left < headerLength) {
      return;
    }
    const type = part[6]!;
    const data = part.subarray(headerLength);
    const isPadding = type === 0 && part.readUInt16LE(4) === 0;
    if (isPadding) {
      return;
    }
    if (data.length !== part.readUInt16LE(4) || crc32(data, crc32(part.subarray(6, 7))) !== part.readUInt32LE(0)) {
      this.problems.add(`byte ${this.position}`, 'the checksum of the record does not fit; it is left out', 'warning');
      this.fragments = null;
      return;
    }
    this.join(type, data, rows);
  }

  private join(type: number, data: Buffer, rows: ScalarRow[]): void {
    if (type === recordTypes.full || type === recordTypes.first) {
      if (this.fragments !== null) this.problems.add(`byte ${this.fragmentsAt}`, 'the record has no end; it is left out', 'warning');
      this.fragments = [];
      this.fragmentsLength = 0;
      this.fragmentsAt = this.position;
    } else if (this.fragments === null) {
      // The beginning was damaged, which has been said.
      return;
    }
    this.fragmentsLength += data.length;
    if (this.fragmentsLength > largestRecord) {
      this.problems.add(`byte ${this.fragmentsAt}`, `the record is longer than ${largestRecord / 2 ** 20} MB; it is left out`, 'warning');
      this.fragments = null;
      return;
    }
    this.fragments.push(Buffer.from(data));
    if (type === recordTypes.full || type === recordTypes.last) {
      const record = this.fragments.length === 1 ? this.fragments[0]! : Buffer.concat(this.fragments);
      this.fragments = null;
      this.readRecord(record, rows);
    }
  }

  /** Record (wandb/proto/wandb_internal.proto); its field 2 is a HistoryRecord. */
  private readRecord(record: Buffer, rows: ScalarRow[]): void {
    const { cursor } = this;
    cursor.enter(record, new DataView(record.buffer, record.byteOffset, record.byteLength), 0, record.length);
    try {
      while (cursor.at < record.length) {
        const key = cursor.varint();
        if (key === 0x12) {
          const row = this.readHistory(cursor.lengthDelimited());
          if (row.values.size > 0) rows.push(row);
        } else {
          cursor.skip(key);
        }
      }
    } catch (error) {
      if (!(error instanceof MalformedMessage)) {
        throw error;
      }
      this.problems.add(`byte ${this.fragmentsAt}`, `is no record of W&B: ${error.message}; it is left out`, 'warning');
    }
  }

  private readHistory(end: number): ScalarRow {
    const { cursor } = this;
    const values = new Map<string, number>();
    let ownStep: number | null = null;
    while (cursor.at < end) {
      const key = cursor.varint();
      if (key === 0x0a) {
        this.readItem(cursor.lengthDelimited(), values);
      } else if (key === 0x12) {
        ownStep = this.readStep(cursor.lengthDelimited());
      } else {
        cursor.skip(key);
      }
    }
    if (values.size > mostNumbers) {
      this.problems.add(`byte ${this.fragmentsAt}`, `the row holds more than ${mostNumbers} numbers; it is left out`, 'warning');
      return { epoch: null, step: null, values: new Map() };
    }
    ownStep ??= values.get('_step') ?? null;
    for (const name of values.keys()) if (ofWandb.test(name)) values.delete(name);
    const { epoch, step } = axesOf(values.keys());
    // W&B counts calls of `log`; trainers that log a step of their own mean that.
    return { epoch: takeFinite(values, epoch), step: takeFinite(values, step !== null && /global_step$/.test(step) ? step : null) ?? ownStep, values };
  }

  private readStep(end: number): number {
    const { cursor } = this;
    let step = 0;
    while (cursor.at < end) {
      const key = cursor.varint();
      if (key === 0x08) step = cursor.int64();
      else cursor.skip(key);
    }
    return step;
  }

  /** HistoryItem: a key, or the parts of a nested one, and a value in JSON. */
  private readItem(end: number, values: Map<string, number>): void {
    const { cursor } = this;
    const path: string[] = [];
    let json = '';
    while (cursor.at < end) {
      const key = cursor.varint();
      if (key === 0x0a || key === 0x12) path.push(cursor.text(cursor.lengthDelimited()));
      else if (key === 0x82) json = cursor.text(cursor.lengthDelimited());
      else cursor.skip(key);
    }
    const name = path.join('.');
    const value = parseJson(json);
    const number = numberOf(value);
    if (number !== null) {
      values.set(name, number);
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value) && !Object.hasOwn(value, '_type')) {
      for (const [inner, each] of flatten(value, '.')) values.set(`${name}.${inner}`, each);
    }
  }
}

/** W&B writes what is not finite as a text. */
function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return value;
  switch (value) {
    case 'NaN':
      return NaN;
    case 'Infinity':
      return Infinity;
    case '-Infinity':
      return -Infinity;
    default:
      return null;
  }
}
