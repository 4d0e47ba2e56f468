import type { EngineChoice, ModelProviderChoice, WorkerSettings } from '../protocol';
import { clusterBounds, partitions } from '../worker/measureSettings';

/** Everything that can be set under `layerscope.*`. */
export interface LayerscopeSettings {
  readonly worker: WorkerSettings;
  /** Limit of the worker's JavaScript heap in MiB. */
  readonly memoryLimit: number;
  readonly notifyFindings: boolean;
}

interface NumberRule {
  readonly fallback: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly whole: boolean;
}

/** Defaults and bounds of the numbers; `package.json` states the same (a test compares them). */
export const numberRules = {
  'measure.eps2': { fallback: 0.5, minimum: 1e-6, maximum: 1e6, whole: false },
  'measure.seed': { fallback: 0, minimum: 0, maximum: 4294967295, whole: true },
  'worker.threads': { fallback: 0, minimum: 0, maximum: 64, whole: true },
  'worker.memoryLimit': { fallback: 1024, minimum: 256, maximum: 65536, whole: true },
  'scan.maximumDepth': { fallback: 6, minimum: 0, maximum: 32, whole: true },
  'poll.interval': { fallback: 1000, minimum: 200, maximum: 60000, whole: true },
} as const satisfies Record<string, NumberRule>;

export const defaultExclude: readonly string[] = [
  '**/node_modules', '**/.git', '**/.hg', '**/.venv', '**/venv', '**/__pycache__', '**/site-packages',
];

/** What is measured without further choice: everything. `package.json` states the same (a test compares them). */
export const defaultMetrics: readonly string[] = [];

/** What `layerscope.engine` may be; `package.json` states the same (a test compares them). */
export const engineChoices: readonly EngineChoice[] = ['auto', 'onnxruntime', 'tensorflow', 'wasm'];

/** What `layerscope.modelProvider` may be; `package.json` states the same (a test compares them). */
export const modelProviders: readonly ModelProviderChoice[] = ['auto', 'cpu', 'cuda', 'coreml', 'dml', 'webgpu', 'wasm'];

/**
 * Reads the settings through `get`, which answers with whatever was written under a name (without the `layerscope.` prefix).
 * A value of the wrong type counts as absent, a number outside its bounds as the nearest bound.
 */
export function parseSettings(get: (name: string) => unknown, storageFolder: string, engineFolder?: string): LayerscopeSettings {
  const number = (name: keyof typeof numberRules): number => parseNumber(get(name), numberRules[name]);
  return {
    worker: {
      measureAutomatically: get('measure.automatic') !== false,
      measureWeights: get('measure.weights') !== false,
      eps2: number('measure.eps2'),
      seed: number('measure.seed'),
      partition: partitions.find((partition) => partition === get('partition')) ?? 'views',
      clusters: parseClusters(get('clusters')),
      metrics: parseStrings(get('metrics')) ?? defaultMetrics,
      threads: number('worker.threads'),
      engine: engineChoices.find((choice) => choice === get('engine')) ?? 'auto',
      modelProvider: modelProviders.find((provider) => provider === get('modelProvider')) ?? 'cpu',
      ...(engineFolder === undefined ? {} : { engineFolder }),
      resultsLocation: get('results.location') === 'run' ? 'run' : 'workspaceStorage',
      storageFolder,
      exclude: parseStrings(get('scan.exclude')) ?? defaultExclude,
      include: parseStrings(get('scan.include')) ?? [],
      maximumDepth: number('scan.maximumDepth'),
      pollInterval: number('poll.interval'),
    },
    memoryLimit: number('worker.memoryLimit'),
    notifyFindings: get('notifications.findings') !== false,
  };
}

function parseStrings(value: unknown): string[] | null {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : null;
}

const defaultClusters = 10;

/** A number, also as text, or `best`. */
function parseClusters(value: unknown): number | 'best' {
  if (value === 'best') return value;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return parseNumber(number, { fallback: defaultClusters, minimum: clusterBounds.least, maximum: clusterBounds.most, whole: true });
}

function parseNumber(value: unknown, rule: NumberRule): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return rule.fallback;
  const bounded = Math.min(rule.maximum, Math.max(rule.minimum, value));
  return rule.whole ? Math.round(bounded) : bounded;
}
