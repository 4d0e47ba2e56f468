import type { MetricInfo } from '../../protocol';

const ofFeatures = { subject: 'features', group: 'Clusters', unit: '', hasGap: false } as const;

export const clustersCatalog: readonly MetricInfo[] = [
  {
    ...ofFeatures,
    id: 'silhouette',
    title: 'Silhouette',
    summary: 'How far k-means clusters of the features are apart for their width: 1 is clearly separated, 0 is one cloud, below 0 is wrongly divided; higher means more cluster structure.',
    caveat: 'A sensor, not a verdict: correlates weakly with downstream accuracy, not at all for some methods; compare only within one architecture.',
    page: 'silhouette.md',
  },
  {
    ...ofFeatures,
    id: 'cluster_ami_seeds',
    title: 'Cluster agreement between seeds',
    summary: 'How much k-means partitions from different random starts agree: 1 is the same partition, 0 is chance; higher means the clusters are in the features and not in the start.',
    caveat: 'Punishes layers whose clusters overlap even where their features are good; compare only within one architecture.',
    page: 'cluster-ami-seeds.md',
  },
  {
    ...ofFeatures,
    id: 'cluster_ami_prev',
    title: 'Cluster agreement with the previous checkpoint',
    summary: 'How much the k-means partition agrees with that of the previous checkpoint: 1 is unchanged, 0 is chance; lower means the layer still reorganizes its samples.',
    caveat: 'Depends on how far apart the checkpoints are, and is no higher than the agreement between seeds allows.',
    page: 'cluster-ami-prev.md',
  },
  {
    ...ofFeatures,
    id: 'cluster_ami_pca',
    title: 'Cluster agreement with principal components',
    summary: 'How much the k-means partition agrees with that of the 16 leading principal components: 1 is the same, 0 is chance; higher means the clusters lie in few directions.',
    caveat: 'Is no higher than the agreement between seeds allows.',
    page: 'cluster-ami-pca.md',
  },
  {
    ...ofFeatures,
    id: 'cluster_balance',
    title: 'Cluster balance',
    summary: 'How even the sizes of the k-means clusters are: 1 is even, 0 is all rows in one cluster; lower means a biased probe, duplicates or a few outliers.',
    caveat: 'k-means prefers clusters of similar width, so it is rarely low without outliers.',
    page: 'cluster-balance.md',
  },
];
