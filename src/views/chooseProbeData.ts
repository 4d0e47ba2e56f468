import * as path from 'node:path';
import * as vscode from 'vscode';
import { type ProbeData, probeDataDefaults, type RunSummary } from '../protocol';
import { usableCheckpoints } from './landscapeCheckpoints';
import { askAboutModel, askCount } from './modelQuestions';
import { knownImages, pickImages } from './pickImages';
import { contains, plural } from './runFacts';
import type { Session } from './session';
import { escapeIcons } from './statusText';
import { requireTrust } from './trust';

const title = 'Layerscope: Choose Probe Data';

/** Asks which images the model of a run is shown, and has that remembered with the results of the run. Escape at any question changes nothing, nor does a look elsewhere, where the answer may stand. */
export async function chooseProbeData(session: Session, run: RunSummary): Promise<void> {
  requireTrust('Models of checkpoints are run');
  const before = await session.probeData(run.id);
  const absolute = (file: string): string => path.resolve(run.folder, file);
  const train = await pickImages<string | null>(title, `Which images was ${run.name} trained on? Features of its checkpoints are taken of some of them.`, before === null ? [] : [
    knownImages(absolute(before.train), 'as before'),
    { value: null, label: '$(circle-slash) None', detail: 'The model is not run; what is measured of probe files stays' },
  ]);
  if (train === undefined) return;
  if (train === null) {
    await session.setProbeData(run.id, null);
    vscode.window.setStatusBarMessage(`Layerscope: the model of ${escapeIcons(run.name)} is not run any more`, 4000);
    return;
  }
  const heldOut = await pickImages<string | null>(title, 'Which images did the network never see? With them, memorization shows as a gap between the two.', [
    ...(before === null || before.heldOut === null ? [] : [knownImages(absolute(before.heldOut), 'as before')]),
    { value: null, label: '$(circle-slash) None', detail: 'There is no gap between training and held-out images then' },
  ]);
  if (heldOut === undefined) return;
  const usual = before ?? probeDataDefaults;
  const samples = await askCount(title, 'How many samples of each? Fewer are taken where there are fewer images.', String(usual.samples));
  if (samples === null) return;
  const views = await askCount(title, 'How many views of each sample? 1 is the image as it is evaluated; more are random views, which alignment and coding rates need.', String(usual.views));
  if (views === null) return;
  const data = await withAnswers(session, run, {
    ...usual, train: relativeTo(run.folder, train), heldOut: heldOut === null ? null : relativeTo(run.folder, heldOut), samples, views,
  });
  if (data === null) return;
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: 'Layerscope: looking at the images' }, () => session.setProbeData(run.id, data));
  const count = usableCheckpoints(run).length;
  vscode.window.setStatusBarMessage(`Layerscope: ${escapeIcons(run.name)}: features of ${plural(count, 'checkpoint')} are taken of ${escapeIcons(path.basename(train))}`, 6000);
}

/** Asks what the newest checkpoint leaves open. What cannot be run is told by the worker when it is to remember the choice. */
async function withAnswers(session: Session, run: RunSummary, data: ProbeData): Promise<ProbeData | null> {
  const newest = usableCheckpoints(run).at(-1);
  if (newest === undefined) return data;
  const { heads, decoderHeads, imageSize, role } = data;
  const graph = data.graph === null ? null : path.resolve(run.folder, data.graph);
  const asked = await askAboutModel(session, { checkpoint: newest.file, graph, heads, decoderHeads, imageSize, role }, title);
  return asked === null ? null : { ...data, ...asked.answers };
}

/** What lies in the run is named from there, so that the run can be moved. */
function relativeTo(folder: string, file: string): string {
  return file !== folder && contains(folder, file) ? path.relative(folder, file).split(path.sep).join('/') : file;
}
