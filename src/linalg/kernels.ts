import { kernelsBinary } from './kernelsBinary';

/** What src/linalg/kernels exports. Vectors and matrices are byte offsets into the memory; sizes are in numbers. */
export interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  chaseBulges(band: number, size: number, bandwidth: number, from: number, to: number, work: number, log: number): number;
  unwindChase(vectors: number, count: number, size: number, bandwidth: number, from: number, to: number, log: number): number;
  choleskyFactor(a: number, size: number, inverses: number): number;
  invertLowerTriangle(a: number, size: number, inverses: number, inverse: number): void;
  makePair(s: number, y: number, direction: number, step: number, gradient: number, before: number, size: number, products: number): void;
  lbfgsDirection(
    s: number, y: number, rho: number, alphas: number, room: number, latest: number, count: number, gamma: number, q: number, size: number,
  ): void;
  factorizePanel(panel: number, distance: number, rows: number, columns: number, r: number, t: number): void;
  rankUpdateFactor(v: number, distance: number, p: number, t: number, rows: number, columns: number, y: number, work: number): void;
  subtractLower(a: number, size: number, finished: number, product: number, from: number, to: number): void;
  scale(x: number, factor: number, length: number): void;
  sumSquares(x: number, length: number): number;
  sumSquaresNarrow(x: number, length: number): number;
  transposeTo(from: number, stride: number, to: number, strideTo: number, rows: number, columns: number): void;
  transposeNarrow(from: number, stride: number, to: number, strideTo: number, rows: number, columns: number): void;
  beginTridiagonal(diagonal: number, offDiagonal: number, size: number): void;
  continueTridiagonal(budget: number): number;
  widen(x: number, y: number, length: number): void;
  addRows(sum: number, rows: number, count: number, columns: number, factor: number): void;
  addNarrowRows(sum: number, rows: number, count: number, columns: number, factor: number): void;
  addNarrowSquares(sum: number, rows: number, count: number, columns: number): void;
  shiftedGram(rows: number, count: number, columns: number, factor: number, gram: number): void;
  markVarying(varies: number, first: number, rows: number, count: number, columns: number): void;
  largestAround(rows: number, count: number, columns: number, centre: number): number;
  centre(rows: number, count: number, columns: number, centre: number, scale: number): void;
  narrowAround(rows: number, count: number, columns: number, centre: number, scale: number, narrow: number, squares: number): void;
  roundAround(rows: number, count: number, columns: number, centre: number, scale: number, rounder: number, squares: number): void;
  roundToWhole(rows: number, count: number, columns: number, factors: number): void;
  scaleColumns(rows: number, count: number, columns: number, factors: number): void;
  normalize(rows: number, count: number, columns: number, squares: number): void;
  weightedScatter(rows: number, count: number, columns: number, centre: number, weights: number): number;
  scatter(rows: number, count: number, columns: number, mean: number): number;
  addAround(rows: number, count: number, columns: number, centre: number, sums: number, squares: number): void;
  largestSizes(rows: number, count: number, columns: number, sizes: number): void;
  addActive(rows: number, count: number, columns: number, sums: number): number;
  addNarrowActive(rows: number, count: number, columns: number, sums: number): number;
  takeMeans(sums: number, columns: number, views: number, sample: number, total: number, largest: number, whose: number): number;
  timesVector(rows: number, count: number, columns: number, vector: number, products: number): void;
  subtractRankTwo(rows: number, first: number, count: number, columns: number, v: number, w: number): void;
  smallestTwo(values: number, choices: number, count: number, offsets: number, factors: number, best: number, second: number, nearest: number): void;
}

/** The part of the WebAssembly interface that is used; its types come with browsers' only. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

const pageBytes = 65536;
/** Of an idle space. */
const keptBytes = 32 * 2 ** 20;
/** Addresses below are left free, so that no block lies at zero. */
const firstAddress = 64;

type Vectors<Lengths extends readonly number[]> = { [Index in keyof Lengths]: Float64Array };

let compiled: object | undefined;

/** Kernels and the memory that they work in. */
export class KernelSpace {
  /** Every Node from 16.4 on has WebAssembly with SIMD. */
  readonly kernels = new WebAssembly.Instance((compiled ??= new WebAssembly.Module(Buffer.from(kernelsBinary, 'base64')))).exports as KernelExports;

  get bytes(): number {
    return this.kernels.memory.buffer.byteLength;
  }

  /** Room for vectors of these lengths at addresses that are multiples of 64. What is in them is undefined. They are the caller's until the next call. */
  layOut<Lengths extends readonly number[]>(...lengths: Lengths): Vectors<Lengths> {
    const { memory } = this.kernels;
    let end = firstAddress;
    const starts = lengths.map((length) => {
      const start = end;
      end += Math.ceil(length / 8) * 64;
      return start;
    });
    const missing = Math.ceil((end - memory.buffer.byteLength) / pageBytes);
    if (missing > 0) memory.grow(missing);
    return starts.map((start, i) => new Float64Array(memory.buffer, start, lengths[i])) as Vectors<Lengths>;
  }
}

let shared: KernelSpace | undefined;
const idle: KernelSpace[] = [];

/** The space that all work of this thread shares. */
export function sharedSpace(): KernelSpace {
  shared ??= new KernelSpace();
  return shared;
}

/** The kernels of the shared space. */
export function kernels(): KernelExports {
  return sharedSpace().kernels;
}

/** Room in the memory of the shared kernels: the caller's until the next call, by whomever, so nothing may be kept in it while other work can run. */
export function layOut<Lengths extends readonly number[]>(...lengths: Lengths): Vectors<Lengths> {
  return sharedSpace().layOut(...lengths);
}

/** A space that is nobody else's until `work` has ended: numbers may stay in it, and be operands of an engine, while other work runs. */
export async function withOwnSpace<Value>(work: (space: KernelSpace) => Promise<Value>): Promise<Value> {
  const space = idle.pop() ?? new KernelSpace();
  try {
    return await work(space);
  } finally {
    // Memory of WebAssembly never shrinks: a large one is left to the garbage collector.
    if (idle.length === 0 && space.bytes <= keptBytes) idle.push(space);
  }
}
