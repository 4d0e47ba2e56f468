import type * as vscode from 'vscode';
import { registerGuarded } from './guarded';
import { installCompanion } from './installCompanion';
import { RecorderPreview } from './recorderPreview';
import { writeScript } from './writeScript';

/** Registers what brings the training side into a person's code. All of it asks first, and none of it works in Restricted Mode. */
export function registerCompanionCommands(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): void {
  const { extensionUri } = context;
  const preview = new RecorderPreview(context);
  const register = registerGuarded(context, log);
  register('addRecorder', 'The recorder cannot be added', () => preview.show());
  register('insertRecorder', 'The recorder cannot be added', (argument) => preview.insert(argument));
  register('writeUmmScript', 'The script cannot be written', () => writeScript(extensionUri, 'finetune_umm.py', 'Write UMM Fine-Tuning Script'));
  register('writeRandomLabelScript', 'The script cannot be written', () => writeScript(extensionUri, 'random_label_experiment.py', 'Write Random-Label Experiment'));
  register('installCompanion', 'The training companion cannot be installed', () => installCompanion(extensionUri));
}
