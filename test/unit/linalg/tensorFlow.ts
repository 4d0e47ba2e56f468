import path from 'node:path';
import type { EngineOptions } from '../../../src/linalg';
import { findTensorFlow, loadTensorFlow } from '../../../src/worker/tensorFlowPackage';

const root = path.resolve(import.meta.dirname, '../../..');
/** Where `npm run engine:tensorflow` puts it, or another folder that was given to it. */
const folders = [process.env['LAYERSCOPE_TENSORFLOW'], path.join(root, '.engines', 'tensorflow'), root].filter((folder) => folder !== undefined);

/** False is no failure: TensorFlow is installed by hand. Where it is installed it has to load. */
export const tensorFlowIsInstalled = findTensorFlow(folders) !== null;
if (!tensorFlowIsInstalled) console.info('The TensorFlow engine is not tested: it is not installed (npm run engine:tensorflow).');

export const withTensorFlow: EngineOptions = { tensorFlow: { loadPackage: () => loadTensorFlow(folders) } };
