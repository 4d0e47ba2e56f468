import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import manifest from '../../../package.json';
import { metricCatalog } from '../../../src/metrics';
import { chooseMetrics } from '../../../src/monitor/fileRecords';
import { checkSettings, defaultExclude, describeComplaint, engineChoices, modelProviders, numberRules } from '../../../src/views/settingValues';

interface Property {
  readonly default: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
  readonly enumDescriptions?: readonly string[];
  readonly description?: string;
  readonly markdownDescription?: string;
}
const properties = manifest.contributes.configuration.properties as unknown as Readonly<Record<string, Property>>;

describe('settings', () => {
  it('have in package.json the defaults and bounds of the code', () => {
    for (const [name, rule] of Object.entries(numberRules)) {
      const { default: fallback, minimum, maximum } = properties[`layerscope.${name}`] ?? {};
      expect({ name, fallback, minimum, maximum }).toEqual({ name, fallback: rule.fallback, minimum: rule.minimum, maximum: rule.maximum });
    }
    expect(properties['layerscope.scan.exclude']?.default).toEqual(defaultExclude);
    expect(properties['layerscope.engine']?.enum).toEqual(engineChoices);
    expect(properties['layerscope.modelProvider']?.enum).toEqual(modelProviders);
  });

  it('are all read, and nothing else is', () => {
    const asked = new Set<string>();
    checkSettings((name) => void asked.add(`layerscope.${name}`), '/storage');
    expect([...asked].sort()).toEqual(Object.keys(properties).sort());
  });

  it('mean the same whether they are absent or at their defaults', () => {
    expect(checkSettings(() => undefined, '/storage')).toEqual(checkSettings((name) => properties[`layerscope.${name}`]?.default, '/storage'));
  });

  it('are not complained of at their defaults, absent, or at any choice and bound that package.json allows', () => {
    const allowed = Object.values(properties).flatMap(({ default: fallback, minimum, maximum, enum: choices = [] }) => [fallback, minimum, maximum, ...choices].length);
    for (let at = 0; at < Math.max(...allowed); at += 1) {
      const values = (name: string): unknown => {
        const { default: fallback, minimum, maximum, enum: choices = [] } = properties[`layerscope.${name}`] ?? { default: undefined };
        return [fallback, minimum, maximum, ...choices].filter((value) => value !== undefined)[at];
      };
      expect(checkSettings(values, '/storage').complaints).toEqual([]);
    }
  });

  it('survive values of the wrong type, keep numbers within their bounds, and say so', () => {
    const odd: Record<string, unknown> = { 'measure.eps2': 'half', 'poll.interval': 1, 'worker.threads': 2.6, 'scan.exclude': ['**/x', 4], engine: 'magic' };
    const { settings, complaints } = checkSettings((name) => odd[name], '/storage');
    expect(settings.worker).toMatchObject({ eps2: 0.5, pollInterval: 200, threads: 3, exclude: ['**/x'], engine: 'auto' });
    expect(complaints.map(describeComplaint)).toEqual([
      'The setting layerscope.measure.eps2 is "half", which is not a number; 0.5 is used instead',
      'The setting layerscope.worker.threads is 2.6, which is not a whole number; 3 is used instead',
      'The setting layerscope.engine is "magic", which is none of "auto", "onnxruntime", "tensorflow", "wasm"; "auto" is used instead',
      'The setting layerscope.scan.exclude is ["**/x",4], of which 4 is not text; ["**/x"] is used instead',
      'The setting layerscope.poll.interval is 1, which is less than 200; 200 is used instead',
    ]);
  });

  const bad: readonly (readonly [name: string, value: unknown, complaint: string, used: unknown])[] = [
    ['measure.automatic', 'no', 'is "no", which is neither true nor false; true is used', { measureAutomatically: true }],
    ['measure.weights', 0, 'is 0, which is neither true nor false; true is used', { measureWeights: true }],
    ['measure.eps2', null, 'is null, which is not a number; 0.5 is used', { eps2: 0.5 }],
    ['measure.eps2', -1, 'is -1, which is less than 0.000001; 0.000001 is used', { eps2: 1e-6 }],
    ['measure.seed', 4294967296, 'is 4294967296, which is more than 4294967295; 4294967295 is used', { seed: 4294967295 }],
    ['measure.seed', '7', 'is "7", which is not a whole number; 0 is used', { seed: 0 }],
    ['partition', 'colours', 'is "colours", which is none of "views", "clusters", "labels"; "views" is used', { partition: 'views' }],
    ['clusters', 'many', 'is "many", which is neither a whole number nor "best"; 10 is used', { clusters: 10 }],
    ['clusters', '0x10', 'is "0x10", which is neither a whole number nor "best"; 10 is used', { clusters: 10 }],
    ['clusters', '1', 'is "1", which is less than 2; 2 is used', { clusters: 2 }],
    ['clusters', 5000, 'is 5000, which is more than 1000; 1000 is used', { clusters: 1000 }],
    ['clusters', '2.5', 'is "2.5", which is not a whole number; 3 is used', { clusters: 3 }],
    ['clusters', true, 'is true, which is neither a whole number nor "best"; 10 is used', { clusters: 10 }],
    ['metrics', 'rankme', 'is "rankme", which is not a list; every metric is used', { metrics: [] }],
    ['metrics', ['rankm', 'alignment'], 'is ["rankm","alignment"], of which "rankm" is neither a metric nor a group of metrics (nearest: rankme); ["alignment"] is used', { metrics: ['alignment'] }],
    ['metrics', ['xyzzy', 3], 'is ["xyzzy",3], of which "xyzzy" is neither a metric nor a group of metrics and 3 is not text; every metric is used', { metrics: [] }],
    ['metrics', ['Spectrums'], 'is ["Spectrums"], of which "Spectrums" is neither a metric nor a group of metrics (nearest: Spectrum); every metric is used', { metrics: [] }],
    ['modelProvider', 'tpu', 'is "tpu", which is none of "auto", "cpu", "cuda", "coreml", "dml", "webgpu", "wasm"; "cpu" is used', { modelProvider: 'cpu' }],
    ['results.location', 'home', 'is "home", which is none of "workspaceStorage", "run"; "workspaceStorage" is used', { resultsLocation: 'workspaceStorage' }],
    ['scan.exclude', '**/old', 'is "**/old", which is not a list; ["**/node_modules",', { exclude: defaultExclude }],
    ['scan.exclude', ['', 'old'], 'is ["","old"], of which "" is empty; ["old"] is used', { exclude: ['old'] }],
    ['scan.include', ['/data/runs'], 'is ["/data/runs"], of which "/data/runs" is not relative to the workspace folder; every folder is used', { include: [] }],
    ['scan.include', ['C:\\runs'], 'is not relative to the workspace folder; every folder is used', { include: [] }],
    ['scan.include', ['../runs', 'a'], 'of which "../runs" leads out of the workspace folder; ["a"] is used', { include: ['a'] }],
    ['scan.include', ['runs\\old'], 'has a backslash where a slash is between folders; every folder is used', { include: [] }],
    ['scan.exclude', ['run[9-0]'], 'of which "run[9-0]" has a range of characters that ends before it begins; [] is used', { exclude: [] }],
    ['scan.exclude', ['*'.repeat(70_000)], 'is longer than 65536 characters; [] is used', { exclude: [] }],
    ['scan.maximumDepth', [3], 'is [3], which is not a whole number; 6 is used', { maximumDepth: 6 }],
  ];

  it.each(bad.map(([name, value, complaint, used]) => ({ name, value, complaint, used, shown: JSON.stringify(value).slice(0, 40) })))(
    'say what is wrong with $name at $shown and what is used instead', ({ name, value, complaint, used }) => {
      const { settings, complaints } = checkSettings((asked) => (asked === name ? value : undefined), '/storage');
      expect(settings.worker).toMatchObject(used as object);
      expect(complaints.map((each) => each.name)).toEqual([name]);
      const sentence = complaints.map(describeComplaint).join();
      expect(sentence).toContain(complaint);
      expect(sentence.startsWith(`The setting layerscope.${name} is `)).toBe(true);
      expect(sentence.endsWith(' is used instead')).toBe(true);
      expect(sentence.length).toBeLessThan(600);
    },
  );

  it('say what is wrong with those that are not the worker\'s, too', () => {
    const { settings, complaints } = checkSettings((name) => ({ 'worker.memoryLimit': 1, 'notifications.findings': 'never' })[name], '/storage');
    expect(settings).toMatchObject({ memoryLimit: 256, notifyFindings: true });
    expect(complaints.map(({ name, found, used }) => [name, found, used])).toEqual([['worker.memoryLimit', '1', '256'], ['notifications.findings', '"never"', 'true']]);
  });

  it('may name metrics and groups as the worker reads them, and folders as glob patterns do', () => {
    const metrics = [...metricCatalog.flatMap(({ id, group }) => [id, group]), ' rankme ', 'SPECTRUM'];
    const folders = [...defaultExclude, './runs/', 'a b', '[old', '{x,y}/**', '!keep', 'a\\*b', '..hidden/x', '~'];
    const { settings, complaints } = checkSettings((name) => ({ metrics, 'scan.include': folders })[name], '/storage');
    expect(complaints).toEqual([]);
    expect(settings.worker).toMatchObject({ metrics, include: folders });
    for (const name of metrics) expect(chooseMetrics([name]).length).toBeGreaterThan(0);
  });

  it('name each engine, and the folder where the ones that are installed lie', () => {
    for (const engine of engineChoices) expect(checkSettings((name) => (name === 'engine' ? engine : undefined), '/storage', '/engines').settings.worker).toMatchObject({ engine, engineFolder: '/engines' });
    expect(checkSettings(() => undefined, '/storage').settings.worker).not.toHaveProperty('engineFolder');
  });

  it('are described in full sentences, one for each choice, and in docs/settings.md', () => {
    const page = readFileSync(new URL('../../../docs/settings.md', import.meta.url), 'utf8');
    for (const [name, property] of Object.entries(properties)) {
      expect(property.description ?? property.markdownDescription, name).toMatch(/^[A-Z].*\.$/);
      expect(property.enumDescriptions?.length, name).toBe(property.enum?.length);
      expect(page).toContain(`\`${name}\``);
    }
  });
});

