import { dot } from '../../linalg/dot';
import type { LayerFeatures, MeasureContext, MetricFamily, MetricShape, PartValue } from '../contract';
import { partRows, type PartRows } from '../partRows';
import { fewSamplesWarning, notFiniteReason } from '../reasons';
import { centredGram } from '../spectrum/centredGram';
import { livingFeatures } from '../spectrum/livingFeatures';
import { type CentredFeatures, centredFeatures, isConstant } from './centredFeatures';
import { isDebiased, leastRows, linearCka } from './linearCka';

const shape = <Metric extends string>(metric: Metric): MetricShape<Metric> => ({ metric, random: false, gap: null, dependsOnSize: true });
const centring = { centred: true, kernel: 'linear' };

/** Linear CKA (Kornblith et al. 2019) with the same layer at the nearest earlier checkpoint: 1 is the same up to rotation and scale. */
export const ckaPreviousFamily: MetricFamily<'cka_prev'> = {
  id: 'cka_prev',
  shapes: [shape('cka_prev')],
  method: 1,
  needs: { previous: true },
  async measurePart(part, { previous }, _options, context) {
    const options = { ...centring, since: previous?.since ?? '' };
    if (!previous) return { cka_prev: none('There is no earlier checkpoint.', options) };
    if (!previous.layer) return { cka_prev: none(previous.reason, options) };
    return { cka_prev: await ckaWith(part, previous.layer, 'the earlier checkpoint', options, context) };
  },
};

/** Linear CKA with the deepest layer of the same probe; of the deepest layer itself it is 1. */
export const ckaLastFamily: MetricFamily<'cka_last'> = {
  id: 'cka_last',
  shapes: [shape('cka_last')],
  method: 1,
  needs: { deepest: true },
  async measurePart(part, layer, _options, context) {
    const { deepest } = layer;
    if (deepest === undefined) return { cka_last: none('The deepest layer of the probe was not read.', centring) };
    return { cka_last: await ckaWith(part, deepest ?? layer, 'the deepest layer', centring, context) };
  },
};

type Options = PartValue['options'];

function none(reason: string, options: Options): PartValue {
  return { value: null, options, warnings: [reason] };
}

async function ckaWith(part: PartRows, other: LayerFeatures, name: string, options: Options, context: MeasureContext): Promise<PartValue> {
  context.checkpoint();
  const otherPart = partRows(other, part.part);
  context.checkpoint();
  const reason = notFiniteReason(part);
  if (reason) return none(reason, options);
  if (!otherPart || !sameRows(part, otherPart)) {
    return none(`The probe of ${name} has other samples or views, so that rows cannot be matched.`, options);
  }
  const otherReason = notFiniteReason(otherPart);
  if (otherReason) return none(`In ${name}: ${otherReason}`, options);
  const { rows } = part.features;
  if (rows < leastRows) return none(`Needs at least ${leastRows} rows; there ${rows === 1 ? 'is' : 'are'} ${rows}.`, options);

  context.checkpoint();
  const x = centredFeatures(part);
  context.checkpoint();
  if (isConstant(x)) return none('All features are constant.', options);
  const y = centredFeatures(otherPart);
  if (isConstant(y)) return none(`In ${name} all features are constant.`, options);
  context.checkpoint();
  const debiased = isDebiased(x, y);
  const recorded = { ...options, debiased, otherWidth: y.features.columns };
  // A layer is like itself whatever the estimate.
  if (otherPart !== part) await takeSelfProduct(part, x, context);
  const { value } = otherPart === part ? { value: 1 } : await linearCka(x, y, context, { debiased });
  if (value === null) {
    return none('The rows are as far apart as those of noise: the debiased similarity of a layer with itself is not above 0.', recorded);
  }
  return { value, options: recorded, warnings: fewSamplesWarning(part) };
}

/** The spectrum of the part needs its Gram matrix anyway, in float64; its squares are what is asked for here. */
async function takeSelfProduct(part: PartRows, x: CentredFeatures, context: MeasureContext): Promise<void> {
  if (part.features.rows < part.features.columns) return;
  const { gram } = await centredGram(part, context);
  const product = dot(gram.data, gram.data) * (x.scale / livingFeatures(part).scale) ** 4;
  for (const precision of ['float32', 'float64'] as const) x.selfProducts.set(precision, product);
}

function sameRows(a: PartRows, b: PartRows): boolean {
  if (a.sampleIds.length !== b.sampleIds.length) return false;
  return a.sampleIds.every((id, at) => id === b.sampleIds[at]) && a.starts.every((start, at) => start === b.starts[at]);
}
