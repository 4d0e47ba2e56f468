import type { FileProblem } from '../protocol';
import { axesOf } from './axes';
import { ColumnBuffer } from './columnBuffer';
import { kindOfPlugin, namesInSummary, readMetadata, readSessionStatus, versionOf } from './eventMessages';
import { MalformedMessage, ProtobufCursor } from './protobuf';
import { ProblemList } from './problemList';
import type { LogFormat } from './registry';
import type { ScalarColumns, ScalarLogReader, ScalarRow } from './scalarLog';
import { TagTable, type EventTag } from './tagTable';
import { readScalarTensor } from './tensorProto';
import { beginsWithRecord, TfRecordReader, type TfRecordHandler } from './tfRecord';

/** No picker could show more; such names hold data. */
const mostTags = 10_000;
/** SessionLog.START (tensorflow/core/util/event.proto). */
const sessionStart = 1;

/**
 * Event files of TensorBoard: TFRecords of Event messages (tensorflow/core/util/event.proto). Scalars of version 1 (`simple_value`) and version 2
 * (tensors of the plugin "scalars"); everything else is listed. The files of one folder are one log, read in the order of their names.
 */
export const tensorBoardEvents: LogFormat = {
  kind: 'log',
  id: 'tensorBoard',
  label: 'TensorBoard',
  mayBe: (name) => /tfevents/.test(name),
  matches: ({ name, head, size }) => (size < 12 ? /^events\.out\.tfevents\./.test(name) : beginsWithRecord(head) || /^events\.out\.tfevents\.\d/.test(name)),
  createReader: (fileName) => new EventReader(fileName, new EventLog()),
  createContinuedReaders: () => {
    const log = new EventLog();
    return (fileName) => new EventReader(fileName, log);
  },
};

/** What the files of one log share. */
class EventLog {
  readonly tags = new TagTable(mostTags);
  readonly others = new Map<string, string>();
  readonly buffer = new ColumnBuffer();
  /** As `brain.Event:N` says; 0 before. */
  fileVersion = 0;
  mostRecentStep = -1;
  hasEpochTag = false;
}

class EventReader implements ScalarLogReader, TfRecordHandler {
  private readonly records = new TfRecordReader(this);
  private readonly cursor = new ProtobufCursor(new Uint8Array(0), new DataView(new ArrayBuffer(0)));
  private readonly problems: ProblemList;
  private saidTooMany = false;
  private saidTorn = false;
  private isFlushed = false;

  constructor(
    fileName: string,
    private readonly log: EventLog,
  ) {
    this.problems = new ProblemList(fileName, 'records');
  }

  push(bytes: Uint8Array): ScalarRow[] {
    this.isFlushed = false;
    this.saidTorn = false;
    this.records.push(bytes);
    return [];
  }

  flush(): ScalarRow[] {
    this.isFlushed = true;
    if (this.records.isTorn && !this.saidTorn) {
      this.saidTorn = true;
      this.problems.add('', 'the last record is not complete', 'info');
    }
    return [];
  }

  takeColumns(): ScalarColumns {
    return this.log.buffer.take(this.log.tags.names, this.isFlushed);
  }

  otherTags(): ReadonlyMap<string, string> {
    return this.log.others;
  }

  takeProblems(): FileProblem[] {
    return this.problems.take();
  }

  damaged(position: number, reason: string, readsOn: boolean): void {
    this.problems.add(`byte ${position}`, reason, readsOn ? 'warning' : 'error');
  }

