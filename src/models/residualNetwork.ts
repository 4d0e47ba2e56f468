import type { DescribeOptions, ResidualNetwork } from './architecture';
import type { Parameters, StateShapes } from './parameters';

/** Of torchvision's batch norms. */
const epsilon = 1e-5;
/** For the estimate of the work, where the size of images is open. */
const usualSide = 224;

export type ResidualPlan = Pick<ResidualNetwork, 'family' | 'channels' | 'imageSize' | 'stem' | 'stages' | 'bottleneck' | 'warnings'>;

export function isResidualNetwork(shapes: StateShapes): boolean {
  return shapes.get('conv1.weight')?.shape.length === 4 && shapes.has('layer1.0.conv1.weight') && shapes.has('bn1.running_mean');
}

export function planResidualNetwork(shapes: StateShapes, options: DescribeOptions): ResidualPlan {
  const [, channels, kernel] = shapes.get('conv1.weight')!.shape as [number, number, number];
  const small = kernel <= 3;
  const stem = { stride: small ? 1 : 2, padding: Math.floor(kernel / 2), maxPool: !small, ...options.stem };
  const stages: number[] = [];
  for (let stage = 1; shapes.has(`layer${stage}.0.conv1.weight`); stage++) {
    let blocks = 0;
    while (shapes.has(`layer${stage}.${blocks}.conv1.weight`)) blocks++;
    stages.push(blocks);
  }
  const warnings = small && options.stem === undefined
    ? ['The first kernel is 3 x 3: images are taken to be small (stride 1, padding 1, no pooling at the start). The option stem says otherwise.']
    : [];
  return { family: 'residual-network', channels, imageSize: options.imageSize ?? null, stem, stages, bottleneck: shapes.has('layer1.0.conv3.weight'), warnings };
}

export interface ResidualValues {
  /** After each block: name, value [images, width, rows, columns] and width. */
  readonly blocks: readonly { readonly name: string; readonly value: string; readonly width: number }[];
}

/** He et al. 2016 with the stride on the 3 x 3 convolution, as in torchvision; batch norms with their running statistics. */
export function buildResidualNetwork(parameters: Parameters, model: ResidualPlan, images: string): ResidualValues {
  const { graph } = parameters;
  const convolutions = new Convolutions(parameters, model.imageSize ?? [usualSide, usualSide]);
  const { stem } = model;
  let value = convolutions.normalised(images, 'conv1', 'bn1', { stride: stem.stride, padding: stem.padding, inputs: model.channels, relu: true });
  if (stem.maxPool) {
    value = graph.node('MaxPool', [value], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
    convolutions.shrink(2);
  }
  let width = parameters.sizeOf('conv1.weight', 0)!;
  const blocks: { name: string; value: string; width: number }[] = [];
  model.stages.forEach((count, index) => {
    for (let block = 0; block < count; block++) {
      const name = `layer${index + 1}.${block}`;
      const stride = index > 0 && block === 0 ? 2 : 1;
      const hidden = parameters.sizeOf(`${name}.conv1.weight`, 0) ?? width;
      const outputs = parameters.sizeOf(`${name}.conv${model.bottleneck ? 3 : 2}.weight`, 0) ?? width;
      const shortcut = parameters.has(`${name}.downsample.0.weight`)
        ? convolutions.aside(() => convolutions.normalised(value, `${name}.downsample.0`, `${name}.downsample.1`, { stride, padding: 0, inputs: width }))
        : value;
      let branch = convolutions.normalised(value, `${name}.conv1`, `${name}.bn1`, model.bottleneck
        ? { stride: 1, padding: 0, inputs: width, relu: true }
        : { stride, padding: 1, inputs: width, relu: true });
      const second = { stride: model.bottleneck ? stride : 1, padding: 1, inputs: hidden, relu: model.bottleneck };
      branch = convolutions.normalised(branch, `${name}.conv2`, `${name}.bn2`, second);
      if (model.bottleneck) {
        const inputs = parameters.sizeOf(`${name}.conv2.weight`, 0) ?? hidden;
        branch = convolutions.normalised(branch, `${name}.conv3`, `${name}.bn3`, { stride: 1, padding: 0, inputs });
      }
      value = graph.node('Relu', [graph.node('Add', [branch, shortcut])]);
      width = outputs;
      blocks.push({ name, value, width });
    }
  });
  return { blocks };
}

interface Convolution {
  readonly stride: number;
  readonly padding: number;
  readonly inputs: number;
  readonly relu?: boolean;
}

/** Adds convolutions and keeps the size of the map, which the estimate of the work needs. */
class Convolutions {
  constructor(
    private readonly parameters: Parameters,
    private size: readonly [number, number],
  ) {}

  shrink(factor: number): void {
    this.size = [Math.ceil(this.size[0] / factor), Math.ceil(this.size[1] / factor)];
  }

  /** Runs the action and goes back to the size there was. */
  aside<Value>(action: () => Value): Value {
    const size = this.size;
    const value = action();
    this.size = size;
    return value;
  }

  normalised(value: string, name: string, normName: string, { stride, padding, inputs, relu = false }: Convolution): string {
    const { parameters } = this;
    const { graph } = parameters;
    const outputs = parameters.sizeOf(`${name}.weight`, 0) ?? inputs;
    const kernel = parameters.sizeOf(`${name}.weight`, 2) ?? 1;
    // ResNeXt: a kernel sees a part of the inputs.
    const seen = parameters.sizeOf(`${name}.weight`, 1) ?? inputs;
    const groups = inputs % seen === 0 ? inputs / seen : 1;
    const bias = parameters.takeIfThere(`${name}.bias`, [outputs]);
    const weight = parameters.take(`${name}.weight`, [outputs, inputs / groups, kernel, kernel]);
    this.shrink(stride);
    const convolved = graph.node('Conv', [value, weight, ...(bias === null ? [] : [bias])], {
      kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [padding, padding, padding, padding], group: groups,
    });
    graph.count(convolved, (2 * outputs * inputs * kernel * kernel * this.size[0] * this.size[1]) / groups);
    const statistics = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => parameters.take(`${normName}.${part}`, [outputs]));
    const normed = graph.node('BatchNormalization', [convolved, ...statistics], { epsilon: { float: epsilon } });
    return relu ? graph.node('Relu', [normed]) : normed;
  }
}
