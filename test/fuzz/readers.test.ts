import { afterAll, describe, expect, it } from 'vitest';
import { FormatError, formats, memorySource, type LogFormat, type TensorFormat } from '../../src/formats';
import { probeOf } from '../../src/runs';
import { fixture, zipOf, npyOf } from '../unit/formats/build';
import { mutate, randomNumbers } from './mutations';

/** More of them with LAYERSCOPE_FUZZ=10000 (a minute); the seeds count from 0. */
const mutations = Number(process.env['LAYERSCOPE_FUZZ'] ?? 2000);
/** One file, however damaged, must not hold up the others for longer. */
const longest = 5000;
const mostMemory = 256 * 2 ** 20;

const tensorFiles: [string, string, Uint8Array][] = [
  ['safetensors', 'a probe', fixture('probes/bfloat16.safetensors')],
  ['safetensors', 'every type', fixture('probes/types.safetensors')],
  ['npz', 'stored arrays', fixture('probes/versions.npz')],
  ['npz', 'compressed arrays', zipOf([
    { name: 'a.npy', bytes: npyOf("'<f4'", [4, 2], Buffer.from(new Float32Array(8).buffer)), deflate: true },
    { name: 'epoch.npy', bytes: npyOf("'<i8'", [], Buffer.alloc(8)), deflate: true },
    { name: 'layers.npy', bytes: npyOf("'<U1'", [1], Buffer.from([0x61, 0, 0, 0])) },
  ])],
  ['npz', 'a probe', fixture('probes/views.npz')],
];
const logs: [string, string][] = [
  ['jsonLines', 'logs/mae-log.txt'],
  ['jsonLines', 'logs/dino-log.txt'],
  ['csv', 'logs/lightning-metrics.csv'],
  ['csv', 'logs/keras-training.csv'],
];

/** Reads everything, also as a probe. Only a FormatError may come of it. */
async function readAll(format: TensorFormat, bytes: Uint8Array): Promise<'value' | 'error'> {
  try {
    const file = await format.open(memorySource('a', bytes), () => Promise.reject(new Error('no siblings')));
    let outcome: 'value' | 'error' = 'value';
    for (const { name, shape } of file.tensors) {
      outcome = await file.read(name).then(
        ({ data }) => {
          expect(data.length % Math.max(1, shape.reduce((product, size) => product * size, 1))).toBe(0);
          return outcome;
        },
        formatErrorOnly,
      );
    }
    const probe = await probeOf(file, 'a').catch((error: unknown) => (formatErrorOnly(error), null));
    for (const layer of probe?.layers ?? []) {
      await probe!.readLayer(layer.name).catch(formatErrorOnly);
    }
    return outcome;
  } catch (error) {
    return formatErrorOnly(error);
  }
}

function formatErrorOnly(error: unknown): 'error' {
  if (!(error instanceof FormatError)) {
    throw error;
  }
  expect(error.reason).not.toBe('');
  return 'error';
}

async function timed<Result>(work: () => Promise<Result> | Result): Promise<Result> {
  const started = performance.now();
  const result = await work();
  expect(performance.now() - started).toBeLessThan(longest);
  return result;
}

/** The largest amount of memory that was in use after any file. */
let memory = 0;
const before = process.memoryUsage.rss();
const watchMemory = () => {
  memory = Math.max(memory, process.memoryUsage.rss() - before);
};
afterAll(() => expect(memory).toBeLessThan(mostMemory));

describe.each(tensorFiles)('%s (%s)', (id, _, bytes) => {
  const format = formats.find((candidate) => candidate.id === id) as TensorFormat;

  it('is read as it is', async () => {
    expect(await readAll(format, bytes)).toBe('value');
  });

  it('is refused when cut off at any byte', async () => {
    for (let length = 0; length < bytes.length; length++) {
      expect(await timed(() => readAll(format, bytes.subarray(0, length))), `${length} bytes`).toBe('error');
      watchMemory();
    }
  });

  it(`gives a value or a clear error after any of ${mutations} mutations`, async () => {
    const outcomes = { value: 0, error: 0 };
    for (let seed = 0; seed < mutations; seed++) {
      outcomes[await timed(() => readAll(format, mutate(bytes, randomNumbers(seed))))]++;
      watchMemory();
    }
    expect(outcomes.error).toBeGreaterThan(0);
    expect(outcomes.value).toBeGreaterThan(0);
  });
});

describe.each(logs)('%s (%s)', (id, path) => {
  const format = formats.find((candidate) => candidate.id === id) as LogFormat;
  const bytes = fixture(path);
  const read = (content: Uint8Array, piece = content.length) => {
    const reader = format.createReader('log');
    const rows = [];
    for (let at = 0; at < content.length; at += piece) {
      rows.push(...reader.push(content.subarray(at, at + piece)));
    }
    rows.push(...reader.flush());
    for (const { place, reason } of reader.takeProblems()) {
      expect(place).toMatch(/^(?:line \d+)?$/);
      expect(reason).not.toBe('');
    }
    return rows;
  };
  const whole = read(bytes);

  it('gives the rows before any byte at which it is cut off', () => {
    for (let length = 0; length < bytes.length; length++) {
      const rows = read(bytes.subarray(0, length));
      const complete = bytes.subarray(0, length).lastIndexOf(0x0a) + 1;
      const expected = read(bytes.subarray(0, complete));
      expect(rows.slice(0, expected.length)).toEqual(expected);
      expect(whole.slice(0, expected.length)).toEqual(expected);
    }
  });

  it(`gives rows and problems after any of ${mutations} mutations, the same however the bytes come`, async () => {
    for (let seed = 0; seed < mutations; seed++) {
      const random = randomNumbers(seed);
      const mutated = mutate(bytes, random);
      const rows = await timed(() => read(mutated));
      expect(await timed(() => read(mutated, 1 + Math.floor(random() * 30))), `seed ${seed}`).toEqual(rows);
    }
    watchMemory();
  });
});
