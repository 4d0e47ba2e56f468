import type { Partition } from '../metrics/contract';

/** What a person may choose as classes of the coding rate within. */
export const partitions: readonly Partition[] = ['views', 'clusters', 'labels'];

/** Clusters of k-means that a person may ask for; `best` chooses among a stated set. */
export const clusterBounds = { least: 2, most: 1000 } as const;

