import { describe, expect, it } from 'vitest';
import { wandb } from '../../../src/formats/wandb';
import { fixture } from './build';

const jumps = fixture('logs/wandb/wandb-0.31/wandb/offline-run-20260102_030405-jumps/run-jumps.wandb');
const long = fixture('logs/wandb/wandb-0.31/wandb/offline-run-20260102_030405-long/run-long.wandb');
const read = (bytes: Uint8Array, piece = bytes.length) => {
  const reader = wandb.createReader('run.wandb');
  const rows = [];
  for (let at = 0; at < bytes.length; at += piece) rows.push(...reader.push(bytes.subarray(at, at + piece)));
  return { rows: [...rows, ...reader.flush()], problems: reader.takeProblems() };
};

describe('W&B files', () => {
  it('are recognised by their first bytes, also while they are empty', () => {
    const matches = (head: Uint8Array, size = head.length) => wandb.matches({ name: 'run-x.wandb', head, size });
    expect(matches(jumps)).toBe(true);
    expect(matches(new Uint8Array(0))).toBe(true);
    expect(matches(Buffer.from('version https://git-lfs.github.com/spec/v1'))).toBe(false);
    expect(wandb.mayBe('wandb-summary.json')).toBe(false);
  });

  it('give the same rows however the bytes come, also where a record is split over blocks', () => {
    for (const bytes of [jumps, long]) {
      for (const piece of [1, 7, 1000, 32 * 1024, 32 * 1024 + 1]) expect(read(bytes, piece)).toEqual(read(bytes));
      expect(read(bytes).problems).toEqual([]);
    }
    expect(read(long).rows.map(({ step }) => step)).toEqual([0, 1]);
  });

  it('go on behind a record whose checksum is wrong, and say where it is', () => {
    const wrong = Buffer.from(jumps);
    // In the value of loss of the second row.
    wrong[jumps.indexOf('0.125')]! ^= 1;
    const { rows, problems } = read(wrong);
    expect(rows.length).toBeGreaterThanOrEqual(read(jumps).rows.length - 1);
    expect(problems).toMatchObject([{ place: expect.stringMatching(/^byte \d+$/) as string, reason: expect.stringContaining('checksum') as string, severity: 'warning' }]);
  });

  it('keep a torn last record until its rest arrives', () => {
    const reader = wandb.createReader('run.wandb');
    const rows = [...reader.push(jumps.subarray(0, jumps.length - 200)), ...reader.flush()];
    expect(rows.length).toBeLessThan(read(jumps).rows.length);
    expect(reader.takeProblems()).toMatchObject([{ reason: 'the last record is not complete', severity: 'info' }]);
    rows.push(...reader.push(jumps.subarray(jumps.length - 200)));
    expect(rows).toEqual(read(jumps).rows);
  });

  it('of another version are refused with the reason', () => {
    const other = Buffer.from(jumps);
    other[6] = 9;
    expect(read(other)).toMatchObject({ rows: [], problems: [{ place: 'byte 0', severity: 'error' }] });
  });
});
