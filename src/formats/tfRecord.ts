import { maskedCrc32c } from './crc32c';

/** A record longer than this is no event: TensorBoard writes images and graphs of some megabytes (inputs.md, section 6). */
export const largestRecord = 256 * 1024 * 1024;

/** length (8 bytes), its checksum (4), the data, its checksum (4); all little-endian (tensorflow/core/lib/io/record_writer.h). */
const headerLength = 12;
const footerLength = 4;

/** Checksums of the lengths that nearly all records of scalars have. */
const shortLengths = Uint32Array.from({ length: 1024 }, (_, length) => maskedCrc32c(Uint8Array.of(length & 0xff, length >>> 8, 0, 0, 0, 0, 0, 0), 0, 8));

export interface TfRecordHandler {
  /** A whole record with good checksums: its data lies in `bytes` from `start` to `end` and is valid only during the call. */
  record(bytes: Uint8Array, view: DataView, start: number, end: number, position: number): void;
  /** What is wrong with the record at byte `position`; `readsOn` when the record behind it can be found. */
  damaged(position: number, reason: string, readsOn: boolean): void;
}

/** Whether a file begins with the header of a record: a length and its checksum. */
export function beginsWithRecord(head: Uint8Array): boolean {
  return head.length >= headerLength && maskedCrc32c(head, 0, 8) === viewOf(head).getUint32(8, true);
}

/** Cuts appended bytes into TFRecords. A torn last record stays inside until its rest arrives. */
export class TfRecordReader {
  private pieces: Uint8Array[] = [];
  private pending = 0;
  /** Bytes from the start of the torn record after which going on is worth it. */
  private needed = headerLength;
  /** Where in the file the pending bytes, or the next ones, begin. */
  private position = 0;
  private toSkip = 0;
  private stopped = false;

  constructor(private readonly handler: TfRecordHandler) {}

  /** Whether the last record lacks its end. */
  get isTorn(): boolean {
    return this.pending > 0 || this.toSkip > 0;
  }

  push(appended: Uint8Array): void {
    if (this.stopped) {
      return;
    }
    const bytes = this.unskipped(appended);
    if (this.pending + bytes.length < this.needed) {
      this.keep(bytes);
      return;
    }
    let whole = bytes;
    if (this.pending > 0) {
      whole = Buffer.concat([...this.pieces, bytes]);
      this.pieces = [];
      this.pending = 0;
    }
    this.read(whole);
  }

  private read(bytes: Uint8Array): void {
    const view = viewOf(bytes);
    const size = bytes.length;
    const base = this.position;
    let at = 0;
    this.needed = headerLength;
    while (size - at >= headerLength) {
      const length = view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
      const checksum = length < shortLengths.length ? shortLengths[length]! : maskedCrc32c(bytes, at, at + 8);
      if (checksum !== view.getUint32(at + 8, true)) {
        this.stopped = true;
        this.handler.damaged(base + at, 'the checksum of the length does not fit: where the next record begins is not known, so nothing behind is read', false);
        return;
      }
      const whole = headerLength + length + footerLength;
      if (length > largestRecord) {
        this.handler.damaged(base + at, `a record of ${length.toLocaleString('en')} bytes is larger than ${largestRecord / 2 ** 20} MB; it is left out`, true);
        this.toSkip = whole;
        this.position = base + at;
        const rest = this.unskipped(bytes.subarray(at));
        if (rest.length > 0) {
          this.read(rest);
        }
        return;
      }
      if (size - at < whole) {
        this.needed = whole;
        break;
      }
      const start = at + headerLength;
      const end = start + length;
      if (maskedCrc32c(bytes, start, end) === view.getUint32(end, true)) {
        this.handler.record(bytes, view, start, end, base + at);
      } else {
        this.handler.damaged(base + at, 'the checksum of the record does not fit; it is left out', true);
      }
      at += whole;
    }
    this.position = base + at;
    this.keep(bytes.subarray(at));
  }

  /** What is left of the bytes when those of an overlong record are gone. */
  private unskipped(bytes: Uint8Array): Uint8Array {
    const skipped = Math.min(this.toSkip, bytes.length);
    this.toSkip -= skipped;
    this.position += skipped;
    return bytes.subarray(skipped);
  }

  private keep(bytes: Uint8Array): void {
    if (bytes.length > 0) {
      // A copy: the caller may use its buffer again.
      this.pieces.push(bytes.slice());
      this.pending += bytes.length;
    }
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
