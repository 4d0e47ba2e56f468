import * as vscode from 'vscode';
import { escapeMarkdown, formatBytes, healthWords, positionOf, stateWords, whereAndWhy } from './runFacts';
import type { RunsNode } from './runsNodes';

/** What a row tells when the pointer rests on it. Texts come from files and are escaped. */
export function runsTreeTooltip(node: RunsNode): vscode.MarkdownString | string | undefined {
  switch (node.kind) {
    case 'folder':
      return node.folder.problem === undefined ? node.folder.path : facts(node.folder.name, [['Folder', node.folder.path], ['Problem', node.folder.problem]]);
    case 'run': {
      const { name, health, modified, folder, note, findings } = node.run;
      return facts(name, [
        ['State', healthWords[health]],
        ['Training', positionOf(node.run)],
        ['Written', new Date(modified).toLocaleString()],
        ['Folder', folder],
        ['Note', note ?? ''],
        ...findings.map((finding): Fact => ['Finding', finding.title]),
      ]);
    }
    case 'group':
      return undefined;
    case 'file': {
      const { file, run } = node;
      return facts(file.path, [
        ['Format', file.format],
        ['Size', formatBytes(file.bytes)],
        ['Written', new Date(file.modified).toLocaleString()],
        ['Training', positionOf(file)],
        ['State', stateWords[file.state]],
        ...run.problems.filter((problem) => problem.file === file.path).map((problem): Fact => ['Problem', whereAndWhy(problem)]),
      ]);
    }
    case 'problem':
      return facts(node.problem.file, [['Place', node.problem.place], ['Reason', node.problem.reason]]);
    case 'finding': {
      const { title, layers, onset, advice } = node.finding;
      return facts(title, [
        ['Layers', layers.join(', ')],
        ['Began', `${onset.axis} ${onset.low} to ${onset.high}`],
        ['Advice', advice[0] ?? ''],
        ['Evidence', 'select to see it in Layer Health'],
      ]);
    }
  }
}

type Fact = readonly [name: string, value: string];

function facts(title: string, facts: readonly Fact[]): vscode.MarkdownString {
  const lines = facts.filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${escapeMarkdown(value)}`);
  return new vscode.MarkdownString(`**${escapeMarkdown(title)}**\n\n${lines.join('  \n')}`);
}
