import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createFormatRegistry, openTensors, type Tensor } from '../../../src/formats';
import { fixture, fixturePath } from './build';

interface ExpectedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly values?: readonly unknown[];
  readonly sha256?: string;
  readonly first?: readonly unknown[];
}

interface Expected {
  readonly tensors: readonly ExpectedTensor[];
  readonly skipped?: readonly { readonly name: string }[];
  readonly scalars: Readonly<Record<string, unknown>>;
  readonly missing?: readonly string[];
}

const registry = createFormatRegistry();
const readExpected = (path: string) => JSON.parse(fixture(`checkpoints/${path}`).toString()) as Expected;

/** As test/fixtures/expectation.py writes numbers. */
function plain(value: number | bigint): unknown {
  if (typeof value === 'bigint') return value <= 2n ** 53n && value >= -(2n ** 53n) ? Number(value) : String(value);
  return Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? value : value > 0 ? 'Infinity' : '-Infinity';
}

/** The bytes that torch has for the tensor; what was widened is narrowed again, which is exact. */
function digest({ data, dtype }: Tensor): string {
  let bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (dtype === 'BF16') bytes = Buffer.from(new Uint16Array(data.length).map((_, i) => new Uint16Array(data.buffer)[2 * i + 1]!).buffer);
  return createHash('sha256').update(bytes).digest('hex');
}

async function expectTensor(tensor: Tensor, expected: ExpectedTensor): Promise<void> {
  const { name, data, shape, dtype } = tensor;
  expect({ shape, dtype }, name).toEqual({ shape: expected.shape, dtype: expected.dtype });
  const values = expected.values ?? expected.first!;
  const numbers = Array.from(data.slice(0, values.length), plain);
  // JSON has no -0 that Python writes differently.
  expect(numbers, name).toEqual(values);
  if (expected.values !== undefined) expect(data.length, name).toBe(values.length);
  else if (!['F16', 'F8_E4M3', 'F8_E5M2'].includes(dtype)) expect(digest(tensor), name).toBe(expected.sha256);
}

describe.each(['torch-1.13', 'torch-2.15'])('files written by %s', (folder) => {
  const path = `torch/${folder}`;
  const files = readdirSync(fixturePath(`checkpoints/${path}`)).filter((name) => !name.endsWith('.json'));

  it.each(files)('%s has the tensors that torch reads back', async (name) => {
    const expected = readExpected(`${path}/${name}.expected.json`);
    const { file, close } = await openTensors(fixturePath(`checkpoints/${path}/${name}`), registry);
    const rename = (tensor: string) => (tensor === '' ? 'tensor' : tensor);
    expect(file.tensors.map((tensor) => tensor.name).sort()).toEqual(
      expected.tensors.filter(({ dtype }) => !dtype.startsWith('torch.')).map((tensor) => rename(tensor.name)).sort(),
    );
    for (const each of expected.tensors) {
      if (each.dtype.startsWith('torch.')) continue;
      await expectTensor(await file.read(rename(each.name)), each);
    }
    const rare = expected.tensors.filter(({ dtype }) => dtype.startsWith('torch.'));
    expect((file.skipped ?? []).map((tensor) => tensor.name).sort()).toEqual([...(expected.skipped ?? []), ...rare].map((tensor) => tensor.name).sort());
    for (const { reason } of file.skipped ?? []) expect(reason).toMatch(/quantised|sparse|meta device|is not decoded/);
    await close();
  });
});

describe('checkpoints of Lightning', () => {
  it.each(['last.ckpt', 'epoch=1-step=8.ckpt'])('%s has weights, optimizer states, epoch, step and settings', async (name) => {
    const expected = JSON.parse(fixture(`logs/lightning/${name}.expected.json`).toString()) as Expected & { readonly file: string; readonly epoch: number; readonly step: number };
    const { file, close } = await openTensors(fixturePath(`logs/lightning/${expected.file}`), registry);
    expect(file.tensors.map((tensor) => tensor.name).sort()).toEqual(expected.tensors.map((tensor) => tensor.name).sort());
    for (const each of expected.tensors) await expectTensor(await file.read(each.name), each);
    expect(file.metadata).toMatchObject({ epoch: String(expected.epoch), step: String(expected.step), 'hyper_parameters.lr': '0.1', 'hyper_parameters.name': 't\u00efny' });
    await close();
  });
});

describe('sharded checkpoints of Hugging Face', () => {
  it.each([
    ['bin-sharded', 'pytorch_model.bin.index.json'],
    ['hub-safetensors-sharded', 'model.safetensors.index.json'],
    ['transformers-vit-sharded', 'model.safetensors.index.json'],
    ['shard-missing', 'model.safetensors.index.json'],
  ])('%s is one file of tensors', async (folder, name) => {
    const expected = readExpected(`huggingface/${folder}.expected.json`);
    const { file, format, close } = await openTensors(fixturePath(`checkpoints/huggingface/${folder}/${name}`), registry);
    expect(format.id).toBe('shardIndex');
    expect(file.tensors.map((tensor) => tensor.name).sort()).toEqual(expected.tensors.map((tensor) => tensor.name).sort());
    for (const each of expected.tensors) await expectTensor(await file.read(each.name), each);
    expect((file.skipped ?? []).map((tensor) => tensor.name).sort()).toEqual([...(expected.missing ?? [])].sort());
    for (const { reason } of file.skipped ?? []) expect(reason).toBe('its shard model-00002-of-00002.safetensors does not exist (any more)');
    await close();
  });
});
