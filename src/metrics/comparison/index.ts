import type { MetricFamily } from '../contract';
import { ckaLastFamily, ckaPreviousFamily } from './cka';
import { unitMemFamily } from './unitMem';

export const comparisonFamilies: readonly MetricFamily[] = [unitMemFamily, ckaPreviousFamily, ckaLastFamily];
