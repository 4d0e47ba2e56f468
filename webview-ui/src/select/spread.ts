/**
 * Spreads points that were logged within one epoch over it, by their steps: a log that names (epoch 3, step 70), (epoch 3, step 71), ...
 * would else stand on one place. The length of an epoch is taken from where the next one begins, or from the steps themselves in the last one.
 * Places of epochs with a single point are left as they are.
 * @param at places to change, epochs; NaN where there is none.
 */
export function spreadWithinEpochs(at: Float64Array, steps: readonly (number | null)[]): void {
  let start = 0;
  while (start < at.length) {
    let end = start + 1;
    while (end < at.length && at[end] === at[start] && isLater(steps, end)) end++;
    if (end - start > 1) spread(at, steps, start, end);
    start = end;
  }
}

function isLater(steps: readonly (number | null)[], index: number): boolean {
  return (steps[index] ?? NaN) > (steps[index - 1] ?? NaN);
}

function spread(at: Float64Array, steps: readonly (number | null)[], start: number, end: number): void {
  const first = steps[start] ?? 0;
  const last = steps[end - 1] ?? 0;
  const next = end < at.length && (at[end] ?? NaN) === (at[start] ?? NaN) + 1 && isLater(steps, end) ? (steps[end] ?? 0) : last + (last - first) / (end - start - 1);
  for (let i = start + 1; i < end; i++) at[i] = (at[i] ?? 0) + ((steps[i] ?? 0) - first) / (next - first);
}
