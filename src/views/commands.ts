import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Finding, ModelProviderChoice, RunSummary } from '../protocol';
import { chooseProbeData } from './chooseProbeData';
import { showComputeEngine } from './computeEngine';
import { type ExportFormat, exportRun, safeName } from './exportRun';
import { registerGuarded } from './guarded';
import { layerHealthViewId } from './layerHealthView';
import { contains, folderOfRun, lineOfPlace, positionOf } from './runFacts';
import type { RunsNode } from './runsNodes';
import { type SampleRuns, sampleRunToShow } from './sampleRuns';
import type { Session } from './session';
import { escapeIcons } from './statusText';
import { suggestLabels } from './suggestLabels';
import { withoutLinks } from './withoutLinks';

export interface CommandContext {
  readonly session: Session;
  readonly sample: SampleRuns;
  readonly extensionUri: vscode.Uri;
  /** Where engines are installed that do not come with the extension. */
  readonly engineFolder: string;
  /** What `layerscope.modelProvider` says. */
  readonly modelProvider: () => ModelProviderChoice;
  readonly log: vscode.LogOutputChannel;
}

type Command = (context: CommandContext, argument: unknown) => Promise<void> | void;

/** Everything that can be asked of Layerscope, by name (`layerscope.` is put before it) and the words for its failure. */
const commands: Readonly<Record<string, { readonly failure: string; readonly run: Command }>> = {
  selectRun: { failure: 'The runs cannot be listed', run: selectRun },
  measureNow: { failure: 'The run cannot be measured', run: (context, argument) => measure(context, argument, false) },
  measureAgain: { failure: 'The run cannot be measured', run: (context, argument) => measure(context, argument, true) },
  suggestLabels: { failure: 'No samples can be suggested', run: suggestSamples },
  chooseProbeData: { failure: 'The probe data cannot be chosen', run: chooseData },
  cancelMeasurements: { failure: 'The measurements cannot be cancelled', run: ({ session }) => session.cancel() },
  refresh: { failure: 'The folders cannot be searched', run: ({ session }) => session.refresh() },
  showLayerHealth: { failure: 'Layer health cannot be shown', run: showLayerHealth },
  showAsTable: { failure: 'The table cannot be shown', run: (context) => showAs(context, true) },
  showAsCharts: { failure: 'The charts cannot be shown', run: (context) => showAs(context, false) },
  exportCsv: { failure: 'The run cannot be exported', run: (context, argument) => saveExport(context, argument, 'csv') },
  exportJson: { failure: 'The run cannot be exported', run: (context, argument) => saveExport(context, argument, 'json') },
  saveReport: { failure: 'The report cannot be written', run: saveReportOf },
  openSampleRun: { failure: 'The sample runs cannot be opened', run: openSampleRun },
  closeSampleRuns: { failure: 'The sample runs cannot be closed', run: closeSampleRuns },
  showFinding: { failure: 'The finding cannot be shown', run: showFinding },
  copyFinding: { failure: 'The finding cannot be copied', run: copyFinding },
  openMetricHelp: { failure: 'The help page cannot be opened', run: openMetricHelp },
  openRecordingGuide: { failure: 'The guide cannot be opened', run: (context) => openPage(context, 'recording.md') },
  openFile: { failure: 'The file cannot be opened', run: openFile },
  revealInExplorer: { failure: 'The file cannot be shown', run: revealInExplorer },
  copyPath: { failure: 'The path cannot be copied', run: (context, argument) => copyText(pathOf(context, argument)) },
  showComputeEngine: { failure: 'The compute engine cannot be shown', run: (context) => showComputeEngine(context, () => openPage(context, 'engines.md')) },
  showLog: { failure: 'The log cannot be shown', run: ({ log }) => log.show() },
  restartWorker: { failure: 'The worker cannot be started', run: ({ session }) => session.restart() },
};

/** Registers the commands. */
export function registerCommands(context: vscode.ExtensionContext, commandContext: CommandContext): void {
  const register = registerGuarded(context, commandContext.log);
  for (const [name, { failure, run }] of Object.entries(commands)) register(name, failure, (argument) => run(commandContext, argument));
}

async function selectRun(context: CommandContext): Promise<void> {
  const { session } = context;
  const run = await pickRun(context);
  if (run === null) return;
  if (run.id !== session.choice.runId) session.choose({ runId: run.id, layers: null });
  await showLayerHealth();
}

/** Asks for a run; without any, says so and offers the sample. */
async function pickRun({ session }: CommandContext): Promise<RunSummary | null> {
  await session.ready();
  if (session.runs.length === 0) {
    offer('Layerscope found no training runs in the open folders.', 'Open Sample Runs', 'layerscope.openSampleRun');
    return null;
  }
  const items = session.runs.map((run) => ({
    run,
    label: escapeIcons(run.name),
    description: [
      session.folders.length > 1 ? escapeIcons(folderOfRun(run, session.folders)?.name ?? '') : '',
      positionOf(run),
      run.id === session.choice.runId ? 'shown' : '',
    ].filter((part) => part !== '').join(', '),
    detail: escapeIcons(run.findings[0]?.title ?? run.note ?? ''),
  }));
  const picked = await vscode.window.showQuickPick(items, { title: 'Layerscope: Select Run', matchOnDescription: true, matchOnDetail: true });
  return picked?.run ?? null;
}

