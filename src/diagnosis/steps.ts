/** Work in steps of some milliseconds; whoever has it done may let others have a turn at each of them. */
export type Steps<Result> = Generator<undefined, Result, undefined>;

/** Does all of it at once. */
export function finish<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Few enough for some milliseconds of what is done to each. */
const itemsOfStep = 500;

export function* forEachInSteps<Item>(items: readonly Item[], act: (item: Item) => void): Steps<void> {
  for (let from = 0; from < items.length; from += itemsOfStep) {
    for (const item of items.slice(from, from + itemsOfStep)) act(item);
    yield;
  }
}

export function* groupInSteps<Item>(items: readonly Item[], key: (item: Item) => string): Steps<Map<string, Item[]>> {
  const groups = new Map<string, Item[]>();
  yield* forEachInSteps(items, (item) => {
    const name = key(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  });
  return groups;
}
