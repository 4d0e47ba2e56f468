import type { SyntaxNode } from '@lezer/common';
import { type Call, contains, type PythonScript } from './pythonScript';

/** What the recorder is told of a training; null where the script does not say it plainly. */
export interface TrainingNames {
  readonly model: string | null;
  readonly train: string | null;
  readonly heldOut: string | null;
  /** Folder of the run, as an expression. */
  readonly folder: string | null;
}

interface Loader {
  readonly name: string;
  readonly dataset: string | null;
  readonly heldOut: boolean;
  readonly train: boolean;
}

const ofTraining = /train|pretrain|unlabel/i;
const ofHeldOut = /val(?!ue)|test|eval|held|dev(?!ice)/i;
const modelNames = ['model', 'net', 'network', 'encoder', 'student', 'backbone', 'module', 'ssl_model', 'mae', 'vit'];
const trainNames = /^(?:train|training|pretrain)_?(?:set|data|dataset|ds)$|^(?:dataset|data|ds)_(?:train|pretrain)$/i;
const heldOutNames = /^(?:val|valid|validation|test|eval|held_?out|dev)_?(?:set|data|dataset|ds)$|^(?:dataset|data|ds)_(?:val|valid|validation|test|eval)$/i;
const loaderNames = /(?:data_?)?(?:loader|dl)(?:_[a-z]+)?$/i;
const folderNames = [
  'output_dir', 'out_dir', 'run_dir', 'save_dir', 'log_dir', 'logdir', 'exp_dir', 'work_dir', 'workdir', 'output_folder', 'save_folder', 'log_folder', 'output', 'checkpoint_dir', 'ckpt_dir',
];
const parsedNames = /^(?:args?|opts?|options|cfg|config|conf|hparams|flags)$/i;

/**
 * Guesses names that have a meaning where `at` is: nothing is named that is not defined there.
 * @param within the loop or function whose own words count most.
 */
export function guessNames(script: PythonScript, at: SyntaxNode, within: SyntaxNode): TrainingNames {
  const loaders = readLoaders(script);
  const visible = script.visibleNames(at);
  return {
    model: guessModel(script, at, within, visible),
    train: guessSamples(script, at, visible, loaders.filter(({ train, heldOut }) => train && !heldOut), trainNames, ofTraining)
      ?? onlyLoader(script, at, visible, loaders) ?? loopedOver(script, at, within),
    heldOut: guessSamples(script, at, visible, loaders.filter(({ heldOut }) => heldOut), heldOutNames, ofHeldOut),
    folder: guessFolder(script, at, visible),
  };
}

/** What is set to training mode in the loop, else what an optimizer is given, else what is called a model. */
function guessModel(script: PythonScript, at: SyntaxNode, within: SyntaxNode, visible: readonly string[]): string | null {
  const receivers = (method: string, calls: readonly Call[]): string[] =>
    calls.flatMap(({ callee }) => (callee.endsWith(`.${method}`) ? [callee.slice(0, -method.length - 1)] : [])).filter((name) => isPath(name) && script.isVisible(name, at));
  const inside = script.calls.filter(({ node }) => contains(within, node));
  const trained = receivers('train', inside);
  const optimized = [...receivers('parameters', script.calls.filter(({ node }) => node.from < at.from)), ...receivers('named_parameters', inside)];
  const likely = (names: readonly string[]): string | undefined => names.find((name) => /model|net|encoder|student/i.test(name)) ?? names[0];
  return likely(trained) ?? likely(optimized) ?? modelNames.find((name) => visible.includes(name)) ?? null;
}

function guessSamples(script: PythonScript, at: SyntaxNode, visible: readonly string[], loaders: readonly Loader[], names: RegExp, kind: RegExp): string | null {
  for (const { dataset } of loaders) if (dataset !== null && script.isVisible(dataset, at)) return dataset;
  for (const { name } of loaders) if (script.isVisible(name, at)) return `${name}.dataset`;
  const dataset = visible.find((name) => names.test(name));
  if (dataset !== undefined) return dataset;
  const loader = visible.find((name) => loaderNames.test(name) && kind.test(name));
  return loader === undefined ? null : `${loader}.dataset`;
}

/** A pre-training often has one loader and no reason to say of which part. */
function onlyLoader(script: PythonScript, at: SyntaxNode, visible: readonly string[], loaders: readonly Loader[]): string | null {
  const [first, ...others] = loaders.filter(({ heldOut }) => !heldOut);
  if (first !== undefined && others.length === 0) {
    if (first.dataset !== null && script.isVisible(first.dataset, at)) return first.dataset;
    return script.isVisible(first.name, at) ? `${first.name}.dataset` : null;
  }
  const plain = visible.filter((name) => /^(?:data_?)?loader$/i.test(name));
  return plain.length === 1 ? `${plain[0] ?? ''}.dataset` : null;
}

/** `for images, labels in self.loader:` around a backward pass. */
function loopedOver(script: PythonScript, at: SyntaxNode, within: SyntaxNode): string | null {
  for (const loop of script.loops) {
    const head = /^for\b[^\n]*?\bin\s+(?:[\w.]+\()?([\w.]+)/.exec(script.textOf(loop))?.[1];
    if (head === undefined || !contains(within, loop) || !loaderNames.test(head) || ofHeldOut.test(head) || !script.isVisible(head, at)) continue;
    if (script.calls.some(({ node, callee }) => contains(loop, node) && callee.endsWith('.backward'))) return `${head}.dataset`;
  }
  return null;
}

/** `name = DataLoader(dataset, ...)`, wherever it stands. */
function readLoaders(script: PythonScript): Loader[] {
  return script.calls.flatMap((call): Loader[] => {
    if (!/(?:^|\.)DataLoader$/.test(call.callee)) return [];
    const statement = script.statementOf(call.node);
    const target = statement.name === 'AssignStatement' ? statement.firstChild : null;
    const name = target === null ? null : script.pathOf(target);
    if (name === null) return [];
    const given = call.arguments.find((argument) => argument.name === 'dataset') ?? call.arguments.find((argument) => argument.name === null);
    const written = given === undefined ? '' : script.textOf(given.value);
    const words = `${name} ${written}`;
    return [{ name, dataset: given === undefined ? null : script.pathOf(given.value), heldOut: ofHeldOut.test(words), train: ofTraining.test(words) }];
  });
}

/** `args.output_dir` where the script asks for it on its command line, or a variable of such a name. */
function guessFolder(script: PythonScript, at: SyntaxNode, visible: readonly string[]): string | null {
  const asked = script.calls.filter(({ callee }) => callee.endsWith('.add_argument')).flatMap(({ arguments: given }) =>
    given.filter(({ name }) => name === null).map(({ value }) => script.textOf(value).replace(/^["']-*|["']$/g, '').replaceAll('-', '_')),
  );
  const parsed = script.assignments
    .filter((node) => /\.parse_(?:known_)?args\(/.test(script.textOf(node)))
    .flatMap(({ firstChild }) => (firstChild === null ? [] : [script.pathOf(firstChild)]))
    .find((name) => name !== null && script.isVisible(name, at));
  const options = parsed ?? visible.find((name) => parsedNames.test(name));
  const option = folderNames.find((name) => asked.includes(name));
  if (options != null && option !== undefined) return `${options}.${option}`;
  return folderNames.find((name) => visible.includes(name)) ?? null;
}

function isPath(text: string): boolean {
  return /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/.test(text);
}
