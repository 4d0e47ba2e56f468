import type { Uncertainty } from '../protocol';
import { Random, randomPurpose } from './random';

/** Enough for a 95 % percentile interval that is stable to a few percent of its width (Efron & Tibshirani 1993, section 12). */
export const replicateCount = 200;

/**
 * A statistic of the samples in linear form: value = offset + factor * sum(numerator) / sum(denominator).
 * A mean over rows has it exactly. A smooth statistic has it to first order, its numerator being the influence of each sample
 * (infinitesimal jackknife: Efron 1982; the first term of Efron & Stein 1981).
 */
export interface LinearForm {
  readonly offset: number;
  readonly factor: number;
  /** [samples] */
  readonly numerator: Float64Array;
  /** [samples], positive. */
  readonly denominator: Float64Array;
}

export function linearValue({ offset, factor, numerator, denominator }: LinearForm): number {
  return offset + (factor * sum(numerator)) / sum(denominator);
}

/** The statistic on `replicateCount` resamples of the samples with replacement; the same resamples for every statistic of one seed and part. */
export function bootstrapReplicates(form: LinearForm, seed: number, part: number): Float64Array {
  const samples = form.numerator.length;
  const counts = countsOf(samples, seed, part);
  const numerators = sumsOfDraws(form.numerator, counts);
  const [each = 0] = form.denominator;
  // A mean divides by the same for every sample: its sum need not be drawn.
  const denominators = form.denominator.every((value) => value === each) ? null : sumsOfDraws(form.denominator, counts);
  return numerators.map((numerator, replicate) => form.offset + (form.factor * numerator) / (denominators?.[replicate] ?? samples * each));
}

/** [replicateCount] sums of the values of the samples drawn. Four partial sums: one would wait for itself. */
function sumsOfDraws(values: Float64Array, counts: Uint8Array): Float64Array {
  const samples = values.length;
  const even = samples - (samples % 4);
  const sums = new Float64Array(replicateCount);
  for (let replicate = 0, at = 0; replicate < replicateCount; replicate++) {
    let [first, second, third, fourth] = [0, 0, 0, 0];
    for (let sample = 0; sample < even; sample += 4, at += 4) {
      first += (counts[at] as number) * (values[sample] as number);
      second += (counts[at + 1] as number) * (values[sample + 1] as number);
      third += (counts[at + 2] as number) * (values[sample + 2] as number);
      fourth += (counts[at + 3] as number) * (values[sample + 3] as number);
    }
    for (let sample = even; sample < samples; sample++, at++) first += (counts[at] as number) * (values[sample] as number);
    sums[replicate] = first + second + (third + fourth);
  }
  return sums;
}

/** Train and held-out part of the latest probe. */
const latest = new Map<number, { readonly key: string; readonly counts: Uint8Array }>();

/**
 * [replicateCount, samples] how often each sample is drawn; all statistics of a part use the same, so the latest are kept. Of more than 255 samples none is drawn
 * more than 255 times: the chance is below 1e-500.
 */
function countsOf(samples: number, seed: number, part: number): Uint8Array {
  const key = `${samples} ${seed}`;
  let kept = latest.get(part);
  if (kept?.key !== key) {
    const random = new Random(randomPurpose.bootstrap, seed, part);
    const counts = new Uint8Array(replicateCount * samples);
    for (let start = 0; start < counts.length; start += samples) {
      for (let draw = 0; draw < samples; draw++) {
        const at = start + random.below(samples);
        counts[at] = (counts[at] as number) + 1;
      }
    }
    kept = { key, counts };
    latest.set(part, kept);
  }
  return kept.counts;
}

/** Standard error and central 95 % percentile interval of the replicates. */
export function summarizeReplicates(replicates: Float64Array): Uncertainty {
  const sorted = replicates.slice().sort();
  return {
    standardError: standardDeviation(replicates),
    low: quantile(sorted, 0.025),
    high: quantile(sorted, 0.975),
    replicates: replicates.length,
  };
}

/** With n - 1 in the denominator; 0 for a single number. */
export function standardDeviation(values: ArrayLike<number>): number {
  if (values.length < 2) return 0;
  const mean = sum(values) / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += ((values[i] as number) - mean) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] as number;
  return total;
}

/** Linear interpolation between order statistics (Hyndman & Fan 1996, type 7). */
function quantile(sorted: Float64Array, probability: number): number {
  const place = probability * (sorted.length - 1);
  const low = Math.floor(place);
  const lower = sorted[low] as number;
  const upper = sorted[Math.min(low + 1, sorted.length - 1)] as number;
  return lower + (place - low) * (upper - lower);
}
