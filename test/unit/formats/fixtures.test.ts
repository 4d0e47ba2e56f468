import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createFormatRegistry, openTensors, type LogFormat, type Tensor } from '../../../src/formats';
import { fixture, fixturePath } from './build';

interface ExpectedTensors {
  readonly tensors: Readonly<Record<string, { readonly dtype: string; readonly shape: readonly number[]; readonly values: readonly unknown[] }>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly skipped: readonly string[];
}

const registry = createFormatRegistry();
const isFixture = (name: string) => /\.(?:safetensors|npz|txt|csv)$/.test(name);

/** As make_probes.py writes numbers. */
function plain({ data, dtype }: Tensor): unknown[] {
  const numbers: unknown[] = [];
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (typeof value === 'bigint') numbers.push(value < 2n ** 53n && value > -(2n ** 53n) ? Number(value) : String(value));
    else numbers.push(Number.isFinite(value) ? value : Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf');
  }
  const pairs = dtype === 'C64' || dtype === 'C128';
  return pairs ? Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i], numbers[2 * i + 1]]) : numbers;
}

describe('tensors written by NumPy, safetensors and PyTorch', () => {
  it.each(readdirSync(fixturePath('probes')).filter(isFixture))('%s has the values its own library reads', async (name) => {
    const expected = JSON.parse(fixture(`probes/${name}.json`).toString()) as ExpectedTensors;
    const { file, close } = await openTensors(fixturePath(`probes/${name}`), registry);
    expect(file.tensors.map((tensor) => tensor.name).sort()).toEqual(Object.keys(expected.tensors).sort());
    expect(file.metadata).toEqual(expected.metadata);
    expect((file.skipped ?? []).map((tensor) => tensor.name).sort()).toEqual(expected.skipped);
    for (const [tensorName, { dtype, shape, values }] of Object.entries(expected.tensors)) {
      const tensor = await file.read(tensorName);
      expect({ dtype: tensor.dtype, shape: tensor.shape }, tensorName).toEqual({ dtype, shape });
      expect(plain(tensor), tensorName).toEqual(values);
    }
    await close();
  });
});

describe('logs written by the loggers of MAE, DINO, Lightning and Keras', () => {
  it.each(readdirSync(fixturePath('logs')).filter(isFixture))('%s has the rows that were logged', (name) => {
    const bytes = fixture(`logs/${name}`);
    const format = registry.identify({ name, head: bytes.subarray(0, 4096), size: bytes.length }) as LogFormat;
    const reader = format.createReader(name);
    const rows = [...reader.push(bytes), ...reader.flush()].map(({ epoch, step, values }) => ({
      epoch,
      step,
      values: Object.fromEntries([...values].map(([tag, value]) => [tag, Number.isFinite(value) ? value : Number.isNaN(value) ? 'nan' : 'inf'])),
    }));
    expect(rows).toEqual(JSON.parse(fixture(`logs/${name}.json`).toString()));
    expect(reader.takeProblems()).toEqual([]);
  });
});
