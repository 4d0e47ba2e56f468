import * as path from 'node:path';
import * as vscode from 'vscode';
import type { LandscapeFailure, LandscapeOrder, ModelProviderChoice, RunSummary } from '../protocol';
import { checkpointsFor, type ChosenCheckpoint, usableCheckpoints } from './landscapeCheckpoints';
import { LandscapeJob } from './landscapeJob';
import { makeOrder } from './landscapeOrder';
import type { LandscapePanels } from './landscapePanel';
import { askAboutModel } from './modelQuestions';
import { knownImages, pickImages } from './pickImages';
import { positionOf } from './runFacts';
import type { RunsNode } from './runsNodes';
import type { Session } from './session';
import { escapeIcons } from './statusText';
import { withoutLinks } from './withoutLinks';

export interface ComputeLandscapeOptions {
  readonly session: Session;
  readonly panels: LandscapePanels;
  readonly memory: vscode.Memento;
  readonly provider: () => ModelProviderChoice;
}

const title = 'Layerscope: Compute Loss Landscape';
/** Images that were taken last, for runs that have no probe data. */
const imagesKey = 'layerscope.landscapeImages';

type Directions = LandscapeOrder['directions'];

interface Choice<Value> extends vscode.QuickPickItem {
  readonly value: Value;
}

/** Asks what there is to ask, opens the panel at once and fills it. Escape at any question ends it; a look elsewhere does not. */
export class ComputeLandscape {
  constructor(private readonly options: ComputeLandscapeOptions) {}

  /** `clicked` and `selection` are rows of the Runs tree; from the palette there are none. */
  async run(clicked: unknown, selection: unknown): Promise<void> {
    const { session, panels } = this.options;
    await session.ready();
    const chosen = checkpointsFor(nodesOf(clicked, selection)) ?? (await this.#pickCheckpoints(clicked));
    if (chosen === null || chosen.length === 0) return;
    const directions = await pickDirections(chosen);
    if (directions === null) return;
    const order = await this.#order(chosen, directions);
    if (order === null) return;
    const asked = await askAboutModels(session, order);
    if (asked === null) return;
    const job = new LandscapeJob(session, asked.order);
    panels.show({ surfaces: [], job });
    if (asked.failure !== null) job.fail(asked.failure);
    else void job.start();
  }

  /** Checkpoints of the clicked run, of the shown one, or of one that is picked. */
  async #pickCheckpoints(clicked: unknown): Promise<readonly ChosenCheckpoint[] | null> {
    const run = await this.#runFor(clicked);
    if (run === null) return null;
    const usable = usableCheckpoints(run);
    if (usable.length === 0) {
      void vscode.window.showInformationMessage(withoutLinks(`Layerscope: ${run.name} holds no checkpoint that can be read; a landscape is computed from checkpoints.`));
      return null;
    }
    if (usable.length === 1) return usable;
    const items = [...usable].reverse().map((value, place) => ({
      value, label: escapeIcons(path.basename(value.path)), description: positionOf(value), detail: escapeIcons(path.dirname(value.path)).replace(/^\.$/, ''), picked: place === 0,
    }));
    const picked = await vscode.window.showQuickPick(items, {
      title, placeHolder: 'One checkpoint, several side by side, two for a line, three or more for their trajectory', canPickMany: true, matchOnDescription: true, ignoreFocusOut: true,
    });
    if (picked === undefined || picked.length === 0) return null;
    const wanted = new Set(picked.map(({ value }) => value));
    return usable.filter((each) => wanted.has(each));
  }

  async #runFor(clicked: unknown): Promise<RunSummary | null> {
    const { session } = this.options;
    const [node] = nodesOf(clicked, undefined);
    if (node !== undefined && node.kind !== 'folder') return session.findRun(node.run.id) ?? node.run;
    const withCheckpoints = session.runs.filter((run) => usableCheckpoints(run).length > 0);
    if (session.chosenRun !== null && withCheckpoints.includes(session.chosenRun)) return session.chosenRun;
    if (withCheckpoints.length < 2) {
      if (withCheckpoints.length === 0) void vscode.window.showInformationMessage('Layerscope found no run with a checkpoint in the open folders.');
      return withCheckpoints[0] ?? null;
    }
    const items = withCheckpoints.map((value): Choice<RunSummary> => ({ value, label: escapeIcons(value.name), description: positionOf(value) }));
    return (await vscode.window.showQuickPick(items, { title, placeHolder: 'Checkpoints of which run?', ignoreFocusOut: true }))?.value ?? null;
  }

  async #order(chosen: readonly ChosenCheckpoint[], directions: Directions): Promise<LandscapeOrder | null> {
    const { session, provider } = this.options;
    const choice = { checkpoints: chosen.map(({ file }) => file), directions, provider: provider() };
    // What lies in a folder that is not trusted does not say which files are read.
    for (const run of new Set(vscode.workspace.isTrusted ? chosen.map((each) => each.run) : [])) {
      const probeData = await session.probeData(run.id);
      if (probeData !== null) return makeOrder(choice, { runFolder: run.folder, probeData });
    }
    const images = await this.#pickImages();
    return images === null ? null : makeOrder(choice, images);
  }

  async #pickImages(): Promise<string | null> {
    const { memory } = this.options;
    const last = memory.get<unknown>(imagesKey);
    const known = typeof last === 'string' && path.isAbsolute(last) ? [knownImages(last, 'taken last')] : [];
    const images = await pickImages<string>(title, 'The loss of which images? It is the mean over some of them, the same at every point.', known);
    if (images === undefined) return null;
    await memory.update(imagesKey, images);
    return images;
  }
}

