import { csvLog } from './csvLog';
import { hdf5 } from './hdf5';
import { jsonLines } from './jsonLines';
import { keras, kerasWeights } from './keras';
import { mlflow } from './mlflow';
import { npyFile } from './npyFile';
import { npz } from './npz';
import { onnxInitializers } from './onnxInitializers';
import { FormatRegistry, type Format } from './registry';
import { safetensors } from './safetensors';
import { shardIndex } from './shardIndex';
import { tensorBoardEvents } from './tensorBoardEvents';
import { tensorFlowBundle } from './tensorFlowBundle';
import { tensorFlowJs } from './tensorFlowJs';
import { torchLegacy } from './torchLegacy';
import { torchZip } from './torchZip';
import { trainerState } from './trainerState';
import { wandb } from './wandb';

/** Every format, in the order in which they are asked; the first that recognises a file reads it. */
export const formats: readonly Format[] = [
  safetensors, npz, torchZip, torchLegacy, shardIndex, keras, kerasWeights, hdf5, tensorFlowBundle, tensorFlowJs, onnxInitializers, npyFile,
  tensorBoardEvents, wandb, mlflow, trainerState, jsonLines, csvLog,
];

export function createFormatRegistry(): FormatRegistry {
  return new FormatRegistry(formats);
}
