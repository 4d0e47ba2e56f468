/** The door of the room: bytes in, named tensors and logged rows out. */
export { FormatError, type ByteSource } from './byteSource';
export type { DType, OpenSibling, SkippedTensor, Tensor, TensorFile, TensorInfo } from './tensors';
export type { ScalarColumns, ScalarLogReader, ScalarPurge, ScalarRow } from './scalarLog';
export { FormatRegistry, sniffLength, type Format, type LogFormat, type Sniff, type TensorFormat } from './registry';
export { explainSystemError, openFile } from './fileSource';
export { memorySource } from './memorySource';
export { createFormatRegistry, formats } from './formats';
export { openTensors, type OpenedTensors } from './openTensors';
export { explainGitLfsPointer } from './gitLfs';
export { isCheckpointName } from './checkpointNames';
export { floatTypes } from './decode';
export { isLogName } from './axes';
export { compareNaturally, guessEpochStep, type EpochStep } from './fileNames';
export { describeStateDict, type CheckpointTensor, type TensorRole } from './stateDict';
