import { kernels } from '../../linalg/kernels';
import { sum } from '../bootstrap';
import type { MeasureContext, MetricFamily, PartValue } from '../contract';
import type { PartRows } from '../partRows';
import { fewSamplesWarning, notFiniteReason } from '../reasons';
import { visitSamples } from '../sampleBlocks';

const recordedOptions = { activation: 'relu', views: 'mean' };

/**
 * UnitMem (Wang, Dziedzic, Backes & Boenisch 2024, arXiv 2409.19069): how far each unit answers to one sample alone, mean over units. 0 is the same
 * activation for all samples, 1 is a unit that only one sample excites.
 */
export const unitMemFamily: MetricFamily<'unit_mem'> = {
  id: 'unit_mem',
  shapes: [{ metric: 'unit_mem', random: false, gap: null, dependsOnSize: true }],
  method: 1,
  measurePart(part, _layer, _options, context) {
    context.checkpoint();
    return Promise.resolve({ unit_mem: unitMem(part, context) });
  },
};

function unitMem(part: PartRows, context: MeasureContext): PartValue {
  const none = (reason: string): PartValue => ({ value: null, options: recordedOptions, warnings: [reason] });
  const reason = notFiniteReason(part);
  if (reason) return none(reason);
  const samples = part.sampleIds.length;
  if (samples < 2) return none('Needs at least two samples: a unit is compared between one and the others.');
  const { columns } = part.features;
  const { total, largest, at, active, below } = activations(part, context);

  const scores: number[] = [];
  const remembered = new Set<number>();
  for (let j = 0; j < columns; j++) {
    const most = largest[j] as number;
    if (most === 0) continue;
    const rest = ((total[j] as number) - most) / (samples - 1);
    scores.push((most - rest) / (most + rest));
    remembered.add(at[j] as number);
  }
  if (scores.length === 0) return none('No unit is ever above 0.');
  const warnings = fewSamplesWarning(part);
  const share = (100 * below) / (active + below);
  if (share > 0) {
    warnings.push(`${share < 1 ? 'Under 1' : Math.round(share)} % of the activation by size lies below 0 and counts as 0: the definition is for units after a ReLU.`);
  }
  const silent = columns - scores.length;
  if (silent > 0) warnings.push(`${silent} of ${columns} units are never above 0 and take no part.`);
  const details = { units: scores.length, largest: scores.reduce((most, score) => Math.max(most, score)), samplesAtMaximum: remembered.size };
  return { value: sum(scores) / scores.length, options: recordedOptions, warnings, details };
}

/**
 * Of each unit: the sum over samples of its mean activation over their views, the largest such mean and whose it is. Of all activations: the sum of
 * those above 0, and the size of that of the others.
 */
function activations({ features, starts }: PartRows, { checkpoint }: MeasureContext) {
  const { columns } = features;
  const { addActive: addWideActive, addNarrowActive, takeMeans } = kernels();
  const addActive = features.data instanceof Float32Array ? addNarrowActive : addWideActive;
  let active = 0;
  let below = 0;
  let found: readonly Float64Array[] = [];
  checkpoint();
  visitSamples(features, starts, [columns, columns, columns, columns], (vectors) => {
    for (const vector of vectors) vector.fill(0);
    const [sums, ...rest] = vectors.map((vector) => vector.byteOffset) as [number, number, number, number];
    found = vectors.slice(1);
    let left = 0;
    return (sample, address, count) => {
      const views = (starts[sample + 1] as number) - (starts[sample] as number);
      if (left === 0) left = views;
      below += addActive(address, count, columns, sums);
      left -= count;
      if (left === 0) active += takeMeans(sums, columns, views, sample, ...rest);
    };
  });
  const [total, largest, at] = found.map((vector) => vector.slice()) as [Float64Array, Float64Array, Float64Array];
  return { total, largest, at, active, below };
}
