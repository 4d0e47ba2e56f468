import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../../../src/formats';
import { memorySource } from '../../../src/formats/memorySource';
import { parseSurfaces } from '../../../src/formats/surfaceDocument';
import { readSurfaceFile, readSurfaces } from '../../../src/formats/surfaceFile';

const folder = join(import.meta.dirname, '../../fixtures/surfaces');
const source = (name: string, value: unknown) => memorySource(name, new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)));
const line = { x: [0, 1], y: [], loss: [2, 1] };

describe('a surface of the companion', () => {
  it('is read with its coordinates, seed, samples and lowest point', async () => {
    const path = join(folder, 'digits-epoch12.npz');
    const [surface, ...more] = await readSurfaceFile(path);
    expect(more).toEqual([]);
    expect(surface).toMatchObject({
      name: 'digits-epoch12', file: path, epoch: 12,
      setting: { images: 256, seed: 0, range: 1, directions: 'imported' },
      convex: [], flatness: null, trajectory: [],
    });
    expect(surface?.x).toHaveLength(21);
    expect(surface?.y[10]).toBe(0);
    // As NumPy reads it: loss[10, 10], the model itself, and the lowest at loss[9, 11].
    expect(surface?.loss[10 * 21 + 10]).toBeCloseTo(0.07081293314695358, 12);
    expect(surface?.minimum).toEqual({ x: 0.1, y: -0.1, loss: surface?.loss[9 * 21 + 11] });
  });

  it('that is cut off is refused with the file in the message', async () => {
    const bytes = readFileSync(join(folder, 'digits-epoch12.npz'));
    await expect(readSurfaces(memorySource('cut.npz', bytes.subarray(0, 3000)))).rejects.toThrow(/cut\.npz/);
  });

  it('is not any npz file', async () => {
    const path = join(import.meta.dirname, '../../fixtures/probes/types-compressed.npz');
    await expect(readSurfaceFile(path)).rejects.toThrow('is no loss surface: it has none of loss, train_loss, test_loss, losses, z');
  });
});

describe('surfaces as JSON', () => {
  it('are read with their trajectory and line', async () => {
    const [plane, along] = await readSurfaceFile(join(folder, 'digits-training.json'));
    expect(plane?.setting.directions).toBe('trajectory');
    expect(plane?.trajectory).toHaveLength(13);
    expect(plane?.trajectory[12]).toMatchObject({ file: 'checkpoints/epoch-12.pt', epoch: 12, x: 0, y: 0 });
    expect(along?.y).toEqual([]);
    expect(along?.loss).toHaveLength(41);
  });

  it('may be NaN as Python writes it, which is no value', async () => {
    const [surface] = await readSurfaces(source('nan.json', '[{"x": [0, 1], "y": [], "loss": [NaN, 1]}]'));
    expect(surface?.loss).toEqual([null, 1]);
    expect(surface?.minimum).toEqual({ x: 1, y: 0, loss: 1 });
    expect(surface?.name).toBe('nan.json');
  });

  it.each([
    ['text', 'hello', 'is neither an .npz, .h5 or .safetensors file nor JSON'],
    ['another object', { runs: [] }, 'there is no list "surfaces"'],
    ['no surface', { surfaces: [] }, 'its list "surfaces" is empty'],
    ['a number', [3], 'surface 1: is not an object'],
    ['too few losses', [line, { ...line, loss: [1] }], 'surface 2: "loss" has 1 values, but x and y name 2 points'],
    ['a text among losses', [{ ...line, loss: [1, 'a'] }], 'surface 1: "loss" holds "a"'],
    ['an axis that goes back', [{ ...line, x: [1, 1] }], 'surface 1: "x" does not ascend'],
    ['a single point', [{ ...line, x: [1], loss: [1] }], 'at least two are needed'],
    ['a convexity of other size', [{ ...line, convex: [true] }], '"convex" has not one value a point'],
  ])('of %s is refused with the reason', async (_, value, reason) => {
    const reading = readSurfaces(source('wrong.json', value));
    await expect(reading).rejects.toThrow(reason);
    await expect(reading).rejects.toThrow(FormatError);
  });

  it('keep the rest when an optional part is not what it should be', () => {
    const [surface] = parseSurfaces([{ ...line, flatness: { convexArea: 'wide', widthMean: 0.3 }, trajectory: [{ file: 'a.pt', x: 1 }, 7], warnings: ['few', 1] }], 'a.json');
    expect(surface).toMatchObject({ flatness: { convexArea: null, widthMean: 0.3 }, trajectory: [], warnings: ['few'] });
  });
});
