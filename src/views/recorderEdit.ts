import type { SyntaxNode } from '@lezer/common';
import { type Call, childrenOf, PythonScript } from './pythonScript';
import { guessNames, type TrainingNames } from './recorderNames';
import { findTrainingLoop, type TrainingLoop } from './trainingLoop';

/** Text to put in front of the character at `offset`. */
export interface Insertion {
  readonly offset: number;
  readonly text: string;
}

/** How a recorder comes into a training script. */
export interface RecorderEdit {
  /** What of the script it was fitted to; `cursor`: nothing was recognised, so that it stands where the cursor is. */
  readonly place: 'loop' | 'lightning' | 'huggingface' | 'cursor';
  /** By offset. */
  readonly insertions: readonly Insertion[];
  /** Names that the script does not have: a person has to put something in their place, as a comment in the script says. */
  readonly placeholders: readonly string[];
  /** What a person should check, in sentences. */
  readonly notes: readonly string[];
}

export interface RecorderEditOptions {
  /** Offset of the cursor. Default: the end of the script. */
  readonly cursor?: number;
  /** Name of the script without its ending, for the folder of the run where the script names none. Default "mine". */
  readonly name?: string;
}

/** What stands for a thing that the script does not name, and what that has to be. */
const placeholders = {
  model: ['model', 'the network that is trained'],
  train: ['train_set', 'the training samples, with their random transform (or a tensor of views, [samples, views, ...])'],
  heldOut: ['held_out_set', 'samples that training never sees, with the random transform of the training samples'],
} as const;

const leaving = new Set(['ReturnStatement', 'BreakStatement', 'ContinueStatement', 'RaiseStatement']);

/**
 * Where an import and the lines of a recorder go in a training script, and what they say. The script is read, not run: names are guessed
 * only where they have a meaning, everything else gets a placeholder.
 * @throws {Error} when the script has a recorder already.
 */
export function planRecorder(text: string, options: RecorderEditOptions = {}): RecorderEdit {
  const script = new PythonScript(text);
  const present = script.imports.find((node) => /^(?:from|import)\s+layerscope\b/.test(script.textOf(node)));
  if (present !== undefined) throw new Error(`it imports layerscope already, in line ${text.slice(0, present.from).split('\n').length}`);
  const cursor = options.cursor ?? text.length;
  const folder = JSON.stringify(`runs/${(options.name ?? '').replace(/[^\w.-]+/g, '-') || 'mine'}`);
  const trainer = findTrainer(script);
  const loop = trainer === null ? findTrainingLoop(script, cursor) : null;
  const edit = trainer !== null ? intoTrainer(script, trainer) : loop !== null ? aroundLoop(script, loop, folder) : atCursor(script, cursor, folder);
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const insertions = edit.insertions.map(({ offset, text: lines }) => {
    // What follows a last line without an end begins a new one.
    const begin = lines.endsWith('\n') && offset === text.length && offset > 0 && !text.endsWith('\n') ? '\n' : '';
    return { offset, text: (begin + lines).replaceAll('\n', eol) };
  });
  return { ...edit, insertions };
}

/** The script with the insertions in it. */
export function applyInsertions(text: string, insertions: readonly Insertion[]): string {
  return [...insertions].reverse().reduce((changed, { offset, text: added }) => changed.slice(0, offset) + added + changed.slice(offset), text);
}

function aroundLoop(script: PythonScript, loop: TrainingLoop, folder: string): RecorderEdit {
  const { node, body, unit, counter, first, total, countsFinished } = loop;
  const names = guessNames(script, node, node);
  const variable = freeName(script, node);
  const outer = script.indentationAt(node.from);
  const statements = childrenOf(body).filter(({ name }) => name !== ':' && name !== 'Comment');
  const last = statements.at(-1);
  const inner = script.indentationAt((statements[0] ?? body).from);
  const end = last === undefined ? script.lineAfter(body) : leaving.has(last.name) ? script.lineStart(last.from) : script.lineAfter(last);
  const more = [`folder=${names.folder ?? folder}`, ...(unit === 'step' ? ['unit="step"'] : []), ...(total === null ? [] : [`total=${total}`])];
  const before = [...construct('Recorder', variable, [names.model ?? placeholders.model[0]], names, more), `${variable}.record_when_due(${unit}=${first})`];
  const finished = countsFinished ? counter : `${counter} + 1`;
  const skips = statements.some((statement) => statement.name === 'IfStatement' && /^\s*continue\b/m.test(script.textOf(statement)));
  return {
    place: 'loop',
    insertions: inOrder([
      { offset: importsEnd(script), text: 'from layerscope import Recorder\n' },
      { offset: script.lineStart(node.from), text: lines(outer, before) },
      { offset: end, text: lines(inner, [`${variable}.record_when_due(${unit}=${finished})`]) },
    ]),
    placeholders: missingNames(names, true),
    notes: [
      ...notesOf(names),
      ...(first === '0' ? [] : [`The first recording is called ${unit} ${first}: where training begins anew that is the untrained model only if it is 0.`]),
      ...(skips ? [`The loop over ${counter} has a "continue": an ${unit} that it cuts short is not recorded.`] : []),
    ],
  };
}

