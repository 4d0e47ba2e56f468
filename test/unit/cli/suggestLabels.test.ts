import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LabelAdvice } from '../../../src/protocol';
import { writeProbe } from '../worker/writeProbe';
import { CommandLine } from './commandLine';

let cli: CommandLine;
let folder: string;
let probe: string;
beforeAll(async () => {
  cli = await CommandLine.build();
});
afterAll(() => cli.remove());
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'layerscope-labels-'));
  probe = path.join(folder, 'epoch=3.safetensors');
  await writeProbe(probe, { epoch: 3, samples: 32, firstId: 9000 });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('layerscope suggest-labels', () => {
  it('names training samples to label next, the same each time, as the deepest layer sees them', async () => {
    const finished = await cli.run(['suggest-labels', probe, '--count', '5', '--json']);
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    const advice = JSON.parse(finished.stdout) as LabelAdvice & { probe: string };
    expect(advice).toMatchObject({ probe, layer: 'block2', samples: 16, labelled: 0, clusters: 5, warnings: [] });
    const ids = advice.suggestions.map(({ sampleId }) => Number(sampleId));
    expect(new Set(ids).size).toBe(5);
    for (const id of ids) expect(id >= 9000 && id < 9016).toBe(true);
    expect((await cli.run(['suggest-labels', probe, '--count', '5', '--json'])).stdout).toBe(finished.stdout);
  });

  it('prints a table, takes the deepest layer that matches, and says when there are too few', async () => {
    const { code, stdout, stderr } = await cli.run(['suggest-labels', probe, '--layer', 'block[01]', '--count', '50']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^block1: 0 of 16 training samples have a label; 16 clusters$/m);
    expect(stdout.split('\n').filter((line) => /^ +90\d\d|^90\d\d/.test(line))).toHaveLength(16);
    expect(stderr).toMatch(/^note: Only 16 of 16 samples are not labelled yet\.$/m);
  });

  it('says what there is when no layer matches, and refuses a folder', async () => {
    expect(await cli.run(['suggest-labels', probe, '--layer', 'fc*'])).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('no layer matches --layer "fc*"; there are 3 layers: block0, block1, block2') });
    expect(await cli.run(['suggest-labels', folder])).toMatchObject({ code: 1, stderr: expect.stringContaining('is a folder') });
  });
});
