export interface TableCell {
  readonly text: string;
  /** Exact value behind a rounded text. */
  readonly value?: number;
  /** Words, aligned to the left. */
  readonly words?: boolean;
}

export interface TableRow {
  readonly header: string;
  readonly cells: readonly TableCell[];
}

/** A chart as a table. Rows are made when they are shown. */
export interface TableModel {
  readonly caption: string;
  readonly note: string;
  readonly corner: string;
  /** Headings above several columns; empty where there are none. */
  readonly groups: readonly { readonly label: string; readonly columns: number }[];
  readonly columns: readonly string[];
  readonly rows: number;
  row(index: number): TableRow;
}
