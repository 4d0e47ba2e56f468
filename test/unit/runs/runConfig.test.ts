import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { completeFromConfig as complete, readRunConfig } from '../../../src/runs';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'layerscope-config-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = (name: string, text: string) => writeFile(path.join(folder, name), text);
const nothing = { mean: null, deviation: null, imageSize: null, heads: null, decoderHeads: null };

it('says nothing of a folder without a configuration, and of files that are none', async () => {
  expect(await readRunConfig(folder)).toEqual(nothing);
  await write('config.json', '{"image_size": 3');
  await write('args.yaml', 'image_size: [1, 2\n  - : :');
  await write('hparams.yaml', '- 224\n');
  await write('args.json', `{"image_size": 224, "text": "${'x'.repeat(1_000_001)}"}`);
  expect(await readRunConfig(folder)).toEqual(nothing);
});

it('reads what timm writes', async () => {
  await write('args.yaml', 'model: vit_tiny_patch16_224\nimg_size: null\ninput_size:\n- 3\n- 64\n- 64\nmean:\n- 0.5\n- 0.4\n- 0.3\nstd:\n- 0.2\n- 0.2\n- 0.1\nlr: 1.0e-03\n');
  expect(await readRunConfig(folder)).toEqual({ ...nothing, mean: [0.5, 0.4, 0.3], deviation: [0.2, 0.2, 0.1], imageSize: 64 });
});

it('reads what Hugging Face writes: the preprocessor says how images are prepared, the model has the heads', async () => {
  await write('preprocessor_config.json', JSON.stringify({ image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225], size: { height: 224, width: 224 } }));
  await write('config.json', JSON.stringify({ image_size: 32, num_attention_heads: 12, decoder_num_attention_heads: 16 }));
  expect(await readRunConfig(folder)).toEqual({ mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225], imageSize: 224, heads: 12, decoderHeads: 16 });
});

it('reads sections within sections, and tags of Python objects without building them', async () => {
  await write('hparams.yaml', 'args: !!python/object:argparse.Namespace\n  data:\n    pixel_mean: 0.286\n    pixel_std: 0.353\n  model:\n    num_heads: 4\n    decoder_num_heads: 2\n    img_size: 28\n');
  expect(await readRunConfig(folder)).toEqual({ mean: [0.286], deviation: [0.353], imageSize: 28, heads: 4, decoderHeads: 2 });
});

it.each([
  ['a mean without a deviation', { mean: [0.5] }],
  ['a mean and a deviation of different lengths', { mean: [0.5, 0.5, 0.5], std: [0.5] }],
  ['a deviation of 0', { mean: [0.5], std: [0] }],
  ['an image that is no square', { image_size: [32, 64] }],
  ['a size that is no whole number', { image_size: '224', num_heads: 1.5 }],
  ['a size that is not that of an image', { size: 50_000 }],
])('does not take %s', async (_what, config) => {
  await write('config.json', JSON.stringify(config));
  expect(await readRunConfig(folder)).toEqual(nothing);
});

it('completes what was left open, and takes mean and deviation together or not at all', () => {
  const config = { mean: [0.5], deviation: [0.25], imageSize: 28, heads: 4, decoderHeads: 2 };
  expect(complete({ ...nothing, heads: 3 }, config)).toEqual({ ...config, heads: 3 });
  expect(complete({ ...nothing, mean: [0.1] }, config)).toEqual({ ...config, mean: [0.1], deviation: null });
  expect(complete({ ...nothing, heads: 3 }, nothing)).toEqual({ ...nothing, heads: 3 });
});
