import { expect, test, vi } from 'vitest';
import { EngineUnavailable } from '../../../src/linalg';
import { WasmEngine } from '../../../src/linalg/wasmEngine';
import { gaussianMatrix } from './matrices';

test('the wasm engine reads its file from the package and asks no network', async () => {
  const fetching = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('there is no network'));
  const engine = await WasmEngine.load();
  const a = gaussianMatrix(3, 3, 1);
  expect((await engine.gemm(a, a)).data).toHaveLength(9);
  expect(fetching).not.toHaveBeenCalled();
  fetching.mockRestore();
});

test('the wasm engine says why it did not load', async () => {
  const failure = await WasmEngine.load({ importRuntime: () => Promise.reject(new Error("ENOENT: no such file, open 'ort-wasm-simd-threaded.wasm'")) }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(EngineUnavailable);
  expect(failure).toMatchObject({ engine: 'wasm', reason: "onnxruntime-web does not load: ENOENT: no such file, open 'ort-wasm-simd-threaded.wasm'" });
});
