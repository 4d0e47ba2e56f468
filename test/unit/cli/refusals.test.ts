import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CommandLine } from './commandLine';
import { probe, temporaryFolder, writeFiles } from './files';

let cli: CommandLine;
let folder: string;
beforeAll(async () => {
  cli = await CommandLine.build();
});
afterAll(() => cli.remove());
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;

describe('what the operating system refuses', () => {
  it.skipIf(isRoot)('is said in words of a folder without permission, whichever command is given it', async () => {
    const locked = path.join(folder, 'locked');
    await mkdir(locked, { mode: 0o000 });
    for (const command of [['runs'], ['scalars'], ['measure'], ['diagnose'], ['export', '--out', path.join(folder, 'records.csv')]]) {
      const finished = await cli.run([command[0] as string, locked, ...command.slice(1)]);
      expect(finished).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(`${locked}: no permission to look into this folder`) as string });
    }
  });

  it.skipIf(isRoot)('is said in words of a probe without permission', async () => {
    await writeFiles(folder, { 'log.txt': '{"epoch": 0}\n', 'probes/epoch=0.safetensors': probe({ epoch: 0 }) });
    const secret = path.join(folder, 'probes/epoch=0.safetensors');
    await chmod(secret, 0o000);
    const finished = await cli.run(['measure', secret]);
    expect(finished).toMatchObject({ code: 1, stdout: '', stderr: `layerscope measure: ${secret}: no permission to read it\n` });
  });

  it.skipIf(!existsSync('/dev/full'))('is said in words where the output cannot be written', async () => {
    const full = await open('/dev/full', 'w');
    const child = spawn(process.execPath, [path.join(cli.folder, 'cli.js'), 'metrics', '--json'], { stdio: ['ignore', full.fd, 'pipe'] });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
    const code = await new Promise((resolve) => child.on('close', resolve));
    await full.close();
    expect([code, said]).toEqual([1, expect.stringMatching(/^layerscope: the output cannot be written: .*ENOSPC.*\n$/)]);
  });
});
