import type { FileProblem, Finding, RunFile, RunFileKind, RunSummary } from '../protocol';
import { folderOfRun, type HostFolder } from './runFacts';

export type GroupKind = 'findings' | 'problems' | RunFileKind;

/** One row of the Runs tree. Nodes are made anew on every look; `nodeId` is what stays. */
export type RunsNode =
  | { readonly kind: 'folder'; readonly folder: HostFolder }
  | { readonly kind: 'run'; readonly run: RunSummary }
  | { readonly kind: 'group'; readonly run: RunSummary; readonly group: GroupKind; readonly count: number }
  | { readonly kind: 'file'; readonly run: RunSummary; readonly file: RunFile }
  | { readonly kind: 'problem'; readonly run: RunSummary; readonly problem: FileProblem }
  | { readonly kind: 'finding'; readonly run: RunSummary; readonly finding: Finding };

/** What is worth a person's attention first stands first. */
const groups: readonly GroupKind[] = ['findings', 'problems', 'probe', 'checkpoint', 'log'];

/** Folders are a level of their own where there are several, where one has a problem to tell, and always for the sample runs, so that nobody takes them for their own. */
function showsFolders(folders: readonly HostFolder[]): boolean {
  return folders.length > 1 || folders.some((folder) => folder.sample || folder.problem !== undefined);
}

/** The top of the tree: the folders, or the runs themselves; nothing where there are no runs for no other reason than that there are none. */
export function rootNodes(runs: readonly RunSummary[], folders: readonly HostFolder[]): RunsNode[] {
  if (runs.length === 0 && folders.every((folder) => folder.problem === undefined)) return [];
  return showsFolders(folders) ? folders.map((folder) => ({ kind: 'folder', folder })) : runs.map(runNode);
}

export function childNodes(node: RunsNode, runs: readonly RunSummary[], folders: readonly HostFolder[]): RunsNode[] {
  switch (node.kind) {
    case 'folder':
      return runs.filter((run) => folderOfRun(run, folders)?.path === node.folder.path).map(runNode);
    case 'run':
      return groups
        .map((group): RunsNode => ({ kind: 'group', run: node.run, group, count: members(node.run, group).length }))
        .filter((child) => child.kind === 'group' && child.count > 0);
    case 'group':
      return members(node.run, node.group);
    default:
      return [];
  }
}

export function parentNode(node: RunsNode, folders: readonly HostFolder[]): RunsNode | undefined {
  switch (node.kind) {
    case 'folder':
      return undefined;
    case 'run': {
      const folder = showsFolders(folders) ? folderOfRun(node.run, folders) : null;
      return folder === null ? undefined : { kind: 'folder', folder };
    }
    case 'group':
      return runNode(node.run);
    default: {
      const group = node.kind === 'file' ? node.file.kind : node.kind === 'problem' ? 'problems' : 'findings';
      return { kind: 'group', run: node.run, group, count: members(node.run, group).length };
    }
  }
}

/** Stable across deltas, so that the tree keeps what is expanded and selected. */
export function nodeId(node: RunsNode): string {
  switch (node.kind) {
    case 'folder':
      return `folder:${node.folder.path}`;
    case 'run':
      return `run:${node.run.id}`;
    case 'group':
      return `run:${node.run.id}/${node.group}`;
    case 'file':
      return `run:${node.run.id}/file/${node.file.path}`;
    case 'problem':
      return `run:${node.run.id}/problem/${node.run.problems.indexOf(node.problem)}/${node.problem.file}/${node.problem.place}`;
    case 'finding':
      return `run:${node.run.id}/finding/${node.finding.id}`;
  }
}

function members(run: RunSummary, group: GroupKind): RunsNode[] {
  if (group === 'findings') return run.findings.map((finding) => ({ kind: 'finding', run, finding }));
  if (group === 'problems') return run.problems.map((problem) => ({ kind: 'problem', run, problem }));
  return run.files.filter((file) => file.kind === group).map((file) => ({ kind: 'file', run, file }));
}

function runNode(run: RunSummary): RunsNode {
  return { kind: 'run', run };
}
