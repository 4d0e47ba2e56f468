import { afterAll, describe, expect, it } from 'vitest';
import { FormatError, formats, memorySource, type LogFormat, type TensorFormat } from '../../src/formats';
import { probeOf } from '../../src/runs';
import { fixture, zipOf, npyOf } from '../unit/formats/build';
import { formatErrorOnly } from './formatErrorOnly';
import { mutate, randomNumbers } from './mutations';
import { processorTime } from '../unit/processorTime';

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
  ['torchZip', 'views of storages', fixture('checkpoints/torch/torch-2.15/views.pt')],
  ['torchZip', 'what is no tensor', fixture('checkpoints/torch/torch-1.13/extras_protocol5.pt')],
  ['torchPickle', 'a state dict', fixture('checkpoints/torch/torch-1.13/state_dict_legacy.pt')],
  ['shardIndex', 'two shards', Buffer.from(fixture('checkpoints/huggingface/bin-sharded/pytorch_model.bin.index.json').toString().trimEnd())],
];

/** The files beside the index of shards. */
async function openSibling(name: string) {
  if (!/^pytorch_model-0000[12]-of-00002\.bin$/.test(name)) throw new FormatError(name, '', 'does not exist (any more)');
  return memorySource(name, fixture(`checkpoints/huggingface/bin-sharded/${name}`));
}

const endOfLine = (bytes: Uint8Array) => bytes.lastIndexOf(0x0a) + 1;
const events = 'events.out.tfevents.1700000000.host';
/** Format, file, and how much of a file that was cut off is certainly complete. */
const logs: [string, string, (bytes: Uint8Array) => number][] = [
  ['jsonLines', 'logs/mae-log.txt', endOfLine],
  ['jsonLines', 'logs/dino-log.txt', endOfLine],
  ['csv', 'logs/lightning-metrics.csv', endOfLine],
  ['csv', 'logs/keras-training.csv', endOfLine],
  ['tensorBoard', `logs/tensorboard/tensor-forms/${events}`, endOfTfRecords],
  ['tensorBoard', `logs/tensorboard/v1-everything/${events}`, endOfTfRecords],
  ['tensorBoard', `logs/tensorboard/session-log/${events}`, endOfTfRecords],
  ['tensorBoard', `logs/tensorboard/version1-out-of-order/${events}`, endOfTfRecords],
  ['wandb', 'logs/wandb/wandb-0.31/wandb/offline-run-20260102_030405-jumps/run-jumps.wandb', () => 0],
  ['mlflow', 'logs/mlflow/mlruns/111111111111111111/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/metrics/odd', endOfLine],
  ['trainerState', 'checkpoints/huggingface/trainer-nonfinite/trainer_state.json', () => 0],
];

function endOfTfRecords(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at + 12 <= bytes.length && at + 16 + view.getUint32(at, true) <= bytes.length) at += 16 + view.getUint32(at, true);
  return at;
}

/** Reads everything, also as a probe. Only a FormatError may come of it. */
async function readAll(format: TensorFormat, bytes: Uint8Array): Promise<'value' | 'error'> {
  try {
    const file = await format.open(memorySource('a', bytes), openSibling);
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

async function timed<Result>(work: () => Promise<Result> | Result): Promise<Result> {
  const started = processorTime();
  const result = await work();
  expect(processorTime() - started).toBeLessThan(longest);
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

describe.each(logs)('%s (%s)', (id, path, endOfComplete) => {
  const format = formats.find((candidate) => candidate.id === id) as LogFormat;
  const bytes = fixture(path);
  const read = (content: Uint8Array, piece = content.length) => {
    const reader = format.createReader('log');
    const rows: unknown[] = [];
    // Points that come in columns, and what voids them, in their order.
    const takeColumns = () => {
      const columns = reader.takeColumns?.();
      if (columns === undefined) return;
      const { tags, tag, epochs, steps, times, values, purges } = columns;
      for (let i = 0; i <= tag.length; i++) {
        rows.push(...purges.filter(({ at }) => at === i).map(({ fromStep, tags: of }) => ({ fromStep, of })));
        if (i < tag.length) rows.push([tags[tag[i]!], epochs?.[i] ?? NaN, steps[i], times[i], values[i]]);
      }
    };
    for (let at = 0; at < content.length; at += piece) {
      rows.push(...reader.push(content.subarray(at, at + piece)));
      takeColumns();
    }
    rows.push(...reader.flush());
    takeColumns();
    for (const { place, reason } of reader.takeProblems()) {
      expect(place).toMatch(/^(?:(?:line|byte) \d+)?$/);
      expect(reason).not.toBe('');
    }
    return rows;
  };
  const whole = read(bytes);

  it('gives the rows before any byte at which it is cut off', () => {
    for (let length = 0; length < bytes.length; length++) {
      const rows = read(bytes.subarray(0, length));
      const expected = read(bytes.subarray(0, endOfComplete(bytes.subarray(0, length))));
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
