import type { MetricFamily } from '../contract';
import { clidFamily } from './clid';
import { embeddingEntropyFamily } from './embeddingEntropy';
import { mstFamily } from './mstDimension';
import { twonnFamily } from './twoNeighbours';
import { uniformityFamily } from './uniformity';

/** Principal components first: their matrices are gone before those of distances are made. */
export const neighboursFamilies: readonly MetricFamily[] = [embeddingEntropyFamily, uniformityFamily, twonnFamily, mstFamily, clidFamily];
