import type { MetricInfo } from '../../protocol';

const ofComparison = { subject: 'features', group: 'Comparison', unit: '', hasGap: false } as const;

export const comparisonCatalog: readonly MetricInfo[] = [
  {
    ...ofComparison,
    id: 'cka_prev',
    title: 'CKA with the previous checkpoint',
    summary: 'How alike the layer is to itself at the checkpoint before: 1 means that it did not change but for rotation and scale, lower means that it is still moving.',
    caveat: 'Sees mostly the few strongest directions; depends on how far apart the checkpoints are.',
    page: 'cka-prev.md',
  },
  {
    ...ofComparison,
    id: 'cka_last',
    title: 'CKA with the last layer',
    summary: 'How alike the layer is to the deepest one of the probe: 1 means the same but for rotation and scale, lower means that the layers between still change the features.',
    caveat: 'Sees mostly the few strongest directions; the deepest layer itself is 1 by definition.',
    page: 'cka-last.md',
  },
  {
    ...ofComparison,
    id: 'unit_mem',
    title: 'UnitMem',
    summary: 'How far single units answer to one sample alone, mean over units: 0 means that every sample excites them alike, 1 that only one does; higher means more memorization by units.',
    caveat: 'Defined for units after a ReLU, and larger the more samples a probe has.',
    page: 'unit-mem.md',
  },
];