describe('package.json', () => {
  const commands = manifest.contributes.commands.map(({ command }) => command);
  const sourceOf = (name: string): string => readFileSync(new URL(`../../../src/views/${name}.ts`, import.meta.url), 'utf8');

  it('declares exactly the commands that are registered', () => {
    const table = /const commands:[\s\S]*?\n};/.exec(sourceOf('commands'))?.[0] ?? '';
    const found = [
      ...table.matchAll(/^ {2}(\w+): \{/gm),
      ...sourceOf('companionCommands').matchAll(/^ {2}register\('(\w+)'/gm),
      ...sourceOf('landscapeCommands').matchAll(/^ {2}register\('(\w+)'/gm),
    ];
    const registered = found.map((match) => `layerscope.${match[1]}`);
    expect(registered.sort()).toEqual([...commands].sort());
  });

  it('mentions in menus, welcome texts and the walkthrough only commands that exist', () => {
    const { menus, viewsWelcome, walkthroughs } = manifest.contributes;
    const mentioned = JSON.stringify({ menus, viewsWelcome, walkthroughs }).match(/(?<=command"?:"?|onCommand:)layerscope\.\w+/g) ?? [];
    expect(mentioned.length).toBeGreaterThan(20);
    expect(mentioned.filter((command) => !commands.includes(command))).toEqual([]);
  });
});
