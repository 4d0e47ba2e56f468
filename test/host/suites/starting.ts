import * as assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { api, manifest } from '../support/extension';
import { say } from '../support/reporter';

interface Contributions {
  readonly commands: readonly { readonly command: string; readonly title: string }[];
  readonly configuration: { readonly properties: Record<string, unknown> } | readonly { readonly properties: Record<string, unknown> }[];
  readonly views: Record<string, readonly { readonly id: string; readonly type?: string; readonly icon?: string }[]>;
}

/**
 * Most of this time VS Code fetches what the extension has stored; `npm run bench -- host` tells our part from it and has a target.
 * This limit only notices work that does not belong into activation.
 */
const activationLimit = 2000;

describe('Starting', () => {
  it('activates without waiting for anything and answers with its API', async () => {
    const begin = performance.now();
    const answer = await api();
    const milliseconds = performance.now() - begin;
    say(`     VS Code had activated it after ${milliseconds.toFixed(0)} ms`);
    assert.equal(typeof answer.snapshot, 'function');
    assert.ok(milliseconds < activationLimit, `activation took ${milliseconds} ms`);
  });

  it('registers every command that its manifest names', async () => {
    const registered = new Set(await vscode.commands.getCommands(true));
    const { commands } = manifest()['contributes'] as Contributions;
    assert.ok(commands.length >= 10, `only ${commands.length} commands are contributed`);
    assert.deepEqual(commands.map(({ command }) => command).filter((command) => !registered.has(command)), []);
    assert.deepEqual(commands.map(({ command }) => command).filter((command) => !command.startsWith('layerscope.')), []);
  });

  it('has the defaults that its documents promise', () => {
    const settings = vscode.workspace.getConfiguration('layerscope');
    assert.equal(settings.get('measure.automatic'), true);
    assert.equal(settings.get('measure.eps2'), 0.5);
    assert.equal(settings.get('measure.seed'), 0);
    assert.equal(settings.get('worker.threads'), 0);
    assert.equal(settings.get('results.location'), 'workspaceStorage');
    assert.equal(settings.get('poll.interval'), 1000);
  });

  it('describes every setting and offers an icon for every view', () => {
    const { configuration, views } = manifest()['contributes'] as Contributions;
    const properties = [configuration].flat().flatMap((part) => Object.entries(part.properties));
    const silent = properties.filter(([, value]) => !/\.$/.test(text(value)));
    assert.deepEqual(silent.map(([name]) => name), []);
    const all = Object.values(views).flat();
    assert.deepEqual(all.filter(({ icon }) => icon === undefined).map(({ id }) => id), []);
    assert.deepEqual(all.filter(({ type }) => type === 'webview').map(({ id }) => id), ['layerscope.layerHealth']);
  });
});

function text(value: unknown): string {
  const { description, markdownDescription } = value as { description?: string; markdownDescription?: string };
  return description ?? markdownDescription ?? '';
}
