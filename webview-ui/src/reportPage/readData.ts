import type { MeasurementRecord, MetricInfo, PanelChoice, RecordColumn, RecordColumns, ReportData, RunDetail } from '../../../src/protocol';

/** What a report carries, unpacked. */
export interface OpenedReport {
  readonly details: readonly RunDetail[];
  readonly metrics: readonly MetricInfo[];
  readonly choice: PanelChoice;
}

/** Base64 of gzip (RFC 1952) of JSON. Fails when it is not that, or when the browser cannot unpack it. */
export async function readData(base64: string): Promise<OpenedReport> {
  const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  const { runs, metrics, choice } = (await new Response(unpacked).json()) as ReportData;
  return { details: runs.map((run) => ({ ...run, records: unpackRecords(run.records) })), metrics, choice };
}

const nullable: ReadonlySet<string> = new Set<keyof MeasurementRecord>(['epoch', 'step', 'split', 'value', 'seed']);

/** The records of their columns (`packRecords` of the report). */
export function unpackRecords({ count, columns }: RecordColumns): readonly MeasurementRecord[] {
  const fields = Object.entries(columns).map(([field, column]) => [field, valuesOf(column)] as const);
  return Array.from({ length: count }, (_, place) => {
    const record: Record<string, unknown> = {};
    for (const [field, values] of fields) {
      const value = values[place];
      if (value !== null || nullable.has(field)) record[field] = value;
    }
    return record as unknown as MeasurementRecord;
  });
}

function valuesOf(column: RecordColumn): readonly unknown[] {
  return 'values' in column ? column.values : column.places.map((place) => column.different[place]);
}
