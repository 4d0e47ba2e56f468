import type { MetricInfo } from '../protocol';

const page = 'weights.md';
const ofWeights = { subject: 'weights', group: 'Weights', hasGap: false, page } as const;

/** Metrics of the weights of a checkpoint, in the order they are offered. */
export const weightCatalog: readonly MetricInfo[] = [
  {
    ...ofWeights,
    id: 'ww_alpha',
    title: 'Alpha of the weights',
    unit: '',
    summary: 'Exponent of the power law that the largest eigenvalues of the layer follow: 2 to 6 is usual for trained layers, below 2 suggests over-training, above 6 little training.',
    caveat: 'An empirical rule; needs at least 50 eigenvalues and differs between kinds of layers: compare checkpoints of one run.',
  },
  {
    ...ofWeights,
    id: 'ww_alpha_hat',
    title: 'Weighted alpha of the weights',
    unit: '',
    summary: 'Alpha times the logarithm (base 10) of the largest eigenvalue, so that scale counts, too; lower went with better generalization across published models.',
    caveat: 'Depends on the scale of the weights, which normalization layers make arbitrary.',
  },
  {
    ...ofWeights,
    id: 'ww_log_alpha_norm',
    title: 'Log alpha norm of the weights',
    unit: '',
    summary: 'Logarithm (base 10) of the sum of all eigenvalues to the power alpha; a smooth relative of the weighted alpha.',
    caveat: 'Depends on the scale of the weights, which normalization layers make arbitrary.',
  },
  {
    ...ofWeights,
    id: 'ww_stable_rank',
    title: 'Stable rank of the weights',
    unit: 'dimensions',
    summary: 'Sum of the eigenvalues over the largest one: how many directions the layer really uses; a fall means that few directions take over.',
  },
  {
    ...ofWeights,
    id: 'ww_entropy',
    title: 'Entropy of the weights',
    unit: '',
    summary: 'How evenly the eigenvalues are spread: 1 is even, 0 is a single direction.',
  },
  {
    ...ofWeights,
    id: 'mp_spikes',
    title: 'Eigenvalues above the random bulk',
    unit: 'eigenvalues',
    summary: 'How many eigenvalues stick out of what random weights would give (Marchenko-Pastur): directions that training has written into the layer.',
    caveat: 'A fit of a density; it jumps where the spectrum has no clear bulk.',
  },
  {
    ...ofWeights,
    id: 'mp_softrank',
    title: 'Marchenko-Pastur soft rank',
    unit: '',
    summary: 'Edge of the random bulk over the largest eigenvalue: near 1 is random, near 0 is strongly structured.',
    caveat: 'A fit of a density; it jumps where the spectrum has no clear bulk.',
  },
  {
    ...ofWeights,
    id: 'spectral_norm',
    title: 'Spectral norm of the weights',
    unit: '',
    summary: 'Largest singular value: the most the layer can stretch its input (of a convolution: the largest over the positions of its kernel).',
  },
  {
    ...ofWeights,
    id: 'frobenius_norm',
    title: 'Frobenius norm of the weights',
    unit: '',
    summary: 'Root of the sum of the squared weights: the size of the layer; steady growth without weight decay is usual.',
  },
  {
    ...ofWeights,
    id: 'drift_prev',
    title: 'Drift since the previous checkpoint',
    unit: '',
    summary: 'Distance to the weights of the previous checkpoint in units of their norm: 0 means that the layer stands still.',
    caveat: 'Grows with the time between the two checkpoints.',
  },
  {
    ...ofWeights,
    id: 'drift_first',
    title: 'Drift since the first checkpoint',
    unit: '',
    summary: 'Distance to the weights of the first checkpoint in units of their norm.',
  },
  {
    ...ofWeights,
    id: 'teacher_distance',
    title: 'Distance of student and teacher',
    unit: '',
    summary: 'Distance between the weights of student and teacher in units of the norm of the student, where a checkpoint holds both.',
  },
  {
    ...ofWeights,
    id: 'nonfinite_count',
    title: 'NaN and infinite weights',
    unit: 'weights',
    summary: 'How many weights of the layer are NaN or infinite; anything but 0 means that training has diverged.',
  },
];
