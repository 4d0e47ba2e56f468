import type { ProtobufCursor } from './protobuf';

/** Names of the quantities in a Summary (tensorflow/core/framework/summary.proto) that lies from `start` to `end`. @throws {MalformedMessage} */
export function namesInSummary(cursor: ProtobufCursor, start: number, end: number): string[] {
  const names: string[] = [];
  cursor.at = start;
  while (cursor.at < end) {
    const key = cursor.varint();
    if (key !== 0x0a) {
      cursor.skip(key);
      continue;
    }
    const valueEnd = cursor.lengthDelimited();
    let name = '';
    while (cursor.at < valueEnd) {
      const inner = cursor.varint();
      if (inner === 0x0a) name = cursor.text(cursor.lengthDelimited());
      else cursor.skip(inner);
    }
    names.push(name);
  }
  return names;
}

/** Status of the SessionLog (tensorflow/core/util/event.proto) at the cursor. @throws {MalformedMessage} */
export function readSessionStatus(cursor: ProtobufCursor): number {
  const end = cursor.lengthDelimited();
  let status = 0;
  while (cursor.at < end) {
    const key = cursor.varint();
    if (key === 0x08) status = cursor.varint();
    else cursor.skip(key);
  }
  return status;
}

/** SummaryMetadata: which plugin the tensors of a quantity are for, and since 2020 what class of data they are (1: scalar). @throws {MalformedMessage} */
export function readMetadata(cursor: ProtobufCursor, start: number, end: number): { readonly plugin: string; readonly isScalar: boolean } {
  let plugin = '';
  let dataClass = 0;
  cursor.at = start;
  while (cursor.at < end) {
    const key = cursor.varint();
    if (key === 0x0a) {
      const pluginEnd = cursor.lengthDelimited();
      while (cursor.at < pluginEnd) {
        const inner = cursor.varint();
        if (inner === 0x0a) plugin = cursor.text(cursor.lengthDelimited());
        else cursor.skip(inner);
      }
    } else if (key === 0x20) {
      dataClass = cursor.varint();
    } else {
      cursor.skip(key);
    }
  }
  return { plugin, isScalar: plugin === 'scalars' || dataClass === 1 };
}

/** "brain.Event:2" is version 2; anything else counts as old. */
export function versionOf(text: string): number {
  const version = /^brain\.Event:(\d+(?:\.\d+)?)$/.exec(text);
  return version === null ? -1 : Number(version[1]);
}

/** What the tensors of a plugin are, for people. */
export function kindOfPlugin(plugin: string | null): string {
  switch (plugin) {
    case 'histograms':
      return 'histogram';
    case 'images':
      return 'image';
    case null:
    case '':
      return 'tensor';
    default:
      return plugin;
  }
}
