import { metricCatalog, metricsNamed } from '../metrics/catalog';
import { nearestNames } from '../metrics/nearestNames';
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

/** A setting whose value cannot be used as it is. */
export interface SettingComplaint {
  /** Without the `layerscope.` prefix. */
  readonly name: string;
  /** The value as it would be written in settings.json, cut off where it is long. */
  readonly found: string;
  /** Continues "which", or for a part of a list "of which". */
  readonly reason: string;
  /** What is used, in words or as it would be written. */
  readonly used: string;
}

export interface CheckedSettings {
  readonly settings: LayerscopeSettings;
  /** In the order in which the settings are read. */
  readonly complaints: readonly SettingComplaint[];
}

/**
 * Reads the settings through `get`, which answers with whatever was written under a name (without the `layerscope.` prefix), undefined for nothing.
 * A value of the wrong type counts as absent, a number outside its bounds as the nearest bound, what is no item of a list as left out of it; each of these is
 * a complaint.
 */
export function checkSettings(get: (name: string) => unknown, storageFolder: string, engineFolder?: string): CheckedSettings {
  const complaints: SettingComplaint[] = [];
  const read = <Value>(name: string, check: Check<Value>, absent: Value): Value => {
    const value = get(name);
    if (value === undefined) return absent;
    const { used, reason, inWords = shown(used) } = check(value);
    if (reason !== undefined) complaints.push({ name, found: shown(value), reason, used: inWords });
    return used;
  };
  const number = (name: keyof typeof numberRules): number => read(name, numberWithin(numberRules[name]), numberRules[name].fallback);
  const oneOf = <Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice => read(name, choiceOf(choices, fallback), fallback);
  const settings: LayerscopeSettings = {
    worker: {
      measureAutomatically: read('measure.automatic', truth, true),
      measureWeights: read('measure.weights', truth, true),
      eps2: number('measure.eps2'),
      seed: number('measure.seed'),
      partition: oneOf('partition', partitions, 'views'),
      clusters: read('clusters', clusters, defaultClusters),
      metrics: read('metrics', listOf(whyNoMetric, defaultMetrics, 'every metric'), defaultMetrics),
      threads: number('worker.threads'),
      engine: oneOf('engine', engineChoices, 'auto'),
      modelProvider: oneOf('modelProvider', modelProviders, 'cpu'),
      ...(engineFolder === undefined ? {} : { engineFolder }),
      resultsLocation: oneOf('results.location', ['workspaceStorage', 'run'], 'workspaceStorage'),
      storageFolder,
      exclude: read('scan.exclude', listOf(whyNoFolderGlob, defaultExclude), defaultExclude),
      include: read('scan.include', listOf(whyNoFolderGlob, [], 'every folder'), []),
      maximumDepth: number('scan.maximumDepth'),
      pollInterval: number('poll.interval'),
    },
    memoryLimit: number('worker.memoryLimit'),
    notifyFindings: read('notifications.findings', truth, true),
  };
  return { settings, complaints };
}

/** One sentence without its full stop. */
export function describeComplaint({ name, found, reason, used }: SettingComplaint): string {
  return `The setting layerscope.${name} is ${found}, ${reason}; ${used} is used instead`;
}

interface Checked<Value> {
  readonly used: Value;
  /** Left out where the value is used as it is. */
  readonly reason?: string;
  /** What is used, where that is not clear from its value. */
  readonly inWords?: string;
}

type Check<Value> = (value: unknown) => Checked<Value>;

const truth: Check<boolean> = (value) => (typeof value === 'boolean' ? { used: value } : { used: true, reason: 'which is neither true nor false' });

function choiceOf<Choice extends string>(choices: readonly Choice[], fallback: Choice): Check<Choice> {
  return (value) => {
    const used = choices.find((choice) => choice === value);
    return used === undefined ? { used: fallback, reason: `which is none of ${choices.map(shown).join(', ')}` } : { used };
  };
}

function numberWithin({ fallback, minimum, maximum, whole }: NumberRule): Check<number> {
  return (value) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) return { used: fallback, reason: `which is not a ${whole ? 'whole ' : ''}number` };
    if (value < minimum) return { used: minimum, reason: `which is less than ${minimum}` };
    if (value > maximum) return { used: maximum, reason: `which is more than ${maximum}` };
    return whole && !Number.isInteger(value) ? { used: Math.round(value), reason: 'which is not a whole number' } : { used: value };
  };
}

const defaultClusters = 10;
const clusterCount = numberWithin({ fallback: defaultClusters, minimum: clusterBounds.least, maximum: clusterBounds.most, whole: true });

/** A number, also as text, or `best`. */
const clusters: Check<number | 'best'> = (value) => {
  if (value === 'best') return { used: value };
  const number = typeof value === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number') return { used: defaultClusters, reason: 'which is neither a whole number nor "best"' };
  return clusterCount(number);
};

/** What is no text or is complained of is left out. */
function listOf(whyNot: (item: string) => string | null, fallback: readonly string[], nothingInWords?: string): Check<readonly string[]> {
  return (value) => {
    const inWords = (used: readonly string[]): { readonly inWords?: string } => (used.length === 0 && nothingInWords !== undefined ? { inWords: nothingInWords } : {});
    if (!Array.isArray(value)) return { used: fallback, reason: 'which is not a list', ...inWords(fallback) };
    const wrong = value.map((item: unknown) => (typeof item === 'string' ? whyNot(item) : 'is not text'));
    const used = value.filter((item, at): item is string => wrong[at] === null);
    const reasons = value.flatMap((item: unknown, at) => (wrong[at] === null ? [] : [`${shown(item)} ${wrong[at] ?? ''}`]));
    return reasons.length === 0 ? { used } : { used, reason: `of which ${reasons.join(' and ')}`, ...inWords(used) };
  };
}

function whyNoMetric(name: string): string | null {
  if (metricsNamed(name).length > 0) return null;
  const groups = metricCatalog.map(({ group }) => group);
  const nearest = nearestNames(name, [...new Set([...metricCatalog.map(({ id }) => id), ...groups])]);
  return `is neither a metric nor a group of metrics${nearest.length === 0 ? '' : ` (nearest: ${nearest.join(', ')})`}`;
}

/** Longer ones are refused by picomatch, and with them every folder. */
const longestGlob = 65_536;

/** Patterns that could match no folder, as they are compared with paths relative to the workspace folder with slashes between. */
function whyNoFolderGlob(pattern: string): string | null {
  const glob = pattern.trim();
  if (glob === '') return 'is empty';
  if (glob.length > longestGlob) return `is longer than ${longestGlob} characters`;
  if (/^(\/|\\|~\/|[a-z]:[\\/])/i.test(glob)) return 'is not relative to the workspace folder';
  if (/(^|\/)\.\.(\/|$)/.test(glob)) return 'leads out of the workspace folder';
  if ([...glob.matchAll(/\[[^\]\\]+\]/g)].some(([set]) => !isRegularExpression(set))) return 'has a range of characters that ends before it begins';
  if (/\\[\p{L}\p{N}_]/u.test(glob)) return 'has a backslash where a slash is between folders';
  return null;
}

function isRegularExpression(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}

/** So much of a value is shown. */
const longestShown = 120;

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}
