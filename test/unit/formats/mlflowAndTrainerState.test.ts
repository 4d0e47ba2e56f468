import { describe, expect, it } from 'vitest';
import { mlflow } from '../../../src/formats/mlflow';
import { trainerState } from '../../../src/formats/trainerState';
import { fixture } from './build';

const run = '/training/mlruns/0/0123456789abcdef0123456789abcdef';

describe('MLflow metrics', () => {
  const read = (text: string, fileName = 'metrics/val/accuracy') => {
    const reader = mlflow.createReader(fileName);
    const rows = [...reader.push(Buffer.from(text)), ...reader.flush()];
    return { rows: rows.map(({ step, values }) => [step, ...values]), problems: reader.takeProblems() };
  };

  it('are the files below the metrics folder of a run, and no other files', () => {
    expect(mlflow.mayBe('loss', `${run}/metrics`)).toBe(true);
    expect(mlflow.mayBe('accuracy', `${run}/metrics/val`)).toBe(true);
    expect(mlflow.mayBe('lr', `${run}/params`)).toBe(false);
    expect(mlflow.mayBe('loss', '/training/metrics')).toBe(false);
    expect(mlflow.mayBe('loss')).toBe(false);
  });

  it('have a value, and a step where the version of MLflow wrote one; the name is the path', () => {
    expect(read('1700000000000 0.5 3\n1700000000001 nan\n1700000000002 -inf -1\n1700000000003 2 4 data 1234')).toEqual({
      rows: [[3, ['val/accuracy', 0.5]], [null, ['val/accuracy', NaN]], [-1, ['val/accuracy', -Infinity]], [4, ['val/accuracy', 2]]],
      problems: [],
    });
  });

  it('keep what cannot be read apart, with its line', () => {
    const { rows, problems } = read('1700000000000 0.5 3\nloss: 0.4\n1700000000002 0.3 5\n17000');
    expect(rows).toHaveLength(2);
    expect(problems).toMatchObject([{ place: 'line 2', severity: 'warning' }, { place: 'line 4', severity: 'info' }]);
  });
});

describe("trainer_state.json of Hugging Face's Trainer", () => {
  const bytes = fixture('checkpoints/huggingface/trainer/checkpoint-20/trainer_state.json');
  const read = (content: Uint8Array, piece = content.length) => {
    const reader = trainerState.createReader('trainer_state.json');
    const rows = [];
    for (let at = 0; at < content.length; at += piece) rows.push(...reader.push(content.subarray(at, at + piece)));
    return { rows: [...rows, ...reader.flush()], problems: reader.takeProblems() };
  };
  const history = (JSON.parse(bytes.toString()) as { log_history: { step: number; epoch: number }[] }).log_history;

  it('gives the rows of the history with step and epoch, however the bytes come', () => {
    for (const piece of [1, 10, 333, bytes.length]) {
      const { rows, problems } = read(bytes, piece);
      expect(rows.map(({ step, epoch, values }) => ({ ...Object.fromEntries(values), step, epoch }))).toEqual(history);
      expect(problems).toEqual([]);
    }
  });

  it('is not misled by names and texts that look like its own', () => {
    const tricky = { note: 'a "log_history": [{"loss": 9}] {', other: [{ loss: 8, step: 1 }], log_history: [{ loss: 1, step: 1, 'a{"b': 2 }], after: { log_history: [{ loss: 7 }] } };
    expect(read(Buffer.from(JSON.stringify(tricky))).rows).toEqual([{ epoch: null, step: 1, values: new Map([['loss', 1], ['a{"b', 2]]) }]);
  });

  it('gives the rows that are there of a document that is still being written, and says so', () => {
    const cut = bytes.indexOf('"step": 12');
    const { rows, problems } = read(bytes.subarray(0, cut));
    expect(rows.map(({ step }) => step)).toEqual([4, 8, 10]);
    expect(problems).toMatchObject([{ place: `byte ${cut}`, severity: 'info' }]);
  });

  it('leaves out a row that is no JSON, with its byte', () => {
    const { rows, problems } = read(Buffer.from('{"log_history": [{"loss": 1, "step": 1}, {"loss": oops}, {"loss": 3, "step": 3}]}'));
    expect(rows.map(({ step }) => step)).toEqual([1, 3]);
    expect(problems).toMatchObject([{ place: 'byte 41', severity: 'warning' }]);
  });
});
