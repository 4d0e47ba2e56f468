import type { PanelChoice } from './panel';
import type { MeasurementRecord, MetricInfo } from './records';
import type { RunDetail } from './runs';

/** What a report carries for its panel, before it is compressed. */
export interface ReportData {
  readonly runs: readonly ReportedDetail[];
  readonly metrics: readonly MetricInfo[];
  readonly choice: PanelChoice;
}

/** A run with its records by column, which takes half the room. */
export interface ReportedDetail extends Omit<RunDetail, 'records'> {
  readonly records: RecordColumns;
}

/** A list of records, one column a field: its values, or where most of them are alike each value once and their places among these. Null stands for left out, too. */
export interface RecordColumns {
  readonly count: number;
  readonly columns: Readonly<Partial<Record<keyof MeasurementRecord, RecordColumn>>>;
}

export type RecordColumn = { readonly values: readonly unknown[] } | { readonly different: readonly unknown[]; readonly places: readonly number[] };
