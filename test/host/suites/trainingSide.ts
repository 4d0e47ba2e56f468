import * as assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { describe, it } from 'mocha';
import * as vscode from 'vscode';
import { answering, api, extensionPath, measuringLimit, probesMeasured, runOnce, show, workspaceFolder } from '../support/extension';
import { say } from '../support/reporter';
import { eventually } from '../support/waiting';

const run = promisify(execFile);
/** Of a Python with PyTorch; empty where there is none. */
const python = process.env['LAYERSCOPE_TEST_PYTHON'] ?? '';
const name = 'runs/plain_loop';

/** The wheel that the extension carries is a zip archive, which Python imports from as it is. */
async function withCompanion(folder: string, ...args: string[]): Promise<void> {
  const wheels = path.join(extensionPath(), 'dist', 'companion');
  const [wheel = ''] = (await readdir(wheels)).filter((file) => file.endsWith('.whl'));
  const env = { ...process.env, PYTHONPATH: path.join(wheels, wheel), OMP_NUM_THREADS: '1' };
  await run(python, args, { cwd: folder, env, timeout: 120_000 });
}

async function openScript(): Promise<vscode.TextDocument> {
  const file = path.join(workspaceFolder(), 'plain_loop.py');
  await writeFile(file, await readFile(path.join(extensionPath(), 'test', 'fixtures', 'trainingScripts', 'plain_loop.py')));
  const document = await vscode.workspace.openTextDocument(file);
  await vscode.window.showTextDocument(document);
  assert.equal(document.languageId, 'python');
  return document;
}

function shownDiff(): vscode.TabInputTextDiff | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputTextDiff ? input : undefined;
}

/** What a command complained of; empty when it did not. */
async function complaintOf(action: () => PromiseLike<unknown>): Promise<string> {
  let complaint = '';
  await answering('showErrorMessage', (message) => void (complaint = String(message)), action);
  return complaint;
}

