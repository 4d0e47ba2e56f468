import { describe, expect, it } from 'vitest';
import { jsonLines } from '../../../src/formats/jsonLines';

const bytes = (text: string) => Buffer.from(text);
const sniff = (name: string, text: string, size = Buffer.byteLength(text)) => ({ name, head: bytes(text).subarray(0, 4096), size });
const isLog = (name: string, text: string, size?: number) => jsonLines.mayBe(name) && jsonLines.matches(sniff(name, text, size));

function read(...pieces: (string | Uint8Array)[]) {
  const reader = jsonLines.createReader('log.txt');
  const rows = pieces.flatMap((piece) => reader.push(typeof piece === 'string' ? bytes(piece) : piece));
  return { reader, rows: rows.map(({ epoch, step, values }) => ({ epoch, step, ...Object.fromEntries(values) })), problems: reader.takeProblems() };
}

describe('reading JSON lines', () => {
  it('finds epoch, step and numbers, flattens objects and leaves out everything else', () => {
    const { rows, problems } = read('{"epoch": 1, "global_step": 20, "train": {"loss": 0.5, "acc": {"top1": 3}}, "name": "x", "ok": true, "none": null, "list": [1, 2]}\n');
    expect(rows).toEqual([{ epoch: 1, step: 20, 'train/loss': 0.5, 'train/acc/top1': 3 }]);
    expect(problems).toEqual([]);
  });

  it.each(['step', 'global_step', 'iteration', 'iter', 'trainer/global_step', '_step', 'Step'])('takes %s as the step', (name) => {
    expect(read(`{"${name}": 7, "loss": 1}\n`).rows).toEqual([{ epoch: null, step: 7, loss: 1 }]);
  });

  it.each(['epoch', 'train/epoch', 'current_epoch', 'Epoch'])('takes %s as the epoch', (name) => {
    expect(read(`{"${name}": 0.5, "loss": 1}\n`).rows).toEqual([{ epoch: 0.5, step: null, loss: 1 }]);
  });

  it('takes nested axes', () => {
    expect(read('{"train": {"epoch": 3, "loss": 1}}\n').rows).toEqual([{ epoch: 3, step: null, 'train/loss': 1 }]);
  });

  it('keeps NaN and infinities as Python writes them', () => {
    const { rows, problems } = read('{"epoch": 1, "loss": NaN, "a": Infinity, "b": -Infinity}\n');
    expect(rows).toEqual([{ epoch: 1, step: null, loss: NaN, a: Infinity, b: -Infinity }]);
    expect(problems).toEqual([]);
  });

  it('reports broken lines in the middle by number and reads on', () => {
    const { rows, problems } = read('{"epoch": 0, "loss": 1}\n{"epoch": 1, "lo\n\n[1, 2]\nepoch 3 done\n{"epoch": 4, "loss": 2}\n');
    expect(rows.map(({ epoch }) => epoch)).toEqual([0, 4]);
    expect(problems).toEqual([
      { file: 'log.txt', place: 'line 2', reason: 'is not a JSON object: "{\\"epoch\\": 1, \\"lo"', severity: 'warning' },
      { file: 'log.txt', place: 'line 4', reason: 'is not a JSON object: "[1, 2]"', severity: 'warning' },
      { file: 'log.txt', place: 'line 5', reason: 'is not a JSON object: "epoch 3 done"', severity: 'warning' },
    ]);
  });

  it('keeps a torn last line inside until its rest arrives, also when a character is torn', () => {
    const line = bytes('{"epoch": 1, "größe": 2}\n');
    const tear = line.indexOf(0xc3) + 1;
    const reader = jsonLines.createReader('log.txt');
    expect(reader.push(line.subarray(0, tear))).toEqual([]);
    expect(reader.push(line.subarray(tear, -1))).toEqual([]);
    const [row] = reader.push(line.subarray(-1));
    expect([...row!.values]).toEqual([['größe', 2]]);
    expect(reader.takeProblems()).toEqual([]);
  });

  it('gives the same rows however the bytes are cut', () => {
    const text = '\ufeff{"epoch": 1, "loss": 0.5}\r\n{"epoch": 2, "loss": NaN}\r\nbroken\r\n{"epoch": 3, "ü": 1}\n';
    const whole = read(text);
    for (let size = 1; size < 20; size++) {
      const all = bytes(text);
      const pieces = Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.subarray(i * size, (i + 1) * size));
      const cut = read(...pieces);
      expect(cut.rows).toEqual(whole.rows);
      expect(cut.problems).toEqual(whole.problems);
    }
    expect(whole.rows).toHaveLength(3);
    expect(whole.problems.map(({ place }) => place)).toEqual(['line 3']);
  });

  it('takes a complete last line without line end when flushed, and counts lines on', () => {
    const { reader } = read('{"epoch": 1, "loss": 1}\n{"epoch": 2, "loss": 2}');
    expect(reader.flush().map(({ epoch }) => epoch)).toEqual([2]);
    expect(reader.flush()).toEqual([]);
    expect(reader.push(bytes('\nbroken\n'))).toEqual([]);
    expect(reader.takeProblems()).toMatchObject([{ place: 'line 3' }]);
  });

  it('reports an incomplete last line once when flushed, and still completes it later', () => {
    const { reader } = read('{"epoch": 1, "lo');
    expect(reader.flush()).toEqual([]);
    expect(reader.flush()).toEqual([]);
    expect(reader.takeProblems()).toEqual([{ file: 'log.txt', place: 'line 1', reason: 'the last line is not complete', severity: 'info' }]);
    expect(reader.push(bytes('ss": 3}\n')).map(({ epoch }) => epoch)).toEqual([1]);
  });

  it('leaves out a line over 16 MB without keeping it, and reads on', () => {
    const reader = jsonLines.createReader('log.txt');
    const megabyte = Buffer.alloc(2 ** 20, 'x');
    reader.push(bytes('{"epoch": 0, "loss": 1}\n{"a": "'));
    for (let i = 0; i < 40; i++) {
      expect(reader.push(megabyte)).toEqual([]);
    }
    const rows = reader.push(bytes('"}\n{"epoch": 2, "loss": 1}\n'));
    expect(rows.map(({ epoch }) => epoch)).toEqual([2]);
    expect(reader.takeProblems()).toEqual([{ file: 'log.txt', place: 'line 2', reason: 'is longer than 16 MB; it is left out', severity: 'warning' }]);
  });

  it('leaves out a line with very many numbers', () => {
    const { rows, problems } = read(`${JSON.stringify(Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`k${i}`, i])))}\n`);
    expect(rows).toEqual([]);
    expect(problems).toMatchObject([{ place: 'line 1', reason: 'holds more than 10000 numbers; it is left out' }]);
  });

  it('counts problems beyond a hundred instead of listing them', () => {
    const { problems } = read('broken\n'.repeat(250));
    expect(problems).toHaveLength(101);
    expect(problems[100]).toMatchObject({ place: '', reason: '150 more lines have problems' });
  });

  it('is not led astray by names of built-in properties', () => {
    expect(read('{"__proto__": 1, "constructor": 2, "epoch": 3}\n').rows).toEqual([expect.objectContaining({ epoch: 3, constructor: 2 })]);
  });

  it('survives very deep nesting', () => {
    const deep = `{"epoch": 1, "loss": 2, "a": ${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}\n`;
    expect(read(deep).rows).toEqual([{ epoch: 1, step: null, loss: 2 }]);
  });
});

