import { zeros } from '../../linalg/matrix';
import { kMeans } from '../clusters/kMeans';
import type { LayerFeatures, MeasureContext } from '../contract';
import { normalizedRows, type Part, partRows, type PartRows } from '../partRows';
import { noDirectionReason } from '../reasons';

/** Beyond this, clusters of a probe are too small to stand for anything, and the search for them slow. */
const mostClusters = 256;

export interface SuggestOptions {
  /** Default 0. */
  readonly seed?: number;
  /** Where samples are sought; the labels that the accuracy measures learn from are those of the training part, the default. */
  readonly part?: Part;
}

/** A sample that is worth a label. */
export interface LabelSuggestion {
  readonly sampleId: bigint;
  /** One sentence for a person. */
  readonly reason: string;
  /** Samples of its cluster. */
  readonly clusterSize: number;
  /** Of these, how many were labelled, or suggested before it. */
  readonly covered: number;
}

export interface LabelSuggestions {
  /** In the order in which they should be labelled. */
  readonly suggestions: readonly LabelSuggestion[];
  /** Labelled samples of the part. */
  readonly labelled: number;
  /** All samples of the part. */
  readonly samples: number;
  /** Into how many clusters they were put. */
  readonly clusters: number;
  /** Why there are fewer suggestions than asked for, if so. */
  readonly warnings: readonly string[];
}

/**
 * Which samples to label next: k-means on the mean direction of each sample's views, with as many clusters as there are labels and suggestions
 * together (TypiClust: Hacohen, Dekel & Weinshall 2022, arXiv 2202.02794); from the cluster with the fewest labels, the largest first, the sample
 * closest to its middle, which is the medoid of the cluster for squared distances.
 * @param count samples to suggest, at least 1.
 * @throws {RangeError} when the count or the seed is not a whole number.
 */
export async function suggestLabels(layer: LayerFeatures, count: number, options: SuggestOptions, context: MeasureContext): Promise<LabelSuggestions> {
  const { seed = 0, part: name = 'train' } = options;
  if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`The number of samples to suggest must be a whole number of at least 1, not ${count}.`);
  if (!Number.isSafeInteger(seed)) throw new RangeError(`The seed must be a whole number, not ${seed}.`);
  const part = partRows(layer, name);
  const samples = part?.sampleIds.length ?? 0;
  const labelled = part ? part.labels.reduce((total, label) => total + Number(label >= 0), 0) : 0;
  const none = (reason: string): LabelSuggestions => ({ suggestions: [], labelled, samples, clusters: 0, warnings: [reason] });
  if (!part) return none(`The probe has no ${name === 'train' ? 'training' : 'held-out'} samples.`);
  const reason = noDirectionReason(part);
  if (reason) return none(reason);
  if (labelled === samples) return none(`All ${samples} samples are labelled.`);

  const points = meanDirections(part);
  const clusters = Math.min(samples, mostClusters, labelled + count);
  const [clustering] = await kMeans(points, { clusters, seeds: [seed] }, context);
  if (!clustering) throw new Error('k-means gave no partition.');
  const distances = distancesToMiddle(points.data, points.columns, clustering.labels, clustering.sizes);
  const suggestions = choose(part, clustering.labels, clustering.sizes, distances, count);
  const warnings = suggestions.length < count ? [`Only ${suggestions.length} of ${samples} samples are not labelled yet.`] : [];
  return { suggestions, labelled, samples, clusters, warnings };
}

/** Of each sample the mean of its views, rows of length 1. */
function meanDirections(part: PartRows) {
  const { columns, data } = normalizedRows(part);
  const { starts } = part;
  const means = zeros(part.sampleIds.length, columns);
  for (let sample = 0; sample < means.rows; sample++) {
    const [first, end] = [starts[sample] as number, starts[sample + 1] as number];
    const to = sample * columns;
    for (let row = first; row < end; row++) {
      for (let j = 0; j < columns; j++) means.data[to + j] = (means.data[to + j] as number) + (data[row * columns + j] as number) / (end - first);
    }
  }
  return means;
}

/** [samples] squared distance of each to the mean of its cluster. */
function distancesToMiddle(data: Float64Array, columns: number, clusterOf: Int32Array, sizes: Int32Array): Float64Array {
  const middles = new Float64Array(sizes.length * columns);
  for (const [sample, cluster] of clusterOf.entries()) {
    const size = sizes[cluster] as number;
    for (let j = 0; j < columns; j++) {
      const at = cluster * columns + j;
      middles[at] = (middles[at] as number) + (data[sample * columns + j] as number) / size;
    }
  }
  return Float64Array.from(clusterOf, (cluster, sample) => {
    let total = 0;
    for (let j = 0; j < columns; j++) total += ((data[sample * columns + j] as number) - (middles[cluster * columns + j] as number)) ** 2;
    return total;
  });
}

interface Cluster {
  readonly size: number;
  /** Labelled or suggested. */
  covered: number;
  /** Not covered samples, closest to the middle first. */
  readonly open: number[];
}

function choose({ labels, sampleIds }: PartRows, clusterOf: Int32Array, sizes: Int32Array, distances: Float64Array, count: number): LabelSuggestion[] {
  const clusters: Cluster[] = [...sizes].map((size) => ({ size, covered: 0, open: [] }));
  for (const [sample, cluster] of clusterOf.entries()) {
    const own = clusters[cluster] as Cluster;
    if ((labels[sample] as number) >= 0) own.covered += 1;
    else own.open.push(sample);
  }
  // Sorting keeps the order of equal ones, which is that of the ids.
  for (const { open } of clusters) open.sort((a, b) => (distances[a] as number) - (distances[b] as number));
  const suggestions: LabelSuggestion[] = [];
  while (suggestions.length < count) {
    const candidates = clusters.filter(({ open }) => open.length > 0).sort((a, b) => a.covered - b.covered || b.size - a.size);
    const cluster = candidates[0];
    if (!cluster) break;
    const sample = cluster.open.shift() as number;
    suggestions.push({ sampleId: sampleIds[sample] as bigint, reason: reasonOf(cluster), clusterSize: cluster.size, covered: cluster.covered });
    cluster.covered += 1;
  }
  return suggestions;
}

function reasonOf({ size, covered }: Cluster): string {
  if (size === 1) return 'Alone in its cluster: unlike all other samples.';
  const have = covered === 0 ? 'none has a label yet' : `${covered} ${covered === 1 ? 'has a label or is' : 'have labels or are'} suggested already`;
  return `${covered === 0 ? 'Closest' : 'Next closest'} to the middle of a cluster of ${size} samples, of which ${have}.`;
}
