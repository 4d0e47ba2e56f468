import type { SyntaxNode } from '@lezer/common';
import { childrenOf, contains, type PythonScript } from './pythonScript';

/** The loop that a training goes through once an epoch, or once a step where it counts steps only. */
export interface TrainingLoop {
  readonly node: SyntaxNode;
  readonly body: SyntaxNode;
  readonly unit: 'epoch' | 'step';
  readonly counter: string;
  /** The first value of the counter, as it is written; `0` when nothing is said. */
  readonly first: string;
  /** How many there are in the end, as an expression; null where the loop does not say. */
  readonly total: string | null;
  /** Whether the counter already counts what is finished when the loop's body ends. */
  readonly countsFinished: boolean;
}

const ofEpochs = /epoch|^ep$/i;
const ofSteps = /step|iter/i;
const numbers = /^[\w.[\]"']+$/;

/**
 * The training loop of a script, or null. A loop over epochs that trains comes first, of several the one around `cursor`; a loop that only counts
 * steps, or has a counter of another name, has to train itself.
 */
export function findTrainingLoop(script: PythonScript, cursor: number): TrainingLoop | null {
  const found = script.loops.flatMap((node) => {
    const loop = readLoop(script, node);
    if (loop === null) return [];
    const trains = doesTrain(script, node);
    const named = ofEpochs.test(loop.counter);
    if (!named && !(trains && loop.total !== null)) return [];
    const around = node.from <= cursor && cursor <= node.to;
    return [{ loop, score: (named ? 8 : 0) + (trains ? 4 : 0) + (around ? 2 : 0) + (loop.total === null ? 0 : 1) }];
  });
  return found.sort((a, b) => b.score - a.score || a.loop.node.from - b.loop.node.from)[0]?.loop ?? null;
}

function readLoop(script: PythonScript, node: SyntaxNode): TrainingLoop | null {
  const body = node.getChild('Body');
  const children = childrenOf(node);
  const [target, afterTarget] = children.slice(children.findIndex(({ name }) => name === 'for') + 1);
  const iterable = afterTarget?.nextSibling ?? null;
  if (body === null || target?.name !== 'VariableName' || afterTarget?.name !== 'in' || iterable === null) return null;
  // A body on the line of its head has no line of its own for more.
  if (!script.text.slice(body.from, childrenOf(body)[1]?.from ?? body.to).includes('\n')) return null;
  const counter = script.textOf(target);
  const range = rangeOf(script, iterable);
  const unit = ofSteps.test(counter) && !ofEpochs.test(counter) ? 'step' : 'epoch';
  if (range === null || range.length === 0 || range.length > 2) return { node, body, unit, counter, first: '0', total: null, countsFinished: false };
  const end = range.at(-1) ?? '';
  const first = range.length === 2 ? (range[0] ?? '0') : '0';
  const countsFinished = first === '1';
  return { node, body, unit, counter, first: countsFinished ? '0' : first, total: countsFinished ? oneLess(end) : end, countsFinished };
}

/** The arguments of the `range(...)` in an iterable, through `tqdm(...)` and its like; null when there is none. */
function rangeOf(script: PythonScript, iterable: SyntaxNode): string[] | null {
  const call = script.calls.find(({ node }) => node.from === iterable.from && node.to === iterable.to);
  if (call === undefined) return null;
  const positional = call.arguments.filter(({ name }) => name === null);
  if (/(?:^|\.)t?range$/.test(call.callee)) return positional.map(({ value }) => script.textOf(value));
  const [first] = positional;
  return /enumerate|zip$/.test(call.callee) || first === undefined ? null : rangeOf(script, first.value);
}

/** `n + 1` is one more than n. */
function oneLess(expression: string): string {
  const known = /^(.*\S)\s*\+\s*1$/.exec(expression)?.[1] ?? /^1\s*\+\s*(\S.*)$/.exec(expression)?.[1];
  if (known !== undefined && numbers.test(known)) return known;
  return /^\d+$/.test(expression) ? String(Number(expression) - 1) : `(${expression}) - 1`;
}

function doesTrain(script: PythonScript, loop: SyntaxNode): boolean {
  return script.calls.some(({ node, callee }) => contains(loop, node) && /(?:^|\.)(?:backward|manual_backward|step|train\w*|\w*_train|fit)$/i.test(callee));
}
