import type { MetricInfo } from '../../protocol';

const ofFeatures = { subject: 'features', group: 'Geometry', unit: '', hasGap: false } as const;

/** What distances between samples show. */
export const neighboursCatalog: readonly MetricInfo[] = [
  {
    ...ofFeatures,
    id: 'uniformity',
    title: 'Uniformity',
    unit: 'nats',
    summary: 'How evenly rows of length 1 spread over the sphere; lower is more even (near -4 in many dimensions), 0 means all rows point the same way.',
    caveat: 'Views of one sample are pairs too and raise it; features after a ReLU share a direction, which raises it too.',
    page: 'uniformity.md',
  },
  {
    ...ofFeatures,
    id: 'twonn_dim',
    title: 'Intrinsic dimension (TwoNN)',
    unit: 'dimensions',
    summary: 'In how many dimensions samples lie around each other, from the distances to the two nearest samples; lower means they lie on a thinner sheet.',
    caveat: 'Underestimates high dimensions with few samples, and is sensitive to noise at the smallest scale.',
    page: 'twonn-dim.md',
  },
  {
    ...ofFeatures,
    id: 'mst_dim',
    title: 'Intrinsic dimension (spanning tree)',
    unit: 'dimensions',
    summary: 'In how many dimensions samples lie, from how the shortest tree through them grows with their number; lower went with better downstream accuracy over 33 published models.',
    caveat: 'With a few hundred samples it orders layers rather than counts dimensions.',
    page: 'mst-dim.md',
  },
  {
    ...ofFeatures,
    id: 'embedding_entropy',
    title: 'Embedding entropy',
    unit: 'nats',
    summary: 'How much volume samples fill in their eight widest directions; higher means more spread out, a fall means they draw together.',
    caveat: 'Grows with the overall scale of the features, so a change of weight decay or normalization moves it; a sensor, not a verdict.',
    page: 'embedding-entropy.md',
  },
  {
    ...ofFeatures,
    id: 'clid',
    title: 'CLID',
    summary: 'Whether nearest neighbours share their cluster (0 to 1), plus the intrinsic dimension as a share of the width; the source reads higher as better.',
    caveat: 'How the source scales its two parts is not verified: read learnability and dimension one by one.',
    page: 'clid.md',
  },
];
