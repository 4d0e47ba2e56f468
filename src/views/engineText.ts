import type { EngineChoice, EngineName, EngineStatus, ModelProvider, ModelProviderStatus } from '../protocol';

/** One engine in a few words. */
export interface EngineFact {
  readonly name: EngineName;
  readonly inUse: boolean;
  /** "onnxruntime 1.30.0" */
  readonly label: string;
  /** "in use", "does not load", "not in use" */
  readonly state: string;
  /** Why, as a sentence. */
  readonly why: string;
}

const what: Readonly<Record<EngineName, string>> = {
  onnxruntime: 'ONNX Runtime on the processor',
  tensorflow: 'TensorFlow, installed separately',
  wasm: 'ONNX Runtime in WebAssembly, slower, runs anywhere',
};

/** The engines as the worker knows them: the one in use first, then the others in the order in which they are tried. */
export function engineFacts(status: EngineStatus): EngineFact[] {
  const choice = status.choice ?? 'auto';
  const facts: EngineFact[] = [];
  const failed = (status.others ?? []).filter((other) => other.failed);
  if (status.name !== 'unavailable') {
    const before = failed.length > 0 ? `, and ${failed.map(({ name }) => name).join(' and ')} could not be loaded` : '';
    const why = choice === 'auto' ? `Taken automatically: it is the first that loads${before}.` : 'Set in layerscope.engine.';
    facts.push({ name: status.name, inUse: true, label: `${status.name} ${status.version}`, state: 'in use', why: `${what[status.name]}. ${why}` });
  }
  for (const { name, failed: tried, reason } of status.others ?? []) {
    const why = tried ? `${reason}.` : `${what[name]}: ${reason}. ${untried(choice, status.name)}`;
    facts.push({ name, inUse: false, label: name, state: tried ? 'does not load' : 'not in use', why });
  }
  return facts;
}

/** What the list is called: which engine computes, or that none does. */
export function engineTitle(status: EngineStatus): string {
  if (status.name === 'unavailable') return 'Compute engine: none, nothing can be measured';
  return `Compute engine: ${status.name} ${status.version}`;
}

function untried(choice: EngineChoice, used: EngineStatus['name']): string {
  return choice === 'auto' ? `It was not tried, ${used} comes first.` : `It was not tried, layerscope.engine asks for ${choice}.`;
}

const providerNames: Readonly<Record<ModelProvider, string>> = {
  cpu: 'the processor', cuda: 'CUDA', coreml: 'CoreML', dml: 'DirectML', webgpu: 'WebGPU', wasm: 'WebAssembly',
};

/** On what models run, and why: a title, a word and a sentence. */
export function providerFact({ choice, provider, passedOver }: ModelProviderStatus): Pick<EngineFact, 'inUse' | 'label' | 'state' | 'why'> {
  const reasons = passedOver.map((one) => `${one.provider}: ${one.reason}.`).join(' ');
  if (provider === null) return { inUse: false, label: `Models cannot run on ${choice}`, state: 'cannot be used', why: reasons };
  const why = choice !== 'auto' ? 'Set in layerscope.modelProvider.' : `Taken automatically: it is the first that can be used.${reasons === '' ? '' : ` ${reasons}`}`;
  return { inUse: true, label: `Models run on ${providerNames[provider]}`, state: 'for landscapes and features', why };
}
