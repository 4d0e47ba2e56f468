// An event file as torch's SummaryWriter leaves it (same fields, same framing, checksums included), written without Python because that takes
// a minute for a million events. The benchmark's EventAccumulator reads it back and has to find every point.
import { closeSync, openSync, writeSync } from 'node:fs';

/** Names as people choose them; each is logged at each step. */
export const tags = ['train/loss', 'train/loss_contrastive', 'train/learning_rate', 'train/grad_norm', 'train/momentum', 'val/loss', 'val/knn_top1', 'time/step', 'time/data', 'epoch_progress'];

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

function masked(bytes) {
  let crc = -1;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff];
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function varint(value) {
  const bytes = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return [...bytes, value];
}

function field(number, bytes) {
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function record(data) {
  const framed = Buffer.alloc(data.length + 16);
  framed.writeUInt32LE(data.length, 0);
  framed.writeUInt32LE(masked(framed.subarray(0, 8)), 8);
  data.copy(framed, 12);
  framed.writeUInt32LE(masked(data), 12 + data.length);
  return framed;
}

function wallTime(seconds) {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0x09;
  bytes.writeDoubleLE(seconds, 1);
  return bytes;
}

/** The event with which every file begins. */
export function versionRecord(seconds) {
  return record(Buffer.concat([wallTime(seconds), field(3, Buffer.from('brain.Event:2'))]));
}

/** An event of one scalar. */
export function scalarRecord(tag, step, seconds, value) {
  const number = Buffer.alloc(5);
  number[0] = 0x15;
  number.writeFloatLE(value, 1);
  const summary = field(5, field(1, Buffer.concat([field(1, Buffer.from(tag)), number])));
  return record(Buffer.concat([wallTime(seconds), Buffer.from([0x10, ...varint(step)]), summary]));
}

/** Writes `events` scalar events, every tag at every step. */
export function writeEvents(path, events) {
  const file = openSync(path, 'w');
  let pieces = [versionRecord(1.7e9)];
  for (let i = 0; i < events; i++) {
    const step = Math.floor(i / tags.length);
    const which = i % tags.length;
    pieces.push(scalarRecord(tags[which], step, 1.7e9 + i / 100, Math.exp(-step / 30000) + which / 10));
    if (pieces.length === 20000) {
      writeSync(file, Buffer.concat(pieces));
      pieces = [];
    }
  }
  writeSync(file, Buffer.concat(pieces));
  closeSync(file);
}
