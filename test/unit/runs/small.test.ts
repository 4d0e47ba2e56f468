import { appendFileSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFormatRegistry, memorySource, type ScalarRow } from '../../../src/formats';
import { fingerprint, runIdOf, ScalarCollector, StabilityGate } from '../../../src/runs';
import { maximumTags } from '../../../src/runs/scalars';
import { wholeUpTo } from '../../../src/runs/fingerprint';
import { fixture, safetensorsOf } from '../formats/build';

const row = (epoch: number | null, values: Record<string, number>, step: number | null = null): ScalarRow => ({ epoch, step, values: new Map(Object.entries(values)) });

describe('gathering scalars', () => {
  it('keeps every point in file order and answers with what is new', () => {
    const scalars = new ScalarCollector('log.txt');
    expect(scalars.append([row(0, { loss: 2, acc: 1 }), row(1, { loss: 1 })])).toEqual([
      { tag: 'loss', source: 'log.txt', epochs: [0, 1], steps: [null, null], values: [2, 1], nonFinite: 0 },
      { tag: 'acc', source: 'log.txt', epochs: [0], steps: [null], values: [1], nonFinite: 0 },
    ]);
    expect(scalars.append([row(2, { loss: 0.5 }, 9)])).toEqual([{ tag: 'loss', source: 'log.txt', epochs: [2], steps: [9], values: [0.5], nonFinite: 0 }]);
    expect(scalars.series()[0]).toEqual({ tag: 'loss', source: 'log.txt', epochs: [0, 1, 2], steps: [null, null, 9], values: [2, 1, 0.5], nonFinite: 0 });
    expect(scalars).toMatchObject({ epoch: 2, step: 9 });
  });

  it('counts NaN and infinities and passes them on as null', () => {
    const scalars = new ScalarCollector('log.txt');
    scalars.append([row(0, { loss: NaN }), row(1, { loss: 3 })]);
    const [fresh] = scalars.append([row(2, { loss: -Infinity })]);
    expect(fresh).toMatchObject({ values: [null], nonFinite: 1 });
    expect(scalars.series()[0]).toMatchObject({ values: [null, 3, null], nonFinite: 2 });
  });

  it('forgets everything when the log begins anew', () => {
    const scalars = new ScalarCollector('log.txt');
    scalars.append([row(5, { loss: 1 }, 3)]);
    scalars.clear();
    expect(scalars.series()).toEqual([]);
    expect(scalars).toMatchObject({ epoch: null, step: null });
  });

  it('gives copies, so that a receiver may keep them', () => {
    const scalars = new ScalarCollector('log.txt');
    scalars.append([row(0, { loss: 1 })]);
    const before = scalars.series();
    scalars.append([row(1, { loss: 2 })]);
    expect(before[0]?.values).toEqual([1]);
  });

  it('stops at a bound of tags and counts what it left out', () => {
    const scalars = new ScalarCollector('log.txt');
    scalars.append(Array.from({ length: maximumTags + 7 }, (_, i) => row(i, { [`tag${i}`]: 1 })));
    expect(scalars.series()).toHaveLength(maximumTags);
    expect(scalars.ignoredPoints).toBe(7);
  });
});

describe('the fingerprint of a file', () => {
  it('is that of its content, whatever its name and version', async () => {
    const bytes = fixture('probes/probe.safetensors');
    const first = await fingerprint(memorySource('a', bytes, '1'));
    expect(first).toMatch(/^sha1:[0-9a-f]{40}$/);
    expect(await fingerprint(memorySource('b', bytes, '2'))).toBe(first);
    const changed = Buffer.from(bytes);
    changed[changed.length - 1]! ^= 1;
    expect(await fingerprint(memorySource('a', changed))).not.toBe(first);
  });

  it('of a large file reads a part of it, the first and last bytes and the size among them', async () => {
    let read = 0;
    const sparse = (size: number, mark: number) => ({
      name: 'large',
      size,
      version: '',
      close: () => Promise.resolve(),
      read: (offset: number, length: number) => {
        read += length;
        const bytes = new Uint8Array(length);
        if (mark >= offset && mark < offset + length) bytes[mark - offset] = 1;
        return Promise.resolve(bytes);
      },
    });
    const size = 10 * 2 ** 30;
    const nothing = await fingerprint(sparse(size, -1));
    expect(nothing).toMatch(/^sha1-sampled:[0-9a-f]{40}$/);
    expect(read).toBeLessThanOrEqual(wholeUpTo);
    const marked = await Promise.all([sparse(size, 0), sparse(size, size - 1), sparse(size + 1, -1)].map(fingerprint));
    expect(new Set([nothing, ...marked]).size).toBe(4);
  });
});

describe('the id of a run', () => {
  it('is the same for the same folder, however it is written', () => {
    expect(runIdOf('/a/b')).toBe(runIdOf('/a/x/../b/'));
    expect(runIdOf('/a/b')).not.toBe(runIdOf('/a/c'));
  });
});

describe('deciding whether a file is complete', () => {
  let folder: string;
  let time: number;
  let gate: StabilityGate;
  const whole = safetensorsOf({ a: { shape: [4, 2], values: [1, 2, 3, 4, 5, 6, 7, 8] } });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'layerscope-stable-'));
    time = Date.now();
    gate = new StabilityGate(createFormatRegistry(), { now: () => time });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (name: string, bytes: Uint8Array | string) => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };

  it('a container that is whole is ready at once', async () => {
    expect(await gate.check(put('a.safetensors', whole))).toEqual({ state: 'ready', reason: '' });
    expect(await gate.check(put('a.npz', fixture('probes/views.npz')))).toEqual({ state: 'ready', reason: '' });
  });

  it.each([
    ['a.safetensors', whole, 'truncated or still being written'],
    ['a.npz', fixture('probes/views.npz'), 'End of central directory'],
  ])('half of %s waits until the rest arrives', async (name, bytes, reason) => {
    const path = put(name, bytes.subarray(0, bytes.length - 10));
    const first = await gate.check(path);
    expect(first.state).toBe('waiting');
    expect(first.reason).toContain(reason);
    time += 5000;
    expect((await gate.check(path)).state).toBe('waiting');
    appendFileSync(path, bytes.subarray(bytes.length - 10));
    expect(await gate.check(path)).toEqual({ state: 'ready', reason: '' });
  });

  it('a container that stays incomplete is handed over in the end, so that reading it says what is wrong', async () => {
    const path = put('a.safetensors', whole.subarray(0, 50));
    expect((await gate.check(path)).state).toBe('waiting');
    time += 31_000;
    expect((await gate.check(path)).state).toBe('ready');
  });

  it('an old incomplete container is handed over at once', async () => {
    const path = put('a.safetensors', whole.subarray(0, 50));
    utimesSync(path, 1000, 1000);
    expect((await gate.check(path)).state).toBe('ready');
  });

  it('a file that cannot say how long it should be is ready when it has rested', async () => {
    const path = put('notes.dat', 'abc');
    expect((await gate.check(path)).state).toBe('waiting');
    time += 1000;
    appendFileSync(path, 'def');
    expect((await gate.check(path)).state).toBe('waiting');
    time += 1000;
    expect((await gate.check(path)).state).toBe('waiting');
    time += 1000;
    expect((await gate.check(path)).state).toBe('ready');
  });

  it('a file that is not there is missing', async () => {
    expect(await gate.check(join(folder, 'none.npz'))).toEqual({ state: 'missing', reason: 'does not exist (any more)' });
  });
});
