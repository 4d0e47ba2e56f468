import * as vscode from 'vscode';
import type { RunFile, RunSummary } from '../protocol';
import { labelAdviceText } from './labelAdviceText';
import type { Session } from './session';

const defaultCount = 20;
const mostSuggestions = 10_000;

/** Asks how many, has them found in the probe (else the newest of the run), and opens the list as a document that can be kept or thrown away. */
export async function suggestLabels(session: Session, run: RunSummary, file: RunFile | null): Promise<void> {
  const probe = file ?? newestProbe(run);
  if (probe === null) throw new Error(`${run.name} holds no probe that was read`);
  if (probe.kind !== 'probe') throw new Error(`${probe.path} is not a probe`);
  const answer = await vscode.window.showInputBox({
    title: 'Layerscope: Suggest Samples to Label',
    prompt: `How many samples of ${probe.path} do you want to label next?`,
    value: String(defaultCount),
    validateInput: (text) => (parseCount(text) === null ? `A whole number from 1 to ${mostSuggestions}.` : undefined),
  });
  const count = answer === undefined ? null : parseCount(answer);
  if (count === null) return;
  const advice = await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: 'Layerscope: looking for samples to label' }, () =>
    session.suggestLabels(run.id, { probe: probe.path, count }),
  );
  const document = await vscode.workspace.openTextDocument({ language: 'markdown', content: labelAdviceText(run.name, probe.path, advice) });
  await vscode.window.showTextDocument(document, { preview: true });
}

/** The last one in training that could be read. */
function newestProbe({ files }: RunSummary): RunFile | null {
  const place = ({ epoch, step }: RunFile): number => epoch ?? step ?? -1;
  return files.filter(({ kind, layers }) => kind === 'probe' && (layers ?? 0) > 0).reduce<RunFile | null>((best, file) => (best === null || place(file) > place(best) ? file : best), null);
}

function parseCount(text: string): number | null {
  const count = /^\s*\d+\s*$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= mostSuggestions ? count : null;
}
