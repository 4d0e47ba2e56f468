import { describe, expect, test } from 'vitest';
import { createEngine, EngineUnavailable } from '../../../src/linalg';
import { OnnxRuntimeEngine } from '../../../src/linalg/onnxRuntimeEngine';

// What all engines have in common is in engines.test.ts.

describe('an engine that cannot be used', () => {
  test('says why its native library did not load', async () => {
    const importRuntime = () => Promise.reject(new Error('libonnxruntime.so.1: cannot open shared object file\nat dlopen'));
    const failure = await OnnxRuntimeEngine.load({ threads: 1, importRuntime }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineUnavailable);
    expect((failure as EngineUnavailable).engine).toBe('onnxruntime');
    expect((failure as EngineUnavailable).reason).toBe(
      `onnxruntime-node does not load on ${process.platform}-${process.arch}: libonnxruntime.so.1: cannot open shared object file`,
    );
  });

  test('is named when there is none of that name', async () => {
    await expect(createEngine('abacus' as 'auto')).rejects.toThrow('The abacus engine cannot be used: there is no engine of this name.');
    await expect(createEngine('auto', { threads: 0 })).rejects.toThrow('An engine needs a whole number of threads of at least 1, not 0.');
  });
});
