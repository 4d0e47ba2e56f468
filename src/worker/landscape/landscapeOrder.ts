import type { DescribeOptions } from '../../models';
import type { LandscapeOrder, ModelAnswers } from '../../protocol';
import type { LandscapeRequest } from './computeLandscapes';

/** What an order asks for, as the computation takes it. */
export function requestOf(order: LandscapeOrder): LandscapeRequest {
  const { checkpoints, directions, data, images, grid, range, seed, loss, graph, mean, deviation, provider } = order;
  return {
    checkpoints, directions, data, images, grid, seed, describe: describeOptionsOf(order), session: { provider },
    ...(range === null ? {} : { range }), ...(loss === null ? {} : { loss }), ...(graph === null ? {} : { graph }),
    ...(mean === null ? {} : { mean }), ...(deviation === null ? {} : { deviation }),
  };
}

export function describeOptionsOf({ heads, decoderHeads, imageSize, role }: ModelAnswers): DescribeOptions {
  return {
    ...(heads === null ? {} : { heads }), ...(decoderHeads === null ? {} : { decoderHeads }),
    ...(imageSize === null ? {} : { imageSize: [imageSize, imageSize] as const }), ...(role === null ? {} : { role }),
  };
}