interface TrainerCall {
  readonly framework: 'lightning' | 'huggingface';
  readonly call: Call;
}

function findTrainer(script: PythonScript): TrainerCall | null {
  const imported = (pattern: RegExp): boolean => script.imports.some((node) => pattern.test(script.textOf(node)));
  if (imported(/^(?:from|import)\s+(?:lightning|pytorch_lightning)\b/)) {
    const call = script.calls.find(({ callee }) => /^(?:[\w.]+\.)?Trainer$/.test(callee));
    if (call !== undefined) return { framework: 'lightning', call };
  }
  if (imported(/^(?:from|import)\s+transformers\b/)) {
    const own = script.classes.filter((node) => /^class\s+\w+\s*\([^)]*Trainer\b/.test(script.textOf(node))).flatMap((node) => node.getChild('VariableName') ?? []);
    const names = ['Trainer', 'Seq2SeqTrainer', ...own.map((node) => script.textOf(node))];
    const call = script.calls.find(({ callee }) => names.includes(callee.replace(/^transformers\./, '')));
    if (call !== undefined) return { framework: 'huggingface', call };
  }
  return null;
}

function intoTrainer(script: PythonScript, { framework, call }: TrainerCall): RecorderEdit {
  const statement = script.statementOf(call.node);
  const guessed = guessNames(script, statement, statement);
  const given = (name: string): string | null => {
    const value = call.arguments.find((argument) => argument.name === name)?.value;
    const written = value === undefined ? 'None' : script.textOf(value);
    return written === 'None' || written.includes('\n') ? null : written;
  };
  const names: TrainingNames = framework === 'lightning' ? guessed : { ...guessed, train: given('train_dataset') ?? guessed.train, heldOut: given('eval_dataset') ?? guessed.heldOut };
  const variable = freeName(script, statement);
  const before = construct('LayerscopeCallback', variable, [], names, []);
  return {
    place: framework,
    insertions: inOrder([
      { offset: importsEnd(script), text: `from layerscope.callbacks.${framework} import LayerscopeCallback\n` },
      { offset: script.lineStart(statement.from), text: lines(script.indentationAt(statement.from), before) },
      ...addCallback(script, call, variable),
    ]),
    placeholders: missingNames(names, false),
    notes: [...notesOf(names), ...(call.arguments.some(({ value }) => value.prevSibling?.name === '**') ? ['If the keywords behind ** hold callbacks, put the recorder among them.'] : [])],
  };
}

/** `callbacks=[...]` of a trainer with one more in it, or a new one behind the last argument. */
function addCallback(script: PythonScript, { node, arguments: given }: Call, variable: string): Insertion[] {
  const callbacks = given.find(({ name }) => name === 'callbacks')?.value;
  if (callbacks?.name === 'ArrayExpression') {
    const first = childrenOf(callbacks).find(({ name }) => !['[', ']', ',', 'Comment'].includes(name));
    if (first === undefined) return [{ offset: callbacks.from + 1, text: variable }];
    const onOwnLine = script.lineStart(first.from) > callbacks.from;
    return [{ offset: first.from, text: `${variable},${onOwnLine ? `\n${script.indentationAt(first.from)}` : ' '}` }];
  }
  if (callbacks !== undefined && script.textOf(callbacks) !== 'None') {
    return [{ offset: callbacks.from, text: '[*(' }, { offset: callbacks.to, text: ` or []), ${variable}]` }];
  }
  if (callbacks !== undefined) return [{ offset: callbacks.to, text: ` or [${variable}]` }];
  const list = node.getChild('ArgList');
  const last = given.at(-1)?.value;
  if (last === undefined) return [{ offset: (list?.from ?? node.to - 2) + 1, text: `callbacks=[${variable}]` }];
  const rest = script.text.slice(last.to, list?.to ?? node.to);
  const onOwnLine = rest.includes('\n') && !rest.includes('#') && script.lineStart(last.from) > node.from;
  return [{ offset: last.to, text: `,${onOwnLine ? `\n${script.indentationAt(last.from)}` : ' '}callbacks=[${variable}]` }];
}