/** The run a menu was opened on, else the shown one, else the one a person picks. */
async function runFor(context: CommandContext, argument: unknown): Promise<RunSummary | null> {
  const node = nodeOf(argument);
  if (node !== null && node.kind !== 'folder') return context.session.findRun(node.run.id) ?? node.run;
  await context.session.ready();
  return context.session.chosenRun ?? pickRun(context);
}

async function measure(context: CommandContext, argument: unknown, again: boolean): Promise<void> {
  const run = await runFor(context, argument);
  if (run === null) return;
  const files = run.files.filter((file) => file.kind !== 'log');
  if (files.length === 0) {
    void vscode.window.showInformationMessage(withoutLinks(`Layerscope: ${run.name} has nothing to measure: ${run.note ?? 'it holds no probes and no checkpoints'}.`));
    return;
  }
  await context.session.measure(run.id, again);
  const measurable = files.filter((file) => file.kind === 'probe' || file.layers !== undefined);
  if (!again && measurable.length > 0 && measurable.every((file) => file.state === 'measured')) {
    vscode.window.setStatusBarMessage(`Layerscope: ${escapeIcons(run.name)} is measured already`, 4000);
  }
}

async function suggestSamples(context: CommandContext, argument: unknown): Promise<void> {
  const run = await runFor(context, argument);
  const node = nodeOf(argument);
  if (run !== null) await suggestLabels(context.session, run, node?.kind === 'file' ? node.file : null);
}

async function chooseData(context: CommandContext, argument: unknown): Promise<void> {
  const run = await runFor(context, argument);
  if (run !== null) await chooseProbeData(context.session, run);
}

async function showLayerHealth(): Promise<void> {
  await vscode.commands.executeCommand(`${layerHealthViewId}.focus`);
}

async function showAs({ session }: CommandContext, asTable: boolean): Promise<void> {
  session.choose({ asTable });
  await showLayerHealth();
}

async function saveExport(context: CommandContext, argument: unknown, format: ExportFormat): Promise<void> {
  const run = await runFor(context, argument);
  if (run === null) return;
  const { fileName, text } = exportRun(await context.session.detailOf(run.id), format);
  const target = await askWhere(run, `Export ${run.name}`, fileName, format === 'csv' ? { 'Comma-separated values': ['csv'] } : { JSON: ['json'] });
  if (target === undefined) return;
  await vscode.workspace.fs.writeFile(target, Buffer.from(text, 'utf8'));
  offer(`Layerscope: exported ${run.name} to ${path.posix.basename(target.path)}.`, 'Open', 'vscode.open', target);
}

async function saveReportOf(context: CommandContext, argument: unknown): Promise<void> {
  const run = await runFor(context, argument);
  if (run === null) return;
  const target = await askWhere(run, `Report on ${run.name}`, `${safeName(run.name)}.html`, { 'Page with the panel in it': ['html'], Markdown: ['md'] });
  if (target === undefined) return;
  const { saveReport } = await import('./saveReport');
  const { session, extensionUri } = context;
  await saveReport(await session.detailOf(run.id), target, { engine: session.worker.engine, extensionUri });
  const isPage = !/\.md$/i.test(target.path);
  offer(`Layerscope: wrote a report on ${run.name} to ${path.posix.basename(target.path)}.`, isPage ? 'Reveal' : 'Open', isPage ? 'revealInExplorer' : 'vscode.open', target);
}

function askWhere(run: RunSummary, title: string, fileName: string, filters: Record<string, string[]>): Thenable<vscode.Uri | undefined> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  return vscode.window.showSaveDialog({
    title, filters, defaultUri: folder === undefined ? vscode.Uri.file(path.join(path.dirname(run.folder), fileName)) : vscode.Uri.joinPath(folder, fileName),
  });
}

/** Says something and offers one thing to do; nobody waits for the answer. */
function offer(message: string, action: string, command: string, ...values: unknown[]): void {
  void vscode.window.showInformationMessage(withoutLinks(message), action).then((answer) => {
    if (answer === action) void vscode.commands.executeCommand(command, ...values);
  });
}

async function openSampleRun({ session, sample }: CommandContext): Promise<void> {
  await sample.open();
  session.foldersChanged();
  await showLayerHealth();
  await session.ready();
  const runs = session.runs.filter((run) => contains(sample.folder.path, run.folder));
  const run = runs.find((one) => path.basename(one.folder) === sampleRunToShow) ?? runs[0];
  if (run === undefined) throw new Error(`no run was found in ${sample.folder.path}`);
  session.choose({ runId: run.id, layers: null });
}

async function closeSampleRuns({ session, sample }: CommandContext): Promise<void> {
  await sample.close();
  session.foldersChanged();
}

