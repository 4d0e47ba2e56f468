import type { MeasurementRecord, RecordColumn, RecordColumns } from '../protocol';

/** Where fewer than one value in so many is new, each is kept once. */
const alike = 4;

/** Records by column: alike values lie side by side, which a compressor takes half the room for. The webview's `unpackRecords` turns them back. */
export function packRecords(records: readonly MeasurementRecord[]): RecordColumns {
  const fields = new Set<keyof MeasurementRecord>();
  for (const record of records) for (const field of Object.keys(record)) fields.add(field as keyof MeasurementRecord);
  return { count: records.length, columns: Object.fromEntries([...fields].map((field) => [field, packColumn(records.map((record) => record[field] ?? null))])) };
}

function packColumn(values: readonly unknown[]): RecordColumn {
  const places = new Map<string, number>();
  const different: unknown[] = [];
  const place = values.map((value) => {
    const text = JSON.stringify(value);
    const known = places.get(text);
    if (known !== undefined) return known;
    places.set(text, different.length);
    return different.push(value) - 1;
  });
  return different.length * alike < values.length ? { different, places: place } : { values };
}