async function pickDirections(chosen: readonly ChosenCheckpoint[]): Promise<Directions | null> {
  if (chosen.length === 1) return 'random';
  const items: Choice<Directions>[] = [
    { value: 'random', label: `$(layout) Surfaces of ${chosen.length} checkpoints, side by side`, detail: 'In the same random directions, on one scale' },
    chosen.length === 2
      ? { value: 'line', label: '$(graph-line) Line from the first to the second', detail: `${namesOf(chosen)}: whether a barrier lies between them` }
      : { value: 'trajectory', label: '$(git-commit) Trajectory of the training', detail: 'The plane in which the checkpoints differ most, with the surface under them' },
  ];
  return (await vscode.window.showQuickPick(items, { title, placeHolder: 'Which landscape?', ignoreFocusOut: true }))?.value ?? null;
}

function namesOf(chosen: readonly ChosenCheckpoint[]): string {
  return chosen.map(({ file }) => escapeIcons(path.basename(file))).join(' to ');
}

interface Asked {
  readonly order: LandscapeOrder;
  readonly failure: LandscapeFailure | null;
}

/** Asks what only a person knows of the models, and which loss. Null: the person left. A failure is for the panel to show. */
async function askAboutModels(session: Session, order: LandscapeOrder): Promise<Asked | null> {
  let asked = order;
  // On a line and in a plane all checkpoints are of one model.
  const checkpoints = order.directions === 'random' ? oneOfEachFolder(order.checkpoints) : order.checkpoints.slice(-1);
  let losses: readonly string[] | null = null;
  for (const checkpoint of checkpoints) {
    const { heads, decoderHeads, imageSize, role, graph } = asked;
    const model = await askAboutModel(session, { checkpoint, graph, heads, decoderHeads, imageSize, role }, title);
    if (model === null) return null;
    const { answers, facts } = model;
    asked = { ...asked, ...answers };
    if (facts.kind === 'failed') return { order: asked, failure: facts.failure };
    losses = losses === null ? facts.losses : losses.filter((name) => facts.losses.includes(name));
  }
  const loss = order.loss ?? (await pickLoss(losses ?? []));
  return loss === null ? null : { order: { ...asked, loss: loss === 'first' ? null : loss }, failure: null };
}

function oneOfEachFolder(files: readonly string[]): string[] {
  return [...new Map(files.map((file) => [path.dirname(file), file])).values()];
}

const lossWords: Readonly<Record<string, string>> = {
  mae: 'Masked autoencoder: mean squared error on removed patches',
  rc_mae: 'That, and the distance to the teacher\u2019s reconstruction',
  cross_entropy: 'Of the classifier; needs labels',
  info_nce: 'Contrastive: two random views of each image among all others',
};

/** The loss, `first` where there is no choice, or null when the person left. */
async function pickLoss(losses: readonly string[]): Promise<string | null> {
  if (losses.length < 2) return losses[0] ?? 'first';
  const items = losses.map((value): Choice<string> => ({ value, label: escapeIcons(value), ...(lossWords[value] === undefined ? {} : { detail: lossWords[value] }) }));
  return (await vscode.window.showQuickPick(items, { title, placeHolder: 'Which loss?', ignoreFocusOut: true }))?.value ?? null;
}

/** Goes on with a landscape, on what models are to run now; one that failed is asked about again, as its checkpoint may be another one. */
export async function resumeLandscape(session: Session, job: LandscapeJob, provider: ModelProviderChoice): Promise<void> {
  if (job.progress.state === 'failed') await askAndCompute(session, job, { ...job.order, provider });
  else await job.restart({ provider });
}

/** Takes the model of a landscape that could not be computed from an ONNX export, and computes it. */
export async function chooseExport(session: Session, job: LandscapeJob, provider: ModelProviderChoice): Promise<void> {
  const uris = await vscode.window.showOpenDialog({ title: `${title}: ONNX Export of the Model`, openLabel: 'Use', filters: { 'ONNX models': ['onnx'] } });
  const uri = uris?.[0];
  if (uri === undefined) return;
  await askAndCompute(session, job, { ...job.order, provider, graph: uri.fsPath, loss: null });
}

async function askAndCompute(session: Session, job: LandscapeJob, order: LandscapeOrder): Promise<void> {
  const asked = await askAboutModels(session, order);
  if (asked === null) return;
  if (asked.failure === null) await job.restart(asked.order);
  else job.fail(asked.failure);
}

function nodesOf(clicked: unknown, selection: unknown): RunsNode[] {
  const given: unknown[] = Array.isArray(selection) && selection.length > 0 ? selection : [clicked];
  return given.filter((one): one is RunsNode => typeof one === 'object' && one !== null && 'kind' in one);
}
