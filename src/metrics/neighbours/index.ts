import type { MetricFamily } from '../contract';
import { clidFamily } from './clid';
import { embeddingEntropyFamily } from './embeddingEntropy';
import { mstFamily } from './mstDimension';
import { twonnFamily } from './twoNeighbours';
import { uniformityFamily } from './uniformity';


export const neighboursFamilies: readonly MetricFamily[] = [uniformityFamily, twonnFamily, mstFamily, embeddingEntropyFamily, clidFamily];