function atCursor(script: PythonScript, cursor: number, folder: string): RecorderEdit {
  const inside = script.tree.resolveInner(Math.min(cursor, script.text.length), 1);
  const statement = script.statementOf(inside);
  const isStatement = statement.parent !== null && statement.name !== 'Body';
  const imports = importsEnd(script);
  const wanted = isStatement ? script.lineStart(statement.from) : script.lineStart(cursor);
  const offset = Math.max(imports, wanted);
  const indentation = wanted < imports ? '' : isStatement ? script.indentationAt(statement.from) : script.indentationAt(cursor);
  const names = guessNames(script, inside, inside);
  const variable = freeName(script, inside);
  const before = [
    ...construct('Recorder', variable, [names.model ?? placeholders.model[0]], names, [`folder=${names.folder ?? folder}`]),
    `${variable}.record_when_due(epoch=0)`,
    `# Layerscope: after each epoch, ${variable}.record_when_due(epoch=...) with the number of finished epochs.`,
  ];
  return {
    place: 'cursor',
    insertions: inOrder([{ offset: imports, text: 'from layerscope import Recorder\n' }, { offset, text: lines(indentation, before) }]),
    placeholders: missingNames(names, true),
    notes: ['No training loop was recognised: the call for each epoch is yours to place.', ...notesOf(names)],
  };
}

/** A line that makes the recorder, and before it a comment for each thing that is missing or has to be looked at. */
function construct(name: string, variable: string, first: readonly string[], names: TrainingNames, more: readonly string[]): string[] {
  const missing = (Object.keys(placeholders) as (keyof typeof placeholders)[]).filter((each) => names[each] === null && (each !== 'model' || first.length > 0));
  const heldOut = names.heldOut ?? placeholders.heldOut[0];
  const train = names.train ?? placeholders.train[0];
  return [
    ...missing.map((each) => `# Layerscope: ${placeholders[each][0]} must be ${placeholders[each][1]}.`),
    ...(names.heldOut === null ? [] : [`# Layerscope: ${heldOut} needs the random transform of the training samples; without it, all views of a sample are the same.`]),
    `${variable} = ${name}(${[...first, `train=${train}`, `held_out=${heldOut}`, ...more].join(', ')})`,
  ];
}

function missingNames(names: TrainingNames, needsModel: boolean): string[] {
  const wanted = (Object.keys(placeholders) as (keyof typeof placeholders)[]).filter((each) => each !== 'model' || needsModel);
  return wanted.filter((each) => names[each] === null).map((each) => placeholders[each][0]);
}

function notesOf({ heldOut }: TrainingNames): string[] {
  return heldOut === null ? [] : [`${heldOut} should be augmented as the training samples are.`];
}

/** `recorder`, unless that means something already. */
function freeName(script: PythonScript, at: SyntaxNode): string {
  return ['recorder', 'layer_recorder', 'layerscope_recorder'].find((name) => !script.isVisible(name, at) && !new RegExp(`\\b${name}\\b`).test(script.text)) ?? 'layerscope_probe_recorder';
}

/** Behind the last import at the head of the script, else behind its first comments and its description. */
function importsEnd(script: PythonScript): number {
  const comments = /^(?:#.*(?:\r?\n|$))*/.exec(script.text)?.[0].length ?? 0;
  let end = comments;
  for (const node of childrenOf(script.tree.topNode)) {
    if (node.name === 'ImportStatement' || (/^(?:Try|If)Statement$/.test(node.name) && childrenOf(node).some((body) => body.name === 'Body' && body.getChild('ImportStatement') !== null))) {
      end = script.lineAfter(node);
    } else if (node.name === 'ExpressionStatement' && node.firstChild?.name === 'String' && end === comments) {
      end = script.lineAfter(node);
    } else if (!['Comment', 'ExpressionStatement', 'AssignStatement', 'StatementGroup'].includes(node.name)) {
      break;
    }
  }
  return end;
}

function lines(indentation: string, texts: readonly string[]): string {
  return texts.map((text) => `${indentation}${text}\n`).join('');
}

/** What comes first at one place stays first there. */
function inOrder(insertions: readonly Insertion[]): Insertion[] {
  return [...insertions].sort((a, b) => a.offset - b.offset);
}
