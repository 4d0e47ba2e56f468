/** Rows by group. */
export interface Groups {
  /** [n] rows, those of a group side by side, each group's ascending. */
  readonly order: Int32Array;
  /** [groups + 1] where those of each group begin. */
  readonly starts: Int32Array;
}

/** @param groupOfRow [n] 0 .. groups-1; groups may be empty. */
export function groupRows(groupOfRow: Int32Array): Groups {
  const groups = groupOfRow.reduce((most, group) => Math.max(most, group + 1), 0);
  const starts = new Int32Array(groups + 1);
  for (const group of groupOfRow) starts[group + 1] = (starts[group + 1] as number) + 1;
  for (let group = 0; group < groups; group++) starts[group + 1] = (starts[group + 1] as number) + (starts[group] as number);
  const next = starts.slice();
  const order = new Int32Array(groupOfRow.length);
  for (const [row, group] of groupOfRow.entries()) {
    order[next[group] as number] = row;
    next[group] = (next[group] as number) + 1;
  }
  return { order, starts };
}
