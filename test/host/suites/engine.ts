import * as assert from 'node:assert/strict';
import { after, describe, it } from 'mocha';
import * as vscode from 'vscode';
import { answering, api } from '../support/extension';
import { eventually } from '../support/waiting';

interface Question {
  readonly title: string;
  readonly items: readonly vscode.QuickPickItem[];
}

/** What the command shows when the first item that `pick` accepts is chosen; none when it accepts nothing. */
async function ask(pick: (item: vscode.QuickPickItem) => boolean): Promise<Question> {
  let question: Question | undefined;
  const answer = (items: unknown, options: unknown): vscode.QuickPickItem | undefined => {
    question = { title: (options as vscode.QuickPickOptions).title ?? '', items: items as readonly vscode.QuickPickItem[] };
    return question.items.find(pick);
  };
  await answering('showQuickPick', answer, () => vscode.commands.executeCommand('layerscope.showComputeEngine'));
  assert.ok(question !== undefined, 'nothing was shown');
  return question;
}
const engineSetting = () => vscode.workspace.getConfiguration('layerscope').get('engine');

describe('Showing the compute engine', () => {
  after(() => vscode.workspace.getConfiguration('layerscope').update('engine', undefined, vscode.ConfigurationTarget.Global));

  it('tells which one is in use and why, and what is with the others', async () => {
    await (await api()).ready();
    const { title, items } = await ask(() => false);
    assert.match(title, /^Layerscope: Compute engine: onnxruntime \d/);
    const [first, second, third] = items;
    assert.match(first?.label ?? '', /onnxruntime \d/);
    assert.equal(first?.description, 'in use');
    assert.match(first?.detail ?? '', /Taken automatically: it is the first that loads\./);
    assert.match(second?.label ?? '', /tensorflow/);
    assert.match(third?.label ?? '', /wasm/);
    assert.match(third?.detail ?? '', /onnxruntime comes first\./);
    assert.equal(engineSetting(), 'auto');
  });

  it('uses the one that is picked, and goes back', async () => {
    await ask(({ label }) => label.includes('wasm'));
    assert.equal(engineSetting(), 'wasm');
    const { title, items } = await ask(({ label }) => label.includes('Choose automatically'));
    assert.match(title, /^Layerscope: Compute engine: wasm \d/);
    assert.match(items[0]?.detail ?? '', /Set in layerscope\.engine\./);
    assert.equal(engineSetting(), 'auto');
    const { snapshot } = await api();
    await eventually('the worker to be back at its usual engine', () => snapshot().worker.engine?.name === 'onnxruntime');
  });
});
