import { describe, expect, it } from 'vitest';
import { childNodes, nodeId, parentNode, rootNodes, type RunsNode } from '../../../src/views/runsNodes';
import type { HostFolder } from '../../../src/views/runFacts';
import { aFile, aFinding, aRun } from './samples';

const run = aRun('a', {
  files: [aFile('probes/epoch=0001.safetensors'), aFile('log.txt', { kind: 'log' })],
  problems: [{ file: 'log.txt', place: 'line 3', reason: 'no number', severity: 'warning' }],
  findings: [aFinding('f')],
});
const folder = { name: 'runs', path: '/runs', sample: false };
const sample = { name: 'Sample', path: '/sample', sample: true };

function everyNode(nodes: readonly RunsNode[], folders: readonly HostFolder[]): RunsNode[] {
  return nodes.flatMap((node) => [node, ...everyNode(childNodes(node, [run], folders), folders)]);
}

describe('the rows of the Runs tree', () => {
  it('starts with runs for one folder and with folders for several', () => {
    expect(rootNodes([run], [folder]).map((node) => node.kind)).toEqual(['run']);
    expect(rootNodes([run], [folder, sample]).map((node) => node.kind)).toEqual(['folder', 'folder']);
    expect(rootNodes([run], [sample]).map((node) => node.kind)).toEqual(['folder']);
    expect(childNodes({ kind: 'folder', folder: sample }, [run], [folder, sample])).toEqual([]);
  });

  it('starts with folders where one has a problem, with and without runs', () => {
    const gone = { name: 'gone', path: '/gone', sample: false, problem: 'does not exist (any more)' };
    expect(rootNodes([], [gone])).toEqual([{ kind: 'folder', folder: gone }]);
    expect(rootNodes([], [folder, gone]).map((node) => node.kind)).toEqual(['folder', 'folder']);
    expect(rootNodes([run], [{ ...folder, problem: 'the disk failed' }]).map((node) => node.kind)).toEqual(['folder']);
    expect(parentNode({ kind: 'run', run }, [{ ...folder, problem: 'the disk failed' }])?.kind).toBe('folder');
  });

  it('is empty without runs, so that the welcome text shows', () => {
    expect(rootNodes([], [folder, sample])).toEqual([]);
  });

  it('groups what a run holds, attention first, and leaves empty groups out', () => {
    const groups = childNodes({ kind: 'run', run }, [run], [folder]);
    expect(groups.map((node) => (node.kind === 'group' ? [node.group, node.count] : node.kind))).toEqual([
      ['findings', 1], ['problems', 1], ['probe', 1], ['log', 1],
    ]);
  });

  it('gives every row an id of its own and a parent that lists it', () => {
    for (const folders of [[folder], [folder, sample]]) {
      const nodes = everyNode(rootNodes([run], folders), folders);
      expect(new Set(nodes.map(nodeId)).size).toBe(nodes.length);
      for (const node of nodes) {
        const parent = parentNode(node, folders);
        const siblings = parent === undefined ? rootNodes([run], folders) : childNodes(parent, [run], folders);
        expect(siblings.map(nodeId)).toContain(nodeId(node));
      }
    }
  });
});
