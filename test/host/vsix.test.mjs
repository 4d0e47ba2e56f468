import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import { cache } from '../../scripts/vscode/paths.mjs';
import { run } from '../../scripts/vscode/processes.mjs';
import { sampleWorkspace } from '../../scripts/vscode/sampleWorkspace.mjs';
import { startServer } from '../../scripts/vscode/server.mjs';
import { openWorkbench } from '../../scripts/vscode/workbench.mjs';
import { expectFinding, expectTable, measureWithCommandLine, memorizing, openMeasured } from './sampleChecks.mjs';

const file = path.join(cache, 'layerscope.vsix');

/** The packed extension, installed as a person installs it: nothing of the checkout is reachable from where it lies. */
describe('The VSIX installed in VS Code', () => {
  let workspace;
  let server;
  let workbench;
  let panel;

  beforeAll(async () => {
    workspace = await sampleWorkspace();
    server = await startServer({ prepare: install });
    workbench = await openWorkbench(server, { folder: workspace.folder, height: 1100 });
    try {
      panel = await openMeasured(workbench.page);
    } catch (error) {
      throw await workbench.failure(error, 'vsix');
    }
  });
  afterAll(async () => {
    await workbench?.close();
    await server?.stop();
    workspace?.remove();
  });

  async function install(extensions, { node, main }) {
    const lines = [];
    const code = await run(node, [main, '--install-extension', file, '--extensions-dir', extensions, '--server-data-dir', path.dirname(extensions)], {
      onLine: (line) => lines.push(line),
    });
    if (code !== 0) throw new Error(`installing ${file} ended with ${code}:\n${lines.join('\n')}`);
  }

  test('it is the only extension that was installed', async () => {
    const folders = (await readdir(server.extensions, { withFileTypes: true })).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
    expect(folders.map(({ name }) => name)).toEqual([expect.stringMatching(/^layerscope\.layerscope-\d/)]);
  });

  test('it measures the sample runs and shows the finding', async () => {
    onTestFailed(async ({ task }) => console.error((await workbench.failure(new Error(task.name), 'vsix')).message));
    await expectFinding(panel);
    await expectTable(panel, await measureWithCommandLine(memorizing, 'coding_rate_reduction'), 'coding_rate_reduction', 'gap');
  });
});
