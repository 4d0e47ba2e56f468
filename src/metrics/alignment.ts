import { kernels } from '../linalg/kernels';
import { RowBlock } from '../linalg/rowBlock';
import { linearValue } from './bootstrap';
import type { MeasureContext, MetricFamily, PartValue } from './contract';
import { normalizedRows, type PartRows } from './partRows';
import { fewSamplesWarning, noDirectionReason } from './reasons';

/** Samples between two looks at whether the measurement was cancelled. */
const samplesAtOnce = 64;

const recordedOptions = { normalisation: 'l2', pairs: 'views' };

/**
 * Mean squared distance between two views of one sample over all such pairs, rows of length 1 (Wang & Isola 2020, alpha = 2): 0 to 4.
 * Its gap (held-out minus train) is a one-encoder stand-in for SSLMem.
 */
export const alignmentFamily: MetricFamily<'alignment'> = {
  id: 'alignment',
  shapes: [{ metric: 'alignment', random: false, gap: 'held_out - train', dependsOnSize: false }],
  method: 1,
  measurePart(part, _layer, _options, context) {
    context.checkpoint();
    return Promise.resolve({ alignment: alignment(part, context) });
  },
};

function alignment(part: PartRows, { checkpoint }: MeasureContext): PartValue {
  const reason = noDirectionReason(part);
  if (reason) return { value: null, options: recordedOptions, warnings: [reason] };
  const { starts } = part;
  const samples = part.sampleIds.length;
  const squares = new Float64Array(samples);
  const pairs = new Float64Array(samples);
  const { columns } = part.features;
  const viewsOf = (sample: number) => (starts[sample + 1] as number) - (starts[sample] as number);
  let most = 1;
  for (let sample = 0; sample < samples; sample++) most = Math.max(most, viewsOf(sample));
  const normalized = normalizedRows(part);
  checkpoint();
  const block = new RowBlock(normalized, [columns], most);
  const [mean] = block.vectors as [Float64Array];
  for (let sample = 0; sample < samples; sample++) {
    if (sample % samplesAtOnce === 0) checkpoint();
    const views = viewsOf(sample);
    pairs[sample] = (views * (views - 1)) / 2;
    block.load(starts[sample] as number, views);
    // The sum over pairs of ||x - y||^2 is views * sum of ||x - mean||^2, which loses no digits when the views nearly agree.
    squares[sample] = views * kernels().scatter(block.address, views, columns, mean.byteOffset);
  }
  const form = { offset: 0, factor: 1, numerator: squares, denominator: pairs };
  const alone = pairs.reduce((count, own) => count + Number(own === 0), 0);
  if (alone === samples) return { value: null, options: recordedOptions, warnings: ['No sample has two views, so there are no pairs.'] };
  const warnings = fewSamplesWarning(part);
  if (alone > 0) warnings.push(`${alone} of ${samples} samples have one view and take no part.`);
  // A resample could hold nothing but samples without pairs.
  return { value: linearValue(form), options: recordedOptions, warnings, form: alone === 0 ? form : withPairsOnly(form) };
}

function withPairsOnly(form: { offset: number; factor: number; numerator: Float64Array; denominator: Float64Array }) {
  const keep = (values: Float64Array) => values.filter((_, sample) => (form.denominator[sample] as number) > 0);
  return { ...form, numerator: keep(form.numerator), denominator: keep(form.denominator) };
}
