import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import manifest from '../../../package.json';
import { defaultExclude, engineChoices, modelProviders, numberRules, parseSettings } from '../../../src/views/settingValues';

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
    parseSettings((name) => void asked.add(`layerscope.${name}`), '/storage');
    expect([...asked].sort()).toEqual(Object.keys(properties).sort());
  });

  it('mean the same whether they are absent or at their defaults', () => {
    expect(parseSettings(() => undefined, '/storage')).toEqual(parseSettings((name) => properties[`layerscope.${name}`]?.default, '/storage'));
  });

  it('survive values of the wrong type and keep numbers within their bounds', () => {
    const odd: Record<string, unknown> = { 'measure.eps2': 'half', 'poll.interval': 1, 'worker.threads': 2.6, 'scan.exclude': ['**/x', 4], engine: 'magic' };
    const { worker } = parseSettings((name) => odd[name], '/storage');
    expect(worker).toMatchObject({ eps2: 0.5, pollInterval: 200, threads: 3, exclude: ['**/x'], engine: 'auto' });
  });

  it('name each engine, and the folder where the ones that are installed lie', () => {
    for (const engine of engineChoices) expect(parseSettings((name) => (name === 'engine' ? engine : undefined), '/storage', '/engines').worker).toMatchObject({ engine, engineFolder: '/engines' });
    expect(parseSettings(() => undefined, '/storage').worker).not.toHaveProperty('engineFolder');
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
