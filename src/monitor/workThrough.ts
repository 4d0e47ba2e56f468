export interface WorkThroughOptions<Item> {
  /** So many items are acted on at once. */
  readonly atOnce: number;
  /** Asked before each item: from when it answers with lots on, those that are left are taken by their lots, highest first. */
  readonly lotOf: () => ((item: Item) => number) | null;
  readonly act: (item: Item) => Promise<void>;
}

/** Acts on items in their order, several at once; changes to an order by lot when it has to be another than that of everybody else. */
export async function workThrough<Item>(items: readonly Item[], { atOnce, lotOf, act }: WorkThroughOptions<Item>): Promise<void> {
  let rest = [...items].reverse();
  let isByLot = false;
  const next = (): Item | undefined => {
    const lot = isByLot ? null : lotOf();
    if (lot !== null) {
      isByLot = true;
      rest = rest.map((item) => ({ item, at: lot(item) })).sort((a, b) => a.at - b.at).map(({ item }) => item);
    }
    return rest.pop();
  };
  const work = async (): Promise<void> => {
    for (let item = next(); item !== undefined; item = next()) await act(item);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
