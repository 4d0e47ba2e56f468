import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, open, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from '../../../src/cli/program';
import { asNobody } from '../asNobody';
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
  await chmod(folder, 0o755);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** As an ordinary user, in this process: whoever runs the tests may be root, and the folder of the bundle may be theirs alone. */
async function runAsNobody(...args: string[]) {
  let [stdout, stderr] = ['', ''];
  const code = await asNobody(() => runProgram(args, {
    write: (text) => void (stdout += text), say: (line) => void (stderr += `${line}\n`), progress: () => undefined, signal: new AbortController().signal,
  }));
  return { code, stdout, stderr };
}

describe('what the operating system refuses', () => {
  it.each([['runs'], ['scalars'], ['measure'], ['diagnose'], ['export', '--out', 'records.csv'], ['report', '--out', 'report.md']])('is said in words of a folder without permission: %s', async (command, ...rest) => {
    const locked = path.join(folder, 'locked');
    await mkdir(locked, { mode: 0o000 });
    expect(await runAsNobody(command, locked, ...rest)).toEqual({ code: 1, stdout: '', stderr: `layerscope ${command}: ${locked}: no permission to look into this folder\n` });
  });

  it('is said in words of a probe without permission', async () => {
    await writeFiles(folder, { 'log.txt': '{"epoch": 0}\n', 'probes/epoch=0.safetensors': probe({ epoch: 0 }) });
    const secret = path.join(folder, 'probes/epoch=0.safetensors');
    await chmod(secret, 0o000);
    expect(await runAsNobody('measure', secret)).toEqual({ code: 1, stdout: '', stderr: `layerscope measure: ${secret}: no permission to read it\n` });
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
