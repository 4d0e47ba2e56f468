/** The door of the room: graphs that can be run, images in, features and losses out. */
export {
  ModelMismatch, OpenQuestion, type Architecture, type DescribeOptions, type LossKind, type LossRequest, type ModelLayer, type ModelParameter, type ModelRole,
  type ResidualNetwork, type Stem, type TokenPooling, type TransformerStack, type VisionTransformer,
} from './architecture';
export { chosenLayers, chosenModules } from './chosenLayers';
export { describeModel } from './describeModel';
export { buildExportedGraph, matchExport, type ExportRequest } from './exportedGraph';
export { readExport, type ExportedModel } from './exportedModel';
export type { WeightMode } from './graphBuilder';
export { buildGraph, type GraphRequest, type ModelGraph } from './modelGraph';
export { ModelSession, type Batch, type ModelOutput, type SessionOptions, type Weights } from './modelSession';
export { findParameters, readWeights } from './modelWeights';
export { findProvider } from './findProvider';
export { providers, ProviderUnavailable, type Provider, type ProviderChoice } from './executionProviders';
export { extractFeatures, type FeatureModel, type FeatureOptions, type ModelFeatures } from './features';
export { openImages } from './openImages';
export type { ImageSet, Picture } from './picture';
export { chooseSamples, prepareBatch, prepareView, type BatchOptions, type PreparationOptions, type ProbeSample, type ViewOptions } from './preparation';
export type { AugmentationOptions } from './augmentation';
export { TensorFlowModel, type TensorFlowLayersPackage, type TensorFlowModelOptions } from './tensorFlowModel';
