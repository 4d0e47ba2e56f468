import { sum } from '../bootstrap';
import type { LayerFeatures, MetricFamily } from '../contract';
import { leadingComponents } from '../neighbours/leadingComponents';
import { type PartRows, partRows } from '../partRows';
import { livingFeatures } from '../spectrum/livingFeatures';
import { releaseRows } from './centredRows';
import { kMeans } from './kMeans';
import { adjustedMutualInformation } from './mutualInformation';
import { noPartitionReason, noValue, partitionDetails, partitionOf, partitionsOf, partitionWarnings, recordedOptions, requirePartitionOptions, seedCount } from './partition';

/** Leading principal components in which a layer is clustered again. */
const components = 16;

/** Agreement of k-means partitions from different seeds (Xu, Lowe & Trappenberg, arXiv 2409.06612): mean adjusted mutual information of all pairs. */
export const seedAgreementFamily: MetricFamily<'cluster_ami_seeds'> = {
  id: 'cluster_ami_seeds',
  shapes: [{ metric: 'cluster_ami_seeds', random: true, gap: null, dependsOnSize: false }],
  method: 1,
  async measurePart(part, _layer, options, context) {
    requirePartitionOptions(options);
    const recorded = { ...recordedOptions(options), seeds: seedCount, average: 'arithmetic' };
    const reason = noPartitionReason(part, options, context);
    if (reason) return { cluster_ami_seeds: noValue(recorded, reason) };
    const partitions = await partitionsOf(part, options, context);
    const repetitions = partitions.flatMap(({ labels }, i) => partitions.slice(i + 1).map((other) => adjustedMutualInformation(labels, other.labels)));
    return {
      cluster_ami_seeds: {
        value: sum(repetitions) / repetitions.length,
        options: recorded,
        warnings: partitionWarnings(part, partitions),
        repetitions,
        details: partitionDetails(options, partitions[0] as (typeof partitions)[number]),
      },
    };
  },
};

/** Agreement of the k-means partition with that of the same layer at the nearest earlier checkpoint (Xu, Lowe & Trappenberg, arXiv 2409.06612). */
export const previousAgreementFamily: MetricFamily<'cluster_ami_prev'> = {
  id: 'cluster_ami_prev',
  shapes: [{ metric: 'cluster_ami_prev', random: true, gap: null, dependsOnSize: false }],
  method: 1,
  needs: { previous: true },
  async measurePart(part, layer, options, context) {
    requirePartitionOptions(options);
    const recorded = { ...recordedOptions(options), average: 'arithmetic', since: layer.previous?.since ?? '' };
    const none = (reason: string) => ({ cluster_ami_prev: noValue(recorded, reason) });
    const earlier = earlierPart(part, layer);
    if (typeof earlier === 'string') return none(earlier);
    const reason = noPartitionReason(part, options, context);
    if (reason) return none(reason);
    const reasonBefore = noPartitionReason(earlier, options, context);
    if (reasonBefore) return none(`At the earlier checkpoint: ${reasonBefore}`);
    const before = await partitionOf(earlier, options, context);
    // Two sets of distances at a time would be the most that any measure holds.
    if (earlier !== part) releaseRows(earlier.features);
    const now = await partitionOf(part, options, context);
    const details = options.clusters === 'best' ? { k: now.sizes.length, k_previous: before.sizes.length } : {};
    const value = adjustedMutualInformation(now.labels, before.labels);
    return { cluster_ami_prev: { value, options: recorded, warnings: partitionWarnings(part, [now, before]), details } };
  },
};

/** The same rows at the earlier checkpoint, or why there are none to compare with. */
function earlierPart(part: PartRows, { previous }: LayerFeatures): PartRows | string {
  if (!previous) return 'There is no earlier checkpoint.';
  if (!previous.layer) return previous.reason;
  const earlier = partRows(previous.layer, part.part);
  const same = (a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>) => a.length === b.length && Array.from(a).every((value, index) => value === b[index]);
  if (!earlier || !same(earlier.sampleIds, part.sampleIds) || !same(earlier.starts, part.starts)) return 'The probe of the earlier checkpoint holds other samples or views.';
  return earlier;
}

/** Agreement of the k-means partition with that of the same rows in their leading principal components (Xu, Lowe & Trappenberg, arXiv 2409.06612). */
export const reducedAgreementFamily: MetricFamily<'cluster_ami_pca'> = {
  id: 'cluster_ami_pca',
  shapes: [{ metric: 'cluster_ami_pca', random: true, gap: null, dependsOnSize: false }],
  method: 1,
  async measurePart(part, _layer, options, context) {
    requirePartitionOptions(options);
    const recorded = { ...recordedOptions(options), average: 'arithmetic', components, scaling: 'centred' };
    const none = (reason: string) => ({ cluster_ami_pca: noValue(recorded, reason) });
    const reason = noPartitionReason(part, options, context);
    if (reason) return none(reason);
    const { rows } = part.features;
    const width = livingFeatures(part).features.columns;
    if (Math.min(width, rows - 1) <= components) {
      return none(`Rows in ${Math.min(width, rows - 1)} dimensions are not reduced by keeping ${components} of them.`);
    }
    const whole = await partitionOf(part, options, context);
    const { scores, explained } = await leadingComponents(part, components, context);
    const [reduced] = await kMeans(scores, { clusters: whole.sizes.length, seeds: [options.seed] }, context);
    if (!reduced) throw new Error('k-means found no partition.');
    return {
      cluster_ami_pca: {
        value: adjustedMutualInformation(whole.labels, reduced.labels),
        options: recorded,
        warnings: [...new Set([...partitionWarnings(part, [whole]), ...partitionWarnings(part, [reduced])])],
        details: { ...partitionDetails(options, whole), explained_variance: explained },
      },
    };
  },
};
