/** Values of a model's tensors, row-major, by name. */
export type ParameterValues = ReadonlyMap<string, Float32Array>;
export type ParameterShapes = ReadonlyMap<string, readonly number[]>;

/** What is added to a model's tensors; a tensor that is not named stays as it is. */
export type Direction = ReadonlyMap<string, Float32Array>;

/** Values between two looks whether the work was cancelled: some milliseconds of work. */
export const sliceLength = 1 << 16;

/** Last parts of the names of parameters that are no filters, whatever their shape: tables of positions, and tokens. */
export const tables: ReadonlySet<string> = new Set([
  'pos_embed', 'decoder_pos_embed', 'pos_embedding', 'position_embeddings', 'decoder_position_embeddings',
  'cls_token', 'class_token', 'dist_token', 'mask_token', 'reg_token', 'register_tokens',
]);

/** Whether a parameter moves along a random direction: it has two axes or more and is no table. */
export function isMoving(name: string, shape: readonly number[]): boolean {
  return shape.length >= 2 && !tables.has(name.slice(name.lastIndexOf('.') + 1));
}
