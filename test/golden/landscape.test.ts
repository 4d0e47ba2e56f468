import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { createFormatRegistry, openTensors, type TensorFile } from '../../src/formats';
import { innerProduct, isMoving, normaliseFilters, orthogonalise, Perturbation } from '../../src/landscape';
import { buildGraph, describeModel, ModelSession, readWeights, type ModelGraph, type Weights } from '../../src/models';
import { readSurfaces } from '../../src/worker/landscape';
import { images, noise } from '../unit/models/fixtures';

/** The companion's surface of a small masked autoencoder (test/fixtures/make_landscape.py), and ours in the same directions. */
const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), '../fixtures/landscape');
const open = async (name: string): Promise<TensorFile> => (await openTensors(path.join(folder, name), createFormatRegistry())).file;

describe('A loss surface beside the companion\'s', () => {
  let graph: ModelGraph;
  let weights: Weights;
  let [first, second] = [new Map<string, Float32Array>(), new Map<string, Float32Array>()];

  beforeAll(async () => {
    const file = await open('mae-step60.pt');
    const model = describeModel(file.tensors, { heads: 2, decoderHeads: 2 });
    graph = buildGraph(model, { loss: { kind: 'reconstruction', normalisePixels: true }, weights: 'inputs' });
    weights = await readWeights(file, model.parameters, graph.weights);
    const directions = await open('directions.safetensors');
    const direction = async (prefix: string) =>
      new Map(await Promise.all(directions.tensors.filter(({ name }) => name.startsWith(prefix)).map(async ({ name }) => [name.slice(prefix.length), (await directions.read(name)).data as Float32Array] as const)));
    [first, second] = [await direction('delta/'), await direction('eta/')];
  });

  it('has the same losses within 1e-4 at every point of the same directions', async () => {
    const expected = (await readSurfaces(path.join(folder, 'companion.npz')))[0]!;
    const session = await ModelSession.create(graph);
    const perturbed = new Perturbation(weights, first, second);
    const batch = { ...images(1, 8), noise: noise(16) };
    for (const [row, b] of expected.y.entries()) {
      for (const [column, a] of expected.x.entries()) {
        const { data } = (await session.run(batch, perturbed.at(a, b))).get('loss')!;
        const loss = data.reduce((sum, value) => sum + value, 0) / data.length;
        expect(Math.abs(loss / expected.loss[row * expected.x.length + column]! - 1), `at ${a}, ${b}`).toBeLessThan(1e-4);
      }
    }
    await session.close();
  });

  it('moves the same parameters', () => {
    expect([...graph.weights].filter(([name, shape]) => isMoving(name, shape)).map(([name]) => name).sort()).toEqual([...first.keys()].sort());
  });

  it('scales filters as the companion does: its first direction is left as it is', () => {
    for (const [name, values] of first) {
      const scaled = normaliseFilters(values.slice(), weights.get(name)!, graph.weights.get(name)!);
      scaled.forEach((value, i) => expect(Math.abs(value - values[i]!)).toBeLessThan(1e-6));
    }
  });

  it('makes the second direction orthogonal as the companion does: its own is left as it is', () => {
    const again = new Map([...second].map(([name, values]) => [name, values.slice()]));
    orthogonalise(first, again);
    for (const [name, values] of second) again.get(name)!.forEach((value, i) => expect(Math.abs(value - values[i]!)).toBeLessThan(1e-6));
    expect(Math.abs(innerProduct(first, second) / innerProduct(first, first))).toBeLessThan(1e-6);
  });
});
