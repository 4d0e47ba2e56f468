import { shiftedRows } from '../../linalg/columnShift';
import { kernels } from '../../linalg/kernels';
import type { Matrix } from '../../linalg/matrix';
import type { MeasureContext } from '../contract';
import { RowBlock } from '../../linalg/rowBlock';
import type { PartRows } from '../partRows';
import { livingFeatures } from './livingFeatures';

/** Scatter of the living features of a part around their mean, Z = Zc + 1 m' being the scaled features. */
export interface CentredGram {
  /** `columns`: the Gram matrix is Zc'Zc (d x d), as there are d rows or more; `rows`: it is Zc Zc' (n x n). */
  readonly side: 'columns' | 'rows';
  /** Shared by all who ask for the part: not to be written over. */
  readonly gram: Matrix<Float64Array>;
  /** [d] m. */
  readonly mean: Float64Array;
  /** [n] Zc m; only on the side of the rows. */
  readonly alongMean: Float64Array | null;
  /** ||Zc||_F^2, the trace of the Gram matrix. */
  readonly centredSquares: number;
  /** ||Z||_F^2. */
  readonly squares: number;
}

const memo = new WeakMap<PartRows, CentredGram>();

/**
 * Features are centred before they are multiplied: subtracting n m m' from Z'Z instead would lose the digits that the mean takes up.
 * Going back, Zc'Zc + n m m' is a sum and loses none. Only for parts that have a spectrum.
 */
export async function centredGram(part: PartRows, { engine, checkpoint }: MeasureContext): Promise<CentredGram> {
  let known = memo.get(part);
  if (!known) {
    const { features, scale } = livingFeatures(part);
    const side = features.rows < features.columns ? 'rows' : 'columns';
    const shift = centring(features, scale, checkpoint);
    const mean = shift.first.map((value, j) => value + (shift.rest[j] as number));
    checkpoint();
    const gram = await engine.gram(features, side, { shift, checkpoint });
    let centredSquares = 0;
    for (let i = 0; i < gram.rows; i++) centredSquares += gram.data[i * (gram.rows + 1)] as number;
    const squares = centredSquares + features.rows * dot(mean, mean, 0);
    known = { side, gram, mean, alongMean: side === 'rows' ? timesVector(shiftedRows(features, shift), mean) : null, centredSquares, squares };
    memo.set(part, known);
  }
  return known;
}

/** Scales features and takes their mean away, in two steps. */
function centring(features: Matrix, scale: number, checkpoint: () => void) {
  const { rows, columns, data } = features;
  const { addRows, centre } = kernels();
  const block = new RowBlock(features, [columns, columns]);
  const [first, rest] = block.vectors as [Float64Array, Float64Array];
  // Around the first row instead of zero a large mean takes up no digits, and a constant feature leaves nothing at all.
  for (let j = 0; j < columns; j++) first[j] = (data[j] as number) * scale;
  rest.fill(0);
  block.visit((_, count) => {
    checkpoint();
    centre(block.address, count, columns, first.byteOffset, scale);
    addRows(rest.byteOffset, block.address, count, columns, 1);
  });
  for (let j = 0; j < columns; j++) rest[j] = (rest[j] as number) / rows;
  return { scale, first: first.slice(), rest: rest.slice(), factor: null };
}

function timesVector({ rows, columns, data }: Matrix<Float64Array>, vector: Float64Array): Float64Array {
  return Float64Array.from({ length: rows }, (_, i) => dot(data, vector, i * columns));
}

/** Of `vector` and as many numbers of `data` from `start` on. */
function dot(data: Float64Array, vector: Float64Array, start: number): number {
  let sum = 0;
  for (let j = 0; j < vector.length; j++) sum += (data[start + j] as number) * (vector[j] as number);
  return sum;
}