describe('The training side', () => {
  it('shows a recorder in a training script before it puts it in, and takes it back in one step', async () => {
    const document = await openScript();
    const original = document.getText();
    let told = '';
    await answering('showInformationMessage', (message) => void (told = String(message)), () => vscode.commands.executeCommand('layerscope.addRecorder'));
    assert.match(told, /go into plain_loop\.py.*val_set should be augmented/);
    const diff = await eventually('the preview', shownDiff);
    assert.equal(diff.original.toString(), document.uri.toString());
    const preview = (await vscode.workspace.openTextDocument(diff.modified)).getText();
    assert.match(preview, /^recorder = Recorder\(model, train=train_set, held_out=val_set, folder="runs\/plain_loop", total=epochs\)$/m);
    assert.equal(document.getText(), original, 'nothing is changed before somebody says so');

    assert.equal(await complaintOf(() => vscode.commands.executeCommand('layerscope.insertRecorder')), '');
    assert.equal(document.getText(), preview);
    assert.equal(document.isDirty, true);
    assert.equal(shownDiff(), undefined, 'the preview is closed');
    assert.equal(vscode.window.activeTextEditor?.document, document);
    await vscode.commands.executeCommand('undo');
    assert.equal(document.getText(), original);
    await vscode.commands.executeCommand('redo');
    assert.equal(document.getText(), preview);
    assert.equal(await document.save(), true);
    assert.match(await complaintOf(() => vscode.commands.executeCommand('layerscope.addRecorder')), /plain_loop\.py: it imports layerscope already/);
  });

  it('opens a run that this script trains with the companion, without any configuration', async function () {
    if (python === '') {
      say('     left out: there is no Python with torch');
      this.skip();
    }
    this.timeout(2 * measuringLimit);
    const folder = workspaceFolder();
    await withCompanion(folder, 'plain_loop.py');
    const { problems, files } = await runOnce(name, 'its probes measured', (one) => probesMeasured(one, 3));
    assert.deepEqual(problems, []);
    assert.deepEqual(files.filter(({ kind }) => kind === 'probe').map(({ epoch }) => epoch).sort(), [0, 1, 2]);
    const { layers, records } = await show(name);
    const header = await readFile(path.join(folder, name, 'probes', 'epoch=0002.safetensors'));
    const { __metadata__: written } = JSON.parse(header.toString('utf8', 8, 8 + Number(header.readBigUInt64LE(0)))) as { __metadata__: Record<string, string> };
    assert.ok(layers.length >= 2, layers.join(', '));
    assert.deepEqual(layers, JSON.parse(written['layers'] ?? '[]'));
    for (const layer of layers) {
      const gaps = records.filter((record) => record.layer === layer && record.metric === 'coding_rate_reduction' && record.split === 'gap');
      assert.deepEqual(gaps.map(({ epoch }) => epoch).sort(), [0, 1, 2], layer);
    }
  });

  it('shows what a training records of its own batches, as it comes', async function () {
    if (python === '') this.skip();
    const { snapshot } = await api();
    const ofTraining = (): (number | null)[] => [...new Set((snapshot().detail?.records ?? []).filter(({ source }) => source === 'training').map(({ epoch }) => epoch))];
    assert.deepEqual(ofTraining(), []);
    const code = [
      'import sys, torch',
      'from layerscope import CodingRateAccumulator, append_records, coding_rate_records',
      'rates = CodingRateAccumulator(0.1)',
      'rates.add(torch.randn(8, 4, 3))',
      'append_records(sys.argv[1], coding_rate_records(sys.argv[1], {"train": {"deep": rates.compute()}}, epoch=int(sys.argv[2])))',
    ].join('\n');
    await withCompanion(workspaceFolder(), '-c', code, name, '1');
    await vscode.commands.executeCommand('layerscope.refresh');
    await eventually('the first moment', () => ofTraining().length === 1);
    await withCompanion(workspaceFolder(), '-c', code, name, '2');
    await eventually('the next moment', () => ofTraining().length === 2, 60_000);
    assert.deepEqual(ofTraining(), [1, 2]);
    assert.deepEqual((await runOnce(name, 'measured', (one) => probesMeasured(one))).problems, []);
  });

  it('writes a script into the workspace, and never over another one', async () => {
    const target = vscode.Uri.file(path.join(workspaceFolder(), 'scripts', 'finetune_umm.py'));
    await mkdir(path.dirname(target.fsPath), { recursive: true });
    let offered = '';
    const write = (): Promise<string> =>
      complaintOf(() =>
        answering('showSaveDialog', (options) => ((offered = (options as vscode.SaveDialogOptions).defaultUri?.path ?? ''), target), () => vscode.commands.executeCommand('layerscope.writeUmmScript')),
      );
    assert.equal(await write(), '');
    assert.equal(offered, vscode.Uri.joinPath(vscode.workspace.workspaceFolders?.[0]?.uri ?? target, 'finetune_umm.py').path);
    const text = await readFile(target.fsPath, 'utf8');
    assert.ok(text.includes(`EXAMPLE = Path(${JSON.stringify(path.join(extensionPath(), 'companion', 'examples'))})`));
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, target.fsPath);
    await writeFile(target.fsPath, 'mine\n');
    assert.match(await write(), /finetune_umm\.py exists already and is left as it is/);
    assert.equal(await readFile(target.fsPath, 'utf8'), 'mine\n');
  });

  it('installs the companion only when asked to, with the command that it has shown', async () => {
    const { window } = vscode as unknown as { window: Record<string, unknown> };
    const create = window['createTerminal'];
    const typed: [string, boolean][] = [];
    window['createTerminal'] = () => ({ show: () => undefined, sendText: (text: string, execute: boolean) => void typed.push([text, execute]) });
    const shown: string[] = [];
    const install = (answer: string | undefined): Promise<unknown> =>
      answering('showQuickPick', (items) => (items as { python: string | null }[]).find((item) => item.python === 'python3'), () =>
        answering('showInformationMessage', (_, options) => (shown.push((options as vscode.MessageOptions).detail ?? ''), answer), () =>
          vscode.commands.executeCommand('layerscope.installCompanion'),
        ),
      );
    try {
      await install(undefined);
      assert.deepEqual(typed, []);
      await install('Run in Terminal');
    } finally {
      window['createTerminal'] = create;
    }
    const [command = ''] = (shown[0] ?? '').split('\n');
    assert.match(command, /^python3 -m pip install .*layerscope-[\d.]+-py3-none-any\.whl'?$/);
    assert.deepEqual(typed, [[command, true]]);
    assert.equal(shown[1], shown[0]);
  });
});
