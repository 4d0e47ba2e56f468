import * as path from 'node:path';
import * as vscode from 'vscode';
import type { ModelAnswers, ModelFacts, ModelInspection } from '../protocol';
import type { Session } from './session';

/** What a model is, with the answers it took to find out. */
export interface InspectedModel {
  readonly answers: ModelAnswers;
  readonly facts: Exclude<ModelFacts, { readonly kind: 'question' }>;
}

/** Finds out what the model of a checkpoint is; where names and shapes leave something open, asks, with the reason. Null when the person left. */
export async function askAboutModel(session: Session, inspection: ModelInspection, title: string): Promise<InspectedModel | null> {
  const { checkpoint, graph, heads, decoderHeads, imageSize, role } = inspection;
  let answers: ModelAnswers = { heads, decoderHeads, imageSize, role };
  for (;;) {
    const facts = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: 'Layerscope: reading the model' }, () =>
      session.inspectModel({ checkpoint, graph, ...answers }),
    );
    if (facts.kind !== 'question') return { answers, facts };
    const answer = await askOption(facts, checkpoint, title);
    if (answer === null) return null;
    answers = { ...answers, [facts.option]: answer };
  }
}

const optionWords = { heads: 'Attention Heads', decoderHeads: 'Attention Heads of the Decoder', imageSize: 'Pixels of a Side' } as const;

async function askOption({ option, reason }: ModelFacts & { readonly kind: 'question' }, checkpoint: string, title: string): Promise<number | null> {
  // The message names the option, which is what is asked for here.
  const why = reason.replace(/: (?:set )?the option \w+.*$/, '.');
  return askCount(`${title}: ${optionWords[option]}`, `${path.basename(checkpoint)}: ${why}`);
}

/** Asks for a whole number from 1 on; null when the person left. */
export async function askCount(title: string, prompt: string, value = ''): Promise<number | null> {
  const answer = await vscode.window.showInputBox({
    title, prompt, value, placeHolder: 'A whole number', ignoreFocusOut: true,
    validateInput: (text) => (parseCount(text) === null ? 'A whole number from 1 on.' : undefined),
  });
  return answer === undefined ? null : parseCount(answer);
}

function parseCount(text: string): number | null {
  const count = /^\s*\d{1,6}\s*$/.test(text) ? Number(text) : 0;
  return count >= 1 ? count : null;
}