describe('recognising JSON lines', () => {
  it.each([
    ['log.txt', '{"train_loss": 1.5, "epoch": 0}\n'],
    ['log.txt', '{"train_loss": 1.5, "epoch": 0'.padEnd(5000, ' ')],
    ['log.txt', 'Namespace(lr=0.1)\n{"train_loss": 1.5, "epoch": 0}\n'],
    ['metrics.json', '{"iteration": 19, "total_loss": 3.2}\n{"iteration": 39, "total_loss": 3.1}\n'],
    ['20240101_120000.log.json', '{"mode": "train", "epoch": 1, "iter": 50, "loss": 2}\n'],
    ['anything.jsonl', '{"step": 1, "loss": 2}'],
    ['metrics.jsonl', '{"loss": 2}\n'],
    ['log.txt', ''],
  ])('%s with %j is a log', (name, text) => {
    expect(isLog(name, text)).toBe(true);
  });

  it.each([
    ['package.json', '{"name": "x", "version": 1}\n'],
    ['train_config.json', '{\n  "epoch": 10,\n  "lr": 0.1\n}\n'],
    ['trainer_state.json', '{\n  "epoch": 3.0,\n  "log_history": [\n    {\n      "loss": 1\n'],
    ['train.jsonl', '{"text": "hello", "label": 1, "score": 0.5}\n'],
    ['notes.txt', '{"epoch": 1, "loss": 2}\n'],
    ['log.txt', 'Epoch 1: loss 0.5\nEpoch 2: loss 0.4\n'],
    ['log.txt', '{"epoch": 1}\n'],
    ['data.jsonl', ''],
    ['metrics.jsonl', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'],
    ['records.jsonl', '{"epoch": 1, "sourceVersion": "v", "layer": "block0", "layerIndex": 0, "metric": "rankme", "value": 2}\n'],
    ['binary.log', '\u0000\u0001\u0002'],
  ])('%s with %j is none', (name, text) => {
    expect(isLog(name, text)).toBe(false);
  });
});
