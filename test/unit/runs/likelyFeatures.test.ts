import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFormatRegistry, openTensors, type DType } from '../../../src/formats';
import { findRuns, openCheckpoint } from '../../../src/runs';
import { hintOfFeatures } from '../../../src/runs/likelyFeatures';
import { fixturePath, safetensorsBytes } from '../formats/build';

const samples = path.join(__dirname, '../../../media/sample');
const registry = createFormatRegistry();

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'layerscope-features-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A recorded probe as a script would save features by itself: layers and nothing else. */
function withoutSamples(probe: string): Buffer {
  const bytes = readFileSync(probe);
  const start = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<string, { readonly dtype: string; readonly shape: readonly number[]; readonly data_offsets: readonly [number, number] }>;
  const parts: Buffer[] = [];
  let offset = 0;
  const layers = Object.entries(header).flatMap(([name, info]) => {
    if (['__metadata__', 'sample_id', 'split', 'label'].includes(name)) return [];
    const part = bytes.subarray(start + info.data_offsets[0], start + info.data_offsets[1]);
    parts.push(part);
    offset += part.length;
    return [[name, { ...info, data_offsets: [offset - part.length, offset] }]];
  });
  return safetensorsBytes(Object.fromEntries(layers) as object, Buffer.concat(parts));
}

function put(name: string, bytes: Uint8Array): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return file;
}

const tensors = (shapes: Readonly<Record<string, readonly number[]>>, dtype: DType = 'F32') =>
  ({ tensors: Object.entries(shapes).map(([name, shape]) => ({ name, shape, dtype, bytes: 0 })), metadata: {}, read: () => Promise.reject(new Error('values are not looked at')) });

describe('features that lie outside of a folder for probes and do not say what they are', () => {
  it('are taken for a checkpoint, and it is said what would make them a probe', async () => {
    for (const run of ['simclr-digits-healthy', 'simclr-digits-memorizing']) {
      const [probe] = readdirSync(path.join(samples, run, 'probes'));
      const bytes = withoutSamples(path.join(samples, run, 'probes', probe ?? ''));
      const file = put(`${run}/epoch=3.safetensors`, bytes);
      put(`${run}/probes/epoch=3.safetensors`, bytes);
      const hint = /^is taken for a checkpoint, but looks like features: its \d+ matrices have \d+ rows and the names of layers\..*folder called probes.*sample_id/;
      const checkpoint = await openCheckpoint(file, { name: 'epoch=3.safetensors' });
      await checkpoint.close();
      expect(checkpoint.problems).toEqual([{ file: 'epoch=3.safetensors', place: '', reason: expect.stringMatching(hint) as string, severity: 'warning' }]);
      const found = (await findRuns([{ name: 'work', path: folder }])).runs.find(({ name }) => name === run);
      expect(found?.files.map(({ kind, problem, hint: said }) => [kind, problem, said?.reason.match(hint) !== null && said !== undefined])).toEqual([
        ['checkpoint', null, true], ['probe', null, false],
      ]);
    }
  });

  it.each([
    ['of residual stages', { layer1: [512, 64], layer2: [512, 128], layer3: [512, 256], avgpool: [512, 2048] }],
    ['of transformer blocks, with what belongs to rows', { 'blocks.0': [1000, 384], 'blocks.1': [1000, 384], norm: [1000, 384] }],
    ['of one layer', { features: [5000, 768] }],
    ['of hidden states', { hidden_state_0: [256, 32], hidden_state_1: [256, 32] }],
  ])('are known by their names and rows: %s', (_what, shapes) => {
    const [first] = Object.values(shapes);
    const { tensors: list, ...rest } = tensors(shapes);
    expect(hintOfFeatures({ tensors: list, ...rest })).toContain('looks like features');
    const y = { name: 'y', shape: [first?.[0] ?? 0], dtype: 'I64' as const, bytes: 0 };
    expect(hintOfFeatures({ tensors: [...list, y], ...rest })).toContain('looks like features');
  });
});

describe('a real checkpoint', () => {
  it('is never said to look like features: every checkpoint and model among the fixtures', async () => {
    const said: string[] = [];
    let opened = 0;
    for (const root of ['checkpoints', 'models', 'landscape']) {
      for (const name of readdirSync(fixturePath(root), { recursive: true }) as string[]) {
        const file = path.join(fixturePath(root), name);
        const mayBe = registry.formats.some((format) => format.kind === 'tensors' && format.mayBe(path.basename(file), path.dirname(file)));
        if (!mayBe || !statSync(file).isFile()) continue;
        // Some of them are damaged on purpose.
        const tensorFile = await openTensors(file, registry, { name }).catch(() => null);
        if (tensorFile === null) continue;
        await tensorFile.close();
        opened += 1;
        if (hintOfFeatures(tensorFile.file) !== null) said.push(name);
      }
    }
    expect(opened).toBeGreaterThan(100);
    expect(said).toEqual([]);
  });

  it.each([
    ['of square layers without biases', { layer0: [64, 64], layer1: [64, 64], layer2: [64, 64] }],
    ['of layers that follow one another', { layer0: [784, 256], layer1: [256, 64], layer2: [64, 10] }],
    ['of matrices with biases', { layer0: [64, 32], 'layer0.bias': [64], layer1: [64, 16] }],
    ['whose parameters are named', { 'layers.0.weight': [64, 32], 'layers.1.weight': [64, 16] }],
    ['of low-rank adapters', { 'layers.0.lora_A': [64, 768], 'layers.1.lora_A': [64, 768] }],
    ['of codebooks', { 'layers.0.codebook': [1024, 8], 'layers.1.codebook': [1024, 8] }],
    ['of few learned tokens', { 'layer.0': [16, 768], 'layer.1': [16, 1024] }],
    ['of heads on one input', { head: [2048, 10], projector: [2048, 128] }],
    ['that is a table of words', { embeddings: [30_000, 300] }],
    ['of a single matrix', { layer0: [512, 64] }],
    ['with convolutions', { layer1: [64, 3, 7, 7], layer2: [64, 32] }],
    ['without tensors', {}],
  ])('is not, either, where nothing but names and shapes tell: %s', (_what, shapes) => {
    expect(hintOfFeatures(tensors(shapes))).toBeNull();
  });

  it('is not when its numbers are whole, or a part of it could not be read', () => {
    const shapes = { layer1: [512, 64], layer2: [512, 128] };
    expect(hintOfFeatures(tensors(shapes, 'I32'))).toBeNull();
    expect(hintOfFeatures({ ...tensors(shapes), skipped: [{ name: 'layer3', reason: 'is sparse' }] })).toBeNull();
  });
});