async function showFinding(context: CommandContext, argument: unknown): Promise<void> {
  const { run, finding } = findingOf(context, argument);
  const { metrics } = finding;
  context.session.choose({
    runId: run.id,
    layers: finding.layers,
    show: 'gap',
    ...(metrics[0] === undefined ? {} : { metric: metrics[0] }),
  });
  await showLayerHealth();
}

async function copyFinding(context: CommandContext, argument: unknown): Promise<void> {
  const { run, finding } = findingOf(context, argument);
  const { onset } = finding;
  const lines = [
    `${run.name}: ${finding.title}`,
    `Layers: ${finding.layers.join(', ')}`,
    `Since ${onset.axis} ${onset.at} (${onset.low} to ${onset.high})`,
    finding.explanation,
    ...finding.advice.map((advice) => `- ${advice}`),
  ];
  await copyText(lines.join('\n'));
}

/** A finding from the tree, or by its id in the shown run. */
function findingOf({ session }: CommandContext, argument: unknown): { readonly run: RunSummary; readonly finding: Finding } {
  const node = nodeOf(argument);
  if (node?.kind === 'finding') return node;
  const run = session.chosenRun;
  const finding = typeof argument === 'string' ? run?.findings.find((one) => one.id === argument) : run?.findings[0];
  if (run === null || finding === undefined) throw new Error('the shown run has no such finding (any more)');
  return { run, finding };
}

async function openMetricHelp(context: CommandContext, argument: unknown): Promise<void> {
  if (typeof argument === 'string') return openPage(context, argument);
  const { metricCatalog } = await import('../metrics/catalog');
  const items = metricCatalog.map((metric) => ({ label: metric.title, detail: metric.summary, page: metric.page }));
  const picked = await vscode.window.showQuickPick(items, { title: 'Layerscope: Open Metric Help', matchOnDetail: true });
  if (picked !== undefined) await openPage(context, picked.page);
}

/** Opens one of the pages that come with the extension: of a metric, or a general one. */
async function openPage({ extensionUri }: CommandContext, page: string): Promise<void> {
  if (!/^[a-z0-9-]+\.md(#[a-z0-9-]*)?$/.test(page)) throw new Error(`there is no help page "${page}"`);
  const [file = '', fragment = ''] = page.split('#');
  const candidates = [vscode.Uri.joinPath(extensionUri, 'docs', 'metrics', file), vscode.Uri.joinPath(extensionUri, 'docs', file)];
  for (const candidate of candidates) {
    if (!(await exists(candidate))) continue;
    await vscode.commands.executeCommand('markdown.showPreview', candidate.with({ fragment }));
    return;
  }
  throw new Error(`there is no help page "${page}"`);
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  return Promise.resolve(vscode.workspace.fs.stat(uri)).then(
    () => true,
    () => false,
  );
}

async function openFile(context: CommandContext, argument: unknown): Promise<void> {
  const uri = vscode.Uri.file(pathOf(context, argument));
  const node = nodeOf(argument);
  const line = node?.kind === 'problem' ? lineOfPlace(node.problem.place) : null;
  const options: vscode.TextDocumentShowOptions = line === null ? { preview: true } : { preview: true, selection: new vscode.Range(line, 0, line, 0) };
  await vscode.commands.executeCommand('vscode.open', uri, options);
}

async function revealInExplorer(context: CommandContext, argument: unknown): Promise<void> {
  const uri = vscode.Uri.file(pathOf(context, argument));
  if (vscode.workspace.getWorkspaceFolder(uri) !== undefined) {
    await vscode.commands.executeCommand('revealInExplorer', uri);
    return;
  }
  if (vscode.env.uiKind === vscode.UIKind.Web || vscode.env.remoteName !== undefined) {
    throw new Error(`it lies outside of the open folders: ${uri.fsPath}`);
  }
  await vscode.commands.executeCommand('revealFileInOS', uri);
}

async function copyText(text: string): Promise<void> {
  await vscode.env.clipboard.writeText(text);
}

/** The absolute path of a row, or of a file of the shown run that the page names; never anything outside of what the run lists. */
function pathOf({ session }: CommandContext, argument: unknown): string {
  const node = nodeOf(argument);
  if (node?.kind === 'folder') return node.folder.path;
  const run = node?.run ?? session.chosenRun;
  if (run === null) throw new Error('no run is shown');
  if (node?.kind === 'file') return path.resolve(run.folder, node.file.path);
  if (node?.kind === 'problem') return path.resolve(run.folder, node.problem.file);
  if (typeof argument !== 'string') return run.folder;
  const listed = run.files.some((file) => file.path === argument) || run.problems.some((problem) => problem.file === argument);
  if (!listed) throw new Error(`${run.name} has no file "${argument}"`);
  return path.resolve(run.folder, argument);
}

/** Commands are called with a row of the tree, by the page with a string, from the palette with nothing. */
function nodeOf(argument: unknown): RunsNode | null {
  return typeof argument === 'object' && argument !== null && 'kind' in argument ? (argument as RunsNode) : null;
}
