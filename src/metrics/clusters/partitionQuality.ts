import { sum } from '../bootstrap';
import type { MetricFamily } from '../contract';
import { entropy } from './mutualInformation';
import { noPartitionReason, noValue, partitionDetails, partitionOf, partitionWarnings, recordedOptions, requirePartitionOptions } from './partition';
import { silhouettes } from './silhouettes';

/** Mean silhouette of the rows in their k-means clusters (Rousseeuw 1987; as a sensor of self-supervised training: Xu, Lowe & Trappenberg, arXiv 2409.06612): -1 to 1. */
export const silhouetteFamily: MetricFamily<'silhouette'> = {
  id: 'silhouette',
  shapes: [{ metric: 'silhouette', random: true, gap: null, dependsOnSize: false }],
  method: 1,
  async measurePart(part, _layer, options, context) {
    requirePartitionOptions(options);
    const recorded = { ...recordedOptions(options), distance: 'euclidean' };
    const reason = noPartitionReason(part, options, context);
    if (reason) return { silhouette: noValue(recorded, reason) };
    const partition = await partitionOf(part, options, context);
    const [values] = await silhouettes(part.features, [partition.labels], context);
    const own = values ?? new Float64Array();
    const inertia = partition.inertia / part.unit ** 2;
    const details = { ...partitionDetails(options, partition), ...(Number.isFinite(inertia) ? { inertia } : {}) };
    return { silhouette: { value: sum(own) / own.length, options: recorded, warnings: partitionWarnings(part, [partition]), details } };
  },
};

/** Entropy of the sizes of the k-means clusters over that of even ones (Xu, Lowe & Trappenberg, arXiv 2409.06612): 1 = even. */
export const clusterBalanceFamily: MetricFamily<'cluster_balance'> = {
  id: 'cluster_balance',
  shapes: [{ metric: 'cluster_balance', random: true, gap: null, dependsOnSize: false }],
  method: 1,
  async measurePart(part, _layer, options, context) {
    requirePartitionOptions(options);
    const recorded = recordedOptions(options);
    const reason = noPartitionReason(part, options, context);
    if (reason) return { cluster_balance: noValue(recorded, reason) };
    const partition = await partitionOf(part, options, context);
    const { sizes } = partition;
    const details = { ...partitionDetails(options, partition), smallest: Math.min(...sizes), largest: Math.max(...sizes) };
    return {
      cluster_balance: {
        value: entropy([...sizes], part.features.rows) / Math.log(sizes.length),
        options: recorded,
        warnings: partitionWarnings(part, [partition]),
        details,
      },
    };
  },
};
