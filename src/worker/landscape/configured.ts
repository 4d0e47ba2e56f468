import type { DescribeOptions } from '../../models';
import { readRunConfig, type RunConfig } from '../../runs';
import { runFolderOf } from './surfacePlan';

/** What the configuration beside the run of a checkpoint says. */
export function configOfCheckpoint(file: string): Promise<RunConfig> {
  return readRunConfig(runFolderOf(file));
}

/** What was left open is taken from the configuration. */
export function describeWith({ imageSize, heads, decoderHeads }: RunConfig, options: DescribeOptions = {}): DescribeOptions {
  return {
    ...(imageSize === null ? {} : { imageSize: [imageSize, imageSize] as const }), ...(heads === null ? {} : { heads }), ...(decoderHeads === null ? {} : { decoderHeads }),
    ...options,
  };
}

/** Mean and deviation of the configuration where neither was asked for and the model has as many channels. */
export function normalisationWith(
  { mean, deviation }: RunConfig,
  asked: { readonly mean?: readonly number[]; readonly deviation?: readonly number[] },
  channels: number,
): { readonly mean?: readonly number[]; readonly deviation?: readonly number[] } {
  if (asked.mean === undefined && asked.deviation === undefined && mean !== null && deviation !== null && (mean.length === 1 || mean.length === channels)) return { mean, deviation };
  return { ...(asked.mean === undefined ? {} : { mean: asked.mean }), ...(asked.deviation === undefined ? {} : { deviation: asked.deviation }) };
}