  record(bytes: Uint8Array, view: DataView, start: number, end: number, position: number): void {
    this.cursor.enter(bytes, view, start, end);
    try {
      this.readEvent(end);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) {
        throw error;
      }
      this.problems.add(`byte ${position}`, `is no event of TensorBoard: ${error.message}; it is left out`, 'warning');
    }
  }

  private readEvent(end: number): void {
    const { cursor } = this;
    let time = 0;
    let step = 0;
    let summaryAt = -1;
    let summaryEnd = -1;
    let status = 0;
    while (cursor.at < end) {
      const key = cursor.varint();
      switch (key) {
        case 0x09:
          time = cursor.double();
          break;
        case 0x10:
          step = cursor.int64();
          break;
        case 0x1a:
          this.log.fileVersion = versionOf(cursor.text(cursor.lengthDelimited()));
          break;
        case 0x2a:
          summaryEnd = cursor.lengthDelimited();
          summaryAt = cursor.at;
          cursor.at = summaryEnd;
          break;
        case 0x3a:
          status = readSessionStatus(cursor);
          break;
        default:
          cursor.skip(key);
      }
    }
    this.purge(step, status, summaryAt, summaryEnd);
    if (summaryAt >= 0) {
      cursor.at = summaryAt;
      while (cursor.at < summaryEnd) {
        const key = cursor.varint();
        if (key === 0x0a) this.readValue(cursor.lengthDelimited(), step, time);
        else cursor.skip(key);
      }
    }
  }

  /**
   * As EventAccumulator does: since brain.Event:2 a session's start voids what was logged from its step on; before, a step that goes back
   * voids the quantities that it logs. (tensorboard/backend/event_processing/event_accumulator.py, _MaybePurgeOrphanedData)
   */
  private purge(step: number, status: number, summaryAt: number, summaryEnd: number): void {
    const { log } = this;
    if (log.fileVersion >= 2) {
      if (status === sessionStart) log.buffer.purge(step, null);
    } else if (step < log.mostRecentStep && summaryAt >= 0) {
      log.buffer.purge(step, namesInSummary(this.cursor, summaryAt, summaryEnd));
    } else {
      log.mostRecentStep = step;
    }
  }

  /** Summary.Value (tensorflow/core/framework/summary.proto). */
  private readValue(end: number, step: number, time: number): void {
    const { cursor } = this;
    let nameStart = 0;
    let nameEnd = 0;
    let nodeStart = 0;
    let nodeEnd = 0;
    let metadataAt = -1;
    let metadataEnd = -1;
    let tensorAt = -1;
    let tensorEnd = -1;
    let value = 0;
    let hasValue = false;
    let other = '';
    while (cursor.at < end) {
      const key = cursor.varint();
      switch (key) {
        case 0x0a:
          nameEnd = cursor.lengthDelimited();
          nameStart = cursor.at;
          cursor.at = nameEnd;
          break;
        case 0x15:
          value = cursor.float();
          hasValue = true;
          break;
        case 0x3a:
          nodeEnd = cursor.lengthDelimited();
          nodeStart = cursor.at;
          cursor.at = nodeEnd;
          break;
        case 0x42:
          tensorEnd = cursor.lengthDelimited();
          tensorAt = cursor.at;
          cursor.at = tensorEnd;
          break;
        case 0x4a:
          metadataEnd = cursor.lengthDelimited();
          metadataAt = cursor.at;
          cursor.at = metadataEnd;
          break;
        case 0x22:
          other = 'image';
          cursor.skip(key);
          break;
        case 0x2a:
          other = 'histogram';
          cursor.skip(key);
          break;
        case 0x32:
          other = 'audio';
          cursor.skip(key);
          break;
        default:
          cursor.skip(key);
      }
    }
    if (tensorAt >= 0 && nameEnd === nameStart) {
      // Before plugins were named in the metadata, tensors had no tag.
      nameStart = nodeStart;
      nameEnd = nodeEnd;
    }
    const tag = this.log.tags.find(cursor.bytes, nameStart, nameEnd);
    if (tag === null) {
      this.reportTooManyTags();
      return;
    }
    if (metadataAt >= 0 && tag.plugin === null) Object.assign(tag, readMetadata(cursor, metadataAt, metadataEnd));
    if (hasValue) this.addPoint(tag, step, time, value);
    if (tensorAt >= 0) this.readTensor(tag, tensorAt, tensorEnd, step, time);
    if (other !== '') this.log.others.set(tag.name, other);
    cursor.at = end;
  }

  private addPoint(tag: EventTag, step: number, time: number, value: number): void {
    const { log } = this;
    if (!tag.hasPoints) {
      tag.hasPoints = true;
      if (!log.hasEpochTag && axesOf([tag.name]).epoch !== null) {
        log.hasEpochTag = true;
        log.buffer.setEpochTag(tag.index);
      }
    }
    log.buffer.add(tag.index, step, time, value);
  }

  private readTensor(tag: EventTag, start: number, end: number, step: number, time: number): void {
    const { cursor } = this;
    cursor.at = start;
    const value = tag.isScalar ? readScalarTensor(cursor, end) : null;
    if (value !== null) this.addPoint(tag, step, time, value);
    else this.log.others.set(tag.name, kindOfPlugin(tag.plugin));
    cursor.at = end;
  }

  private reportTooManyTags(): void {
    if (!this.saidTooMany) {
      this.saidTooMany = true;
      this.problems.add('', `names more than ${mostTags} quantities; the others are left out`);
    }
  }
}
