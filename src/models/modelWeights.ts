import type { TensorFile } from '../formats';
import { ModelMismatch, type Architecture, type ModelParameter } from './architecture';
import { modelStates } from './modelState';
import { teacherPrefix } from './describeModel';
import { sameShape } from './parameters';
import type { Weights } from './modelSession';

/**
 * Where the tensors of a known model are in another checkpoint of the same run.
 * @returns the parameters with the names the tensors have there
 * @throws {ModelMismatch} when some are missing or of another shape
 */
export function findParameters(model: Architecture, file: Pick<TensorFile, 'tensors'>): ModelParameter[] {
  const states = modelStates(file.tensors);
  const missing: string[] = [];
  const wrongShape: string[] = [];
  const found: ModelParameter[] = [];
  for (const { name, shape } of model.parameters) {
    const isTeachers = name.startsWith(teacherPrefix);
    const state = states.find(({ role }) => role === (isTeachers ? 'teacher' : model.role));
    const tensor = state?.shapes.get(isTeachers ? name.slice(teacherPrefix.length) : name);
    if (tensor === undefined) missing.push(name);
    else if (!sameShape(tensor.shape, shape)) wrongShape.push(`${name}: [${tensor.shape.join(', ')}] where [${shape.join(', ')}] is needed`);
    else found.push({ name, shape, tensor: tensor.tensor });
  }
  if (missing.length + wrongShape.length > 0) throw new ModelMismatch(model.label, missing, [], wrongShape);
  return found;
}

/**
 * Reads the tensors that a graph needs from a checkpoint.
 * @param parameters of a description of this very checkpoint, or found in it by `findParameters`
 * @param needed names in the graph; others are not read
 */
export async function readWeights(
  file: TensorFile, parameters: readonly ModelParameter[], needed: { has(name: string): boolean }, options: { readonly checkpoint?: () => void } = {},
): Promise<Weights> {
  const weights = new Map<string, Float32Array>();
  for (const { name, tensor, shape, transposed } of parameters) {
    if (!needed.has(name)) continue;
    options.checkpoint?.();
    const values = float32Of((await file.read(tensor)).data);
    weights.set(name, transposed ? transposedTo(values, shape[0]!, shape[1]!) : values);
  }
  return weights;
}

/** The values in float32; a copy unless they are that already. */
export function float32Of(data: { readonly length: number; readonly [index: number]: number | bigint }): Float32Array {
  if (data instanceof Float32Array) return data;
  return data instanceof BigInt64Array || data instanceof BigUint64Array ? Float32Array.from(data, Number) : Float32Array.from(data as ArrayLike<number>);
}

/** [columns, rows] -> [rows, columns] */
function transposedTo(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) result[row * columns + column] = values[column * rows + row]!;
  }
  return result;
}
