import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ModelProvider, ModelProviderChoice } from '../protocol';

export type ProviderChoice = ModelProviderChoice;
export type Provider = ModelProvider;

export const providers: readonly Provider[] = ['cpu', 'cuda', 'coreml', 'dml', 'webgpu', 'wasm'];

/** Tried by `auto` in this order. WebGPU is called experimental by the runtime and has to be asked for. */
const accelerators: readonly Provider[] = ['cuda', 'coreml', 'dml'];

/** What the packages `onnxruntime-node` and `onnxruntime-web` have in common. */
export interface Runtime {
  readonly InferenceSession: { create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession> };
  readonly Tensor: new (type: 'float32' | 'int64', data: Float32Array | BigInt64Array, dimensions: readonly number[]) => Tensor;
  /** Only of the native library: what this build of it knows. */
  readonly listSupportedBackends?: () => readonly { readonly name: string }[];
}

/** A session could not be made. */
export class ProviderUnavailable extends Error {
  constructor(
    readonly provider: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`The model cannot run on ${provider}: ${reason}.`, options);
    this.name = 'ProviderUnavailable';
  }
}

export interface SessionRequest {
  readonly provider: ProviderChoice;
  /** Threads inside one operation, on the processor. */
  readonly threads: number;
  /** Weights that are constants of the model, by name. */
  readonly constants: ReadonlyMap<string, Float32Array>;
  readonly loadNative: () => Promise<Runtime>;
  readonly loadWasm: () => Promise<Runtime>;
}

export interface OpenedSession {
  readonly session: InferenceSession;
  readonly runtime: Runtime;
  readonly provider: Provider;
  /** What comes before it in the order and could not be used, with the reasons. */
  readonly passedOver: readonly ProviderUnavailable[];
}

/**
 * Makes a session on the provider that is asked for. What a provider cannot compute runs on the processor.
 * @throws {ProviderUnavailable} naming each provider that was tried and why it could not be used.
 */
export async function openSession(model: Uint8Array, request: SessionRequest): Promise<OpenedSession> {
  const { provider } = request;
  if (provider !== 'auto') {
    if (!providers.includes(provider)) throw new ProviderUnavailable(String(provider), `there is no provider of this name; there are auto, ${providers.join(', ')}`);
    return { ...(await open(model, provider, request)), provider, passedOver: [] };
  }
  const passedOver: ProviderUnavailable[] = [];
  for (const each of [...accelerators, 'cpu', 'wasm'] as const) {
    try {
      return { ...(await open(model, each, request)), provider: each, passedOver };
    } catch (error) {
      if (!(error instanceof ProviderUnavailable)) throw error;
      passedOver.push(error);
    }
  }
  throw new ProviderUnavailable('any provider', passedOver.map((error) => `${error.provider}: ${error.reason}`).join('; '), { cause: new AggregateError(passedOver) });
}

async function open(model: Uint8Array, provider: Provider, request: SessionRequest): Promise<Pick<OpenedSession, 'session' | 'runtime'>> {
  const runtime = await load(provider, request);
  if (runtime.listSupportedBackends !== undefined) {
    const known = runtime.listSupportedBackends().map(({ name }) => name);
    if (!known.includes(provider)) {
      throw new ProviderUnavailable(provider, `ONNX Runtime has no ${provider} on ${process.platform}-${process.arch} (it has ${known.join(', ')})`);
    }
  }
  try {
    const session = await runtime.InferenceSession.create(model, {
      executionProviders: provider === 'cpu' || provider === 'wasm' ? [provider] : [provider, 'cpu'],
      executionMode: 'sequential',
      intraOpNumThreads: request.threads,
      interOpNumThreads: 1,
      externalData: [...request.constants].map(([path, { buffer, byteOffset, byteLength }]) => ({ path, data: new Uint8Array(buffer, byteOffset, byteLength) })),
      // Idle threads of the runtime would spin on cores that other threads measure on.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
      logSeverityLevel: 3,
    });
    return { session, runtime };
  } catch (cause) {
    throw new ProviderUnavailable(provider, reasonOf(cause), { cause });
  }
}

async function load(provider: Provider, { loadNative, loadWasm }: SessionRequest): Promise<Runtime> {
  try {
    return await (provider === 'wasm' ? loadWasm() : loadNative());
  } catch (cause) {
    throw new ProviderUnavailable(provider, `${provider === 'wasm' ? 'onnxruntime-web' : 'onnxruntime-node'} does not load: ${reasonOf(cause)}`, { cause });
  }
}

function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.split('\n', 1)[0]!.trim().replace(/\.$/, '');
}
