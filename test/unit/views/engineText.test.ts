import { describe, expect, it } from 'vitest';
import type { EngineStatus } from '../../../src/protocol';
import { engineFacts, engineTitle, providerFact } from '../../../src/views/engineText';

const usual: EngineStatus = {
  name: 'onnxruntime', version: '1.30.0', reason: '', choice: 'auto',
  others: [{ name: 'tensorflow', failed: false, reason: 'not installed' }, { name: 'wasm', failed: false, reason: 'comes with Layerscope' }],
};

describe('the compute engine in words', () => {
  it('says which is in use and why, and why the others were not tried', () => {
    expect(engineTitle(usual)).toBe('Compute engine: onnxruntime 1.30.0');
    expect(engineFacts(usual)).toEqual([
      { name: 'onnxruntime', inUse: true, label: 'onnxruntime 1.30.0', state: 'in use', why: 'ONNX Runtime on the processor. Taken automatically: it is the first that loads.' },
      { name: 'tensorflow', inUse: false, label: 'tensorflow', state: 'not in use', why: 'TensorFlow, installed separately: not installed. It was not tried, onnxruntime comes first.' },
      { name: 'wasm', inUse: false, label: 'wasm', state: 'not in use', why: 'ONNX Runtime in WebAssembly, slower, runs anywhere: comes with Layerscope. It was not tried, onnxruntime comes first.' },
    ]);
  });

  it('names those that were tried before it and what kept them from loading', () => {
    const facts = engineFacts({
      ...usual, name: 'wasm',
      others: [{ name: 'onnxruntime', failed: true, reason: 'onnxruntime-node does not load on linux-x64: no such file' }, { name: 'tensorflow', failed: true, reason: 'not installed' }],
    });
    expect(facts.map(({ name, state }) => [name, state])).toEqual([['wasm', 'in use'], ['onnxruntime', 'does not load'], ['tensorflow', 'does not load']]);
    expect(facts[0]?.why).toMatch(/it is the first that loads, and onnxruntime and tensorflow could not be loaded\.$/);
    expect(facts[1]?.why).toBe('onnxruntime-node does not load on linux-x64: no such file.');
  });

  it('says that the setting asked for it', () => {
    const facts = engineFacts({ ...usual, name: 'wasm', choice: 'wasm', others: [{ name: 'onnxruntime', failed: false, reason: 'comes with Layerscope' }] });
    expect(facts.map(({ why }) => why)).toEqual([
      'ONNX Runtime in WebAssembly, slower, runs anywhere. Set in layerscope.engine.',
      'ONNX Runtime on the processor: comes with Layerscope. It was not tried, layerscope.engine asks for wasm.',
    ]);
  });

  it('says that nothing can be measured when the one asked for does not load', () => {
    const status: EngineStatus = {
      name: 'unavailable', version: '', reason: 'The tensorflow engine cannot be used: it is not installed.', choice: 'tensorflow',
      others: [{ name: 'onnxruntime', failed: false, reason: 'comes with Layerscope' }, { name: 'tensorflow', failed: true, reason: 'it is not installed' }],
    };
    expect(engineTitle(status)).toBe('Compute engine: none, nothing can be measured');
    expect(engineFacts(status).map(({ inUse, state }) => [inUse, state])).toEqual([[false, 'not in use'], [false, 'does not load']]);
  });
});

describe('On what models run', () => {
  it('is said with the reason', () => {
    expect(providerFact({ choice: 'cpu', provider: 'cpu', passedOver: [] })).toEqual({ inUse: true, label: 'Models run on the processor', state: 'for landscapes and features', why: 'Set in layerscope.modelProvider.' });
    expect(providerFact({ choice: 'auto', provider: 'cpu', passedOver: [{ provider: 'cuda', reason: 'there is no such library' }] }).why).toBe(
      'Taken automatically: it is the first that can be used. cuda: there is no such library.',
    );
    expect(providerFact({ choice: 'dml', provider: null, passedOver: [{ provider: 'dml', reason: 'no Windows' }] })).toMatchObject({ inUse: false, label: 'Models cannot run on dml', why: 'dml: no Windows.' });
  });
});
