import * as path from 'node:path';
import * as vscode from 'vscode';
import type { FileProblem, Finding, HealthState, RunFile, RunFileKind, RunSummary, Severity } from '../protocol';
import { describeFiles, healthWords, type HostFolder, plural, positionOf, stateWords, titleOf, whereAndWhy } from './runFacts';
import { childNodes, type GroupKind, nodeId, type RunsNode } from './runsNodes';
import type { Session } from './session';

const healthIcons: Readonly<Record<HealthState, vscode.ThemeIcon>> = {
  unknown: new vscode.ThemeIcon('circle-outline'),
  healthy: icon('pass', 'charts.green'),
  watch: icon('warning', 'charts.yellow'),
  act: icon('error', 'charts.red'),
};
const groupLabels: Readonly<Record<GroupKind, string>> = {
  findings: 'Findings', problems: 'Problems', probe: 'Probes', checkpoint: 'Checkpoints', log: 'Logs',
};
const groupIcons: Readonly<Record<GroupKind, string>> = {
  findings: 'lightbulb', problems: 'issues', probe: 'beaker', checkpoint: 'save', log: 'graph-line',
};
const fileIcons: Readonly<Record<RunFileKind, string>> = { probe: 'beaker', checkpoint: 'save', log: 'graph-line' };
const problemIcons: Readonly<Record<Severity, vscode.ThemeIcon>> = {
  info: icon('info', 'problemsInfoIcon.foreground'),
  warning: icon('warning', 'problemsWarningIcon.foreground'),
  error: icon('error', 'problemsErrorIcon.foreground'),
};

/** How a row looks but for its tooltip, which is made when it is asked for. Names come from files: labels are plain text. */
export function treeItem(node: RunsNode, session: Session): vscode.TreeItem {
  const item = looks(node, session);
  item.id = nodeId(node);
  return item;
}

function looks(node: RunsNode, session: Session): vscode.TreeItem {
  switch (node.kind) {
    case 'folder':
      return folderItem(node.folder, childNodes(node, session.runs, session.folders).length);
    case 'run':
      return runItem(node.run, session);
    case 'group':
      return groupItem(node.run, node.group, node.count);
    case 'file':
      return fileItem(node);
    case 'problem':
      return problemItem(node);
    case 'finding':
      return findingItem(node);
  }
}

function folderItem({ name, sample, problem }: HostFolder, runs: number): vscode.TreeItem {
  const item = new vscode.TreeItem(name, runs > 0 ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.None);
  item.description = problem ?? (runs > 0 ? '' : 'no runs');
  item.iconPath = problem !== undefined ? problemIcons.warning : sample ? new vscode.ThemeIcon('archive') : vscode.ThemeIcon.Folder;
  item.contextValue = sample ? 'folder.sample' : problem === undefined ? 'folder' : 'folder.problem';
  if (problem !== undefined) label(item, `folder ${name}`, problem);
  return item;
}

function runItem(run: RunSummary, session: Session): vscode.TreeItem {
  const item = new vscode.TreeItem(run.name, vscode.TreeItemCollapsibleState.Collapsed);
  const progress = session.progress?.runId === run.id ? `measuring ${session.progress.done} of ${session.progress.total}` : '';
  const findings = run.findings.length > 0 ? plural(run.findings.length, 'finding') : '';
  item.description = progress === '' ? [positionOf(run), findings].filter((part) => part !== '').join(', ') : progress;
  item.iconPath = healthIcons[run.health];
  item.contextValue = 'run';
  label(item, `run ${run.name}, ${healthWords[run.health]}`, item.description);
  return item;
}

function groupItem(run: RunSummary, group: GroupKind, count: number): vscode.TreeItem {
  const expanded = group === 'findings';
  const item = new vscode.TreeItem(
    groupLabels[group], expanded ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed,
  );
  const counted = group === 'findings' || group === 'problems';
  item.description = counted ? String(count) : describeFiles(group, run.files.filter((file) => file.kind === group));
  item.iconPath = new vscode.ThemeIcon(groupIcons[group]);
  item.contextValue = `group.${group}`;
  label(item, groupLabels[group], item.description);
  return item;
}

function fileItem({ run, file }: { readonly run: RunSummary; readonly file: RunFile }): vscode.TreeItem {
  const item = new vscode.TreeItem(titleOf(file));
  item.description = [positionOf(file), stateWords[file.state]].filter((part) => part !== '').join(', ');
  item.iconPath = file.state === 'problem' ? problemIcons.error : new vscode.ThemeIcon(fileIcons[file.kind]);
  item.contextValue = `file.${file.kind}`;
  if (file.kind === 'log') item.command = { title: 'Open', command: 'layerscope.openFile', arguments: [{ kind: 'file', run, file }] };
  label(item, `${file.kind} ${item.label as string}`, item.description);
  return item;
}

function problemItem(node: { readonly run: RunSummary; readonly problem: FileProblem }): vscode.TreeItem {
  const { problem } = node;
  const item = new vscode.TreeItem(path.posix.basename(problem.file.replaceAll('\\', '/')));
  item.description = whereAndWhy(problem);
  item.iconPath = problemIcons[problem.severity];
  item.contextValue = 'problem';
  if (problem.place.startsWith('line ')) {
    item.command = { title: 'Open', command: 'layerscope.openFile', arguments: [{ kind: 'problem', ...node }] };
  }
  label(item, `${problem.severity} in ${problem.file}`, item.description);
  return item;
}

function findingItem(node: { readonly run: RunSummary; readonly finding: Finding }): vscode.TreeItem {
  const { finding } = node;
  const item = new vscode.TreeItem(finding.title);
  item.description = finding.layers.join(', ');
  item.iconPath = healthIcons[finding.severity];
  item.contextValue = 'finding';
  item.command = { title: 'Show Finding', command: 'layerscope.showFinding', arguments: [{ kind: 'finding', ...node }] };
  label(item, `finding, ${finding.severity}: ${finding.title}`, item.description);
  return item;
}

function label(item: vscode.TreeItem, what: string, details: string | boolean | undefined): void {
  item.accessibilityInformation = { label: typeof details === 'string' && details !== '' ? `${what}, ${details}` : what };
}

function icon(id: string, color: string): vscode.ThemeIcon {
  return new vscode.ThemeIcon(id, new vscode.ThemeColor(color));
}
