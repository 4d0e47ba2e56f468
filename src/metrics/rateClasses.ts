import type { OptionValue } from '../protocol';
import { groupRows } from './clusters/groupRows';
import { clusteringWarnings, noPartitionReason, partitionOf, recordedOptions } from './clusters/partition';
import type { MeasureContext, MeasureOptions } from './contract';
import type { PartRows } from './partRows';
import { usefulViews } from './reasons';

/** How the rows of a part are put into classes for the coding rate within. */
export interface RateClasses {
  /** The rows that take part in all rates; null when there are none, for the `reason` given. */
  readonly part: PartRows | null;
  /** Its rows, those of a class side by side; null when they lie so already, each sample being a class. */
  readonly order: Int32Array | null;
  /** [classes + 1] where the rows of each class begin. */
  readonly starts: Int32Array;
  /** Why there are no classes, or null. */
  readonly reason: string | null;
  /** What records say of the classes beside `partition`. */
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly warnings: readonly string[];
  /** What only concerns the reduction. */
  readonly reductionWarnings: readonly string[];
}

/** Classes of a part by the option `partition`. Only for parts whose rows have a direction. */
export function rateClasses(part: PartRows, options: MeasureOptions, context: MeasureContext): Promise<RateClasses> {
  switch (options.partition) {
    case 'clusters':
      return byClusters(part, options, context);
    case 'labels':
      return Promise.resolve(byLabels(part));
    default:
      return Promise.resolve({ part, order: null, starts: part.starts, reason: null, options: {}, warnings: [], reductionWarnings: viewWarnings(part) });
  }
}

function viewWarnings({ views, sampleIds }: PartRows): string[] {
  if (sampleIds.length === 1) return ['A single sample is a single class, so the reduction is 0 whatever the features are.'];
  if (views === 1) return ['A sample with one view says nothing about agreement between views: its share of the rate within is a constant.'];
  if (views < usefulViews) return [`The reduction barely sees alignment below ${usefulViews} views; this probe has ${views}.`];
  return [];
}

/** The partition that the measures of clusters use, too: of the rows as they are. */
async function byClusters(part: PartRows, options: MeasureOptions, context: MeasureContext): Promise<RateClasses> {
  const recorded: Record<string, OptionValue> = { ...recordedOptions(options), clustered: 'rows as they are' };
  delete recorded.normalisation;
  const reason = noPartitionReason(part, options, context);
  if (reason) return { part, ...groupRows(new Int32Array(part.features.rows)), reason, options: recorded, warnings: [], reductionWarnings: [] };
  const partition = await partitionOf(part, options, context);
  return { part, ...groupRows(partition.labels), reason: null, options: recorded, warnings: clusteringWarnings([partition]), reductionWarnings: [] };
}

/** Samples without a label are left out of all rates: a class of them would have no meaning, and R would be of other rows than Rc. */
function byLabels(part: PartRows): RateClasses {
  const samples = [...part.labels.keys()].filter((sample) => (part.labels[sample] as number) >= 0);
  const left = part.sampleIds.length - samples.length;
  if (samples.length === 0) {
    return { part: null, order: null, starts: part.starts, reason: 'No sample of this part has a label.', options: {}, warnings: [], reductionWarnings: [] };
  }
  const labelled = left === 0 ? part : takeSamples(part, samples);
  const ofRow = new Int32Array(labelled.features.rows);
  for (let sample = 0; sample < samples.length; sample++) {
    ofRow.fill(labelled.labels[sample] as number, labelled.starts[sample], labelled.starts[sample + 1]);
  }
  const classes = [...new Set(labelled.labels)].sort((a, b) => a - b);
  const place = new Map(classes.map((label, index) => [label, index]));
  const warnings = left > 0 ? [`${left} of ${part.sampleIds.length} samples have no label and take no part.`] : [];
  const single = classes.length === 1 ? ['All labels are the same, so the reduction is 0 whatever the features are.'] : [];
  return { part: labelled, ...groupRows(ofRow.map((label) => place.get(label) as number)), reason: null, options: {}, warnings, reductionWarnings: single };
}

const memo = new WeakMap<PartRows, PartRows>();

/** The rows of some samples, as a part of their own; kept, because what is computed of it is kept by part. */
function takeSamples(part: PartRows, samples: readonly number[]): PartRows {
  let taken = memo.get(part);
  if (!taken) {
    const { columns, data } = part.features;
    const starts = new Int32Array(samples.length + 1);
    const lengths = samples.map((sample) => (part.starts[sample + 1] as number) - (part.starts[sample] as number));
    for (const [place, length] of lengths.entries()) starts[place + 1] = (starts[place] as number) + length;
    const rows = starts[samples.length] as number;
    const kept = data instanceof Float64Array ? new Float64Array(rows * columns) : new Float32Array(rows * columns);
    for (const [place, sample] of samples.entries()) {
      kept.set(data.subarray((part.starts[sample] as number) * columns, (part.starts[sample + 1] as number) * columns), (starts[place] as number) * columns);
    }
    taken = {
      ...part,
      features: { rows, columns, data: kept },
      sampleIds: samples.map((sample) => part.sampleIds[sample] as bigint),
      labels: Int32Array.from(samples, (sample) => part.labels[sample] as number),
      starts,
      views: Math.min(...lengths),
    };
    memo.set(part, taken);
  }
  return taken;
}
