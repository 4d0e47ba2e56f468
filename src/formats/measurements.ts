/** Columns that stand together only in what Layerscope itself writes: stored and exported measurements are not logs of a training. */
const telling = ['sourceVersion', 'layerIndex', 'metric'];

/** Whether a row with these columns is one of our own measurements. */
export function isMeasurement(columns: readonly string[]): boolean {
  return telling.every((column) => columns.includes(column));
}
