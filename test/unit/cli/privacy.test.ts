import { mkdir, readdir, rm } from 'node:fs/promises';
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

/** What switches the library's reports off by itself; a person's computer has none of these. */
const machinesOfTests = /^(CI|TF_BUILD|BUILD_|GITHUB_|GITLAB_|JENKINS_|TRAVIS|CIRCLECI|APPVEYOR|TEAMCITY_|CODEBUILD_|BUILDKITE|ORT_|XDG_)/;

describe('what a measurement leaves behind', () => {
  it.each(['', '0'])('is no identifier and no report of the native library below the home folder (ORT_DISABLE_TELEMETRY "%s")', async (said) => {
    const home = path.join(folder, 'home');
    await mkdir(home);
    await writeFiles(folder, { 'run/probes/epoch=1.safetensors': probe({ epoch: 1 }) });
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !machinesOfTests.test(name)));
    const finished = await cli.run(['measure', path.join(folder, 'run'), '--engine', 'onnxruntime', '--metric', 'rankme'], undefined, {
      ...environment, HOME: home, USERPROFILE: home, ...(said === '' ? {} : { ORT_DISABLE_TELEMETRY: said }),
    });
    expect(finished).toMatchObject({ code: 0 });
    expect(finished.stderr).toContain('onnxruntime');
    expect(await readdir(home, { recursive: true })).toEqual([]);
  });
});
