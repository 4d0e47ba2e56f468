import { linearValue } from '../bootstrap';
import type { MeasureContext, MetricFamily, PartValue } from '../contract';
import type { PartRows } from '../partRows';
import { fewSamplesWarning } from '../reasons';
import { centredGram } from '../spectrum/centredGram';
import { livingFeatures, noSpectrumReason } from '../spectrum/livingFeatures';
import { kthNeighbourSquares } from './kthNeighbours';
import { leadingComponents } from './leadingComponents';
import { takeRows, viewSets, viewSetWarnings } from './viewSets';

const components = 8;
const neighbour = 3;
/** Below this share of the widest component's variance a component is flat. */
const flatBelow = 1e-9;

const optionsFor = (m: number) => ({ m, k: neighbour, components: 'of all rows', neighbours: 'same view of other samples', normalisation: 'none' });

/**
 * Differential entropy in nats of the rows in their first 8 principal components, by the distance to the third neighbour (Kozachenko &
 * Leonenko 1987; as a sensor of self-supervised training: Xu, Lowe & Trappenberg, arXiv 2409.06612): psi(N) - psi(k) + log V_m + m/N sum
 * log r_k.
 */
export const embeddingEntropyFamily: MetricFamily<'embedding_entropy'> = {
  id: 'embedding_entropy',
  shapes: [{ metric: 'embedding_entropy', random: false, gap: null, dependsOnSize: true }],
  method: 1,
  async measurePart(part, _layer, _options, context) {
    return { embedding_entropy: await embeddingEntropy(part, context) };
  },
};

async function embeddingEntropy(part: PartRows, context: MeasureContext): Promise<PartValue> {
  let options = optionsFor(components);
  const none = (...warnings: string[]): PartValue => ({ value: null, options, warnings });
  const reason = noSpectrumReason(part);
  if (reason) return none(reason);
  const m = Math.min(components, livingFeatures(part).features.columns, part.features.rows - 1);
  if (m < 1) return none('Needs more than one row.');
  options = optionsFor(m);
  const warnings = [...viewSetWarnings(part), ...fewSamplesWarning(part)];
  if (!((await centredGram(part, context)).centredSquares > 0)) return none('The rows do not differ, so there is no component.', ...warnings);
  const { sets } = viewSets(part);
  const fewest = Math.min(...sets.map(({ rows }) => rows.length));
  if (fewest <= neighbour) return none(`Needs more than ${neighbour} different samples to have a third neighbour; there ${fewest === 1 ? 'is 1' : `are ${fewest}`}.`, ...warnings);
  if (m < components) warnings.push(`Taken in ${m} dimensions instead of ${components}: the rows have no more. It does not compare with others.`);

  const { scores, scale, squares, explained } = await leadingComponents(part, m, context);
  const flat = squares.filter((square) => square < flatBelow * (squares[0] as number)).length;
  if (flat > 0) warnings.push(`${flat} of the ${m} components are flat (variance below ${flatBelow} of the widest): the entropy says little more than that.`);
  const samples = part.sampleIds.length;
  const logarithms = new Float64Array(samples);
  const counts = new Float64Array(samples);
  let constant = 0;
  const unit = Math.log(scale) + Math.log(part.unit);
  for (const { rows, samples: sampleOf } of sets) {
    constant += (digamma(rows.length) - digamma(neighbour)) / sets.length;
    for (const [place, square] of kthNeighbourSquares(takeRows(scores, rows), neighbour, context.checkpoint).entries()) {
      const sample = sampleOf[place] as number;
      logarithms[sample] = (logarithms[sample] as number) + 0.5 * Math.log(square) - unit;
      counts[sample] = (counts[sample] as number) + 1;
    }
  }
  const form = { offset: constant + logUnitBall(m), factor: m, numerator: logarithms, denominator: counts };
  const value = linearValue(form);
  if (!Number.isFinite(value)) return none('Some rows agree with three others in all components, so the entropy has no lower bound.', ...warnings);
  return { value, options, warnings, form, details: { explained_variance: explained } };
}

/** Logarithm of the volume of the unit ball in m dimensions: V_m = V_(m-2) 2 pi / m. */
function logUnitBall(m: number): number {
  let logarithm = m % 2 === 0 ? 0 : Math.log(2);
  for (let dimension = m; dimension > 1; dimension -= 2) logarithm += Math.log((2 * Math.PI) / dimension);
  return logarithm;
}

/** psi(n) of a whole number: the harmonic number of n - 1, less Euler's constant. */
function digamma(n: number): number {
  let sum = -0.5772156649015329;
  for (let i = n - 1; i >= 1; i--) sum += 1 / i;
  return sum;
}
