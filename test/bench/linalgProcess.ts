// One process of `npm run bench -- linalg`: lines in, lines out. Matrices are made once and kept.
import { createInterface } from 'node:readline';
import { createEngine, type Matrix } from '../../src/linalg';
import { leadingEigenvectors } from '../../src/linalg/leadingEigenvectors';

interface Request {
  readonly operation: 'gram' | 'cholesky' | 'eigenvalues' | 'eigenvectors';
  readonly rows: number;
  readonly columns: number;
}

/** Leading eigenvectors that are asked for. */
const count = 64;
const engine = await createEngine('auto', { threads: 1 });
const made = new Map<string, { z: Matrix<Float64Array>; gram: Matrix<Float64Array>; shifted: Matrix<Float64Array> }>();

/** The same numbers as in the twin: rows x columns without structure, columns of falling size. */
async function matrices({ rows, columns }: Request) {
  const key = `${rows} ${columns}`;
  let known = made.get(key);
  if (!known) {
    const data = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const wave = Math.sin(12.9898 * (i + 1) + 78.233 * (j + 1)) * 43758.5453;
        data[i * columns + j] = (wave - Math.floor(wave) - 0.5) * (j + 1) ** -0.5;
      }
    }
    const z = { rows, columns, data };
    const gram = await engine.gram(z, 'columns');
    const shifted = { ...gram, data: gram.data.slice() };
    for (let i = 0; i < columns; i++) shifted.data[i * (columns + 1)] = (shifted.data[i * (columns + 1)] as number) + 1;
    made.set(key, (known = { z, gram, shifted }));
  }
  return known;
}

async function run(request: Request): Promise<{ seconds: number; cpu: number; value: number }> {
  const { z, gram, shifted } = await matrices(request);
  const before = process.cpuUsage();
  const start = performance.now();
  const value = await compute[request.operation](z, gram, shifted);
  const seconds = (performance.now() - start) / 1000;
  const used = process.cpuUsage(before);
  return { seconds, cpu: (used.user + used.system) / 1e6, value };
}

const compute = {
  gram: async (z: Matrix) => (await engine.gram(z, 'columns')).data.at(-1) as number,
  cholesky: (_: Matrix, __: Matrix, shifted: Matrix<Float64Array>) => engine.choleskyLogDeterminant(shifted),
  eigenvalues: async (_: Matrix, gram: Matrix<Float64Array>) => (await engine.symmetricEigenvalues(gram)).reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0),
  eigenvectors: async (_: Matrix, gram: Matrix<Float64Array>) => {
    const { values } = await leadingEigenvectors(engine, gram, count);
    return values[count - 1] as number;
  },
};

console.log(`${engine.name} ${engine.version}`);
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await run(JSON.parse(line) as Request)));
