import { kernelsBinary } from './kernelsBinary';

/** What src/linalg/kernels exports. Vectors and matrices are byte offsets into the memory; sizes are in numbers. */
interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  chaseBulges(band: number, size: number, bandwidth: number, from: number, to: number, work: number, log: number): number;
  unwindChase(vectors: number, count: number, size: number, bandwidth: number, from: number, to: number, log: number): number;
  choleskyFactor(a: number, size: number, inverses: number): number;
  invertLowerTriangle(a: number, size: number, inverses: number, inverse: number): void;
  factorizePanel(panel: number, rows: number, columns: number, r: number, t: number): void;
  rankUpdateFactor(v: number, p: number, t: number, rows: number, columns: number, y: number, lying: number, work: number): void;
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
/** Addresses below are left free, so that no block lies at zero. */
const firstAddress = 64;

let loaded: KernelExports | undefined;

/** The kernels of this thread, compiled on first use. Every Node from 16.4 on has WebAssembly with SIMD. */
export function kernels(): KernelExports {
  loaded ??= new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(kernelsBinary, 'base64'))).exports as KernelExports;
  return loaded;
}

/**
 * Room for vectors of these lengths in the kernels' memory, at addresses that are multiples of 64. What is in them is undefined. They are the caller's until
 * the next call, by whomever: nothing may be kept in them while other work can run.
 */
export function layOut<Lengths extends readonly number[]>(...lengths: Lengths): { [Index in keyof Lengths]: Float64Array } {
  const { memory } = kernels();
  let end = firstAddress;
  const starts = lengths.map((length) => {
    const start = end;
    end += Math.ceil(length / 8) * 64;
    return start;
  });
  const missing = Math.ceil((end - memory.buffer.byteLength) / pageBytes);
  if (missing > 0) memory.grow(missing);
  return starts.map((start, i) => new Float64Array(memory.buffer, start, lengths[i])) as { [Index in keyof Lengths]: Float64Array };
}
