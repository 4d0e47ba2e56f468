import path from 'node:path';
import { createEngine, type Engine, engineOrder, EngineUnavailable, type Matrix } from '../../src/linalg';
import { loadTensorFlow } from '../../src/worker/tensorFlowPackage';

// What each engine needs of one core: time of the processor, not of the clock, so that what else runs on the machine counts little.

const folders = [process.env['LAYERSCOPE_TENSORFLOW'], path.resolve('.engines/tensorflow')].filter((folder) => folder !== undefined);
const rounds = Number(process.argv[2] ?? 3);

/** Of a column. */
const width = 24;

const engines: Engine[] = [];
for (const name of engineOrder) {
  const begin = performance.now();
  try {
    const engine = await createEngine(name, { tensorFlow: { loadPackage: () => loadTensorFlow(folders) } });
    console.log(`${name} ${engine.version}: loaded in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    engines.push(engine);
  } catch (error) {
    if (!(error instanceof EngineUnavailable)) throw error;
    console.log(error.message);
  }
}

function random(rows: number, columns: number, precision: 'float32' | 'float64'): Matrix {
  const data = Float64Array.from({ length: rows * columns }, () => Math.random() - 0.5);
  return { rows, columns, data: precision === 'float64' ? data : Float32Array.from(data) };
}

/** Milliseconds of processor time the process has used so far. */
function used(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Prints the least that some tries of each engine needed, the engines in turn, and the speed when the number of operations is known. */
async function time(what: string, run: (engine: Engine) => Promise<unknown>, operations = 0): Promise<void> {
  const least = engines.map(() => Infinity);
  for (let round = 0; round < rounds; round++) {
    for (const [i, engine] of engines.entries()) {
      const end = performance.now() + 150;
      do {
        const begin = used();
        await run(engine);
        least[i] = Math.min(least[i] as number, used() - begin);
      } while (performance.now() < end);
    }
  }
  const cells = least.map((ms) => `${ms.toFixed(ms < 10 ? 2 : 0)} ms${operations > 0 ? ` ${(operations / ms / 1e6).toFixed(0).padStart(4)} GFLOPS` : ''}`);
  console.log(`${what.padEnd(36)}${cells.map((cell) => cell.padStart(width)).join('')}`);
}

console.log(`\n${''.padEnd(36)}${engines.map(({ name }) => name.padStart(width)).join('')}`);
for (const precision of ['float32', 'float64'] as const) {
  for (const size of [64, 768, 1536]) {
    const a = random(size, size, precision);
    await time(`product ${precision} ${size}`, (engine) => engine.gemm(a, a), 2 * size ** 3);
  }
  const [z, w] = [random(2048, 768, precision), random(768, 10, precision)];
  await time(`product ${precision} 2048 x 768 x 10`, (engine) => engine.gemm(z, w), 2 * 2048 * 768 * 10);
}
const z = random(4096, 768, 'float32');
await time("Z'Z in float64, 4096 x 768", (engine) => engine.gram(z, 'columns'), 4096 * 768 ** 2);
const points = random(1024, 256, 'float32');
await time('squared distances, 1024 x 256', (engine) => engine.squaredDistances(points, points));
for (const size of [256, 768, 1536]) {
  const covariance = await (engines[0] as Engine).gram(random(size, size + 10, 'float64'), 'rows');
  for (let i = 0; i < size; i++) covariance.data[i * size + i] = (covariance.data[i * size + i] as number) + 1;
  await time(`Cholesky log-determinant ${size}`, (engine) => engine.choleskyLogDeterminant(covariance));
  await time(`eigenvalues ${size}`, (engine) => engine.symmetricEigenvalues(covariance));
}
