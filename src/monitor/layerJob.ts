import { metricInfo } from '../metrics';
import type { LayerStep, LayerTask } from './layerMeasurer';
import type { Turn } from './plan';
import type { InspectedTensors, TensorWatch } from './tensorWatch';

/** What is measured next of a layer, as one of the files that hold it sees it. */
export interface NextTask {
  readonly file: TensorWatch;
  readonly content: InspectedTensors;
  readonly task: LayerTask;
}

/** One turn of one layer. */
export interface LayerJob {
  readonly content: InspectedTensors;
  readonly layer: string;
  readonly again: boolean;
  readonly turn: Turn;
}

/** Equal for tasks that would give the same records. */
export function describeTask(task: LayerTask): string {
  return JSON.stringify(task);
}

/** In words. */
export function describeStep({ metrics: [metric = ''], step, steps }: LayerStep): string {
  return `${metricInfo(metric)?.group ?? metric}, step ${step} of ${steps}`;
}
