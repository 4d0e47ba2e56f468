import { describe, expect, it } from 'vitest';
import { findProvider } from '../../../src/models';
import type { Runtime } from '../../../src/models/executionProviders';

/** A native library that knows some providers and can use fewer. */
function library(known: readonly string[], usable: readonly string[]) {
  const opened: string[] = [];
  const runtime = {
    listSupportedBackends: () => known.map((name) => ({ name })),
    InferenceSession: {
      create: (_: Uint8Array, { executionProviders }: { executionProviders: readonly string[] }) => {
        const [first] = executionProviders;
        if (!usable.includes(first!)) return Promise.reject(new Error(`${first!} is not here.\nmore`));
        opened.push(first!);
        return Promise.resolve({ release: () => Promise.resolve(opened.push('released')) });
      },
    },
    Tensor: class {},
  } as unknown as Runtime;
  return { opened, options: { loadNative: () => Promise.resolve(runtime), loadWasm: () => Promise.reject(new Error('no wasm')) } };
}

describe('Finding on what models run', () => {
  it('takes the first accelerator that can be used, tells why others cannot, and frees its session', async () => {
    const { opened, options } = library(['cuda', 'coreml', 'cpu'], ['coreml', 'cpu']);
    expect(await findProvider('auto', options)).toEqual({ choice: 'auto', provider: 'coreml', passedOver: [{ provider: 'cuda', reason: 'cuda is not here' }] });
    expect(opened).toEqual(['coreml', 'released']);
  });

  it('takes no other than the one that is named', async () => {
    const { options } = library(['cuda', 'cpu'], ['cpu']);
    expect(await findProvider('cpu', options)).toEqual({ choice: 'cpu', provider: 'cpu', passedOver: [] });
    expect(await findProvider('cuda', options)).toEqual({ choice: 'cuda', provider: null, passedOver: [{ provider: 'cuda', reason: 'cuda is not here' }] });
  });

  it('names all that were tried when none can be used', async () => {
    const { options } = library(['cpu'], []);
    const { provider, passedOver } = await findProvider('auto', options);
    expect(provider).toBeNull();
    expect(passedOver.map((one) => one.provider)).toEqual(['cuda', 'coreml', 'dml', 'cpu', 'wasm']);
    expect(passedOver.at(-1)!.reason).toBe('onnxruntime-web does not load: no wasm');
  });
});
