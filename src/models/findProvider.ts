import type { ModelProviderChoice, ModelProviderStatus, PassedOverProvider } from '../protocol';
import { openSession, ProviderUnavailable } from './executionProviders';
import { GraphBuilder } from './graphBuilder';
import { loadNativeLibrary, loadWebAssembly, type SessionOptions } from './modelSession';

/** On what a model would run: found with a graph of one operation. */
export async function findProvider(choice: ModelProviderChoice, options: Pick<SessionOptions, 'loadNative' | 'loadWasm'> = {}): Promise<ModelProviderStatus> {
  const { loadNative = loadNativeLibrary, loadWasm = loadWebAssembly } = options;
  const graph = new GraphBuilder();
  const images = graph.input('images', 'float32', [1, 1]);
  graph.output('sum', graph.node('Add', [images, images]), [1, 1]);
  try {
    const request = { provider: choice, threads: 1, constants: new Map<string, Float32Array>(), loadNative, loadWasm };
    const { session, provider, passedOver } = await openSession(graph.finish('probe', 'initialisers').bytes, request);
    await session.release();
    return { choice, provider, passedOver: passedOver.map(described) };
  } catch (error) {
    if (!(error instanceof ProviderUnavailable)) throw error;
    const each = error.cause instanceof AggregateError ? (error.cause.errors as ProviderUnavailable[]) : [error];
    return { choice, provider: null, passedOver: each.map(described) };
  }
}

function described({ provider, reason }: ProviderUnavailable): PassedOverProvider {
  return { provider, reason };
}
