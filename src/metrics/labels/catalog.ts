import type { MetricInfo } from '../../protocol';

const ofLabels = { subject: 'features', group: 'Labels', hasGap: false } as const;

export const labelsCatalog: readonly MetricInfo[] = [
  {
    ...ofLabels,
    id: 'knn_accuracy',
    title: 'kNN accuracy',
    unit: '',
    summary: 'Share of rows whose class the 20 nearest labelled training rows vote for: 1 is always right, and higher means that samples of a class lie together.',
    caveat: 'Needs labels; on the training part a sample is left out with all its views.',
    page: 'knn-accuracy.md',
  },
  {
    ...ofLabels,
    id: 'linear_probe_accuracy',
    title: 'Linear probe accuracy',
    unit: '',
    summary: 'Share of rows that a linear classifier, learned from the labelled training samples, puts into the right class: higher means that the classes can be read off the features.',
    caveat: 'Needs labels; on the training part it is the fit, and near 1 wherever dimensions are many.',
    page: 'linear-probe-accuracy.md',
  },
  {
    ...ofLabels,
    id: 'label_budget',
    title: 'Gain per doubling of labels',
    unit: '',
    summary: 'How much kNN accuracy has grown with each doubling of the labels so far: higher means that more labels are worth their price, 0 that they bring nothing.',
    caveat: 'Needs 16 labelled training samples; learning curves flatten, so the next doubling mostly brings less.',
    page: 'label-budget.md',
  },
];
