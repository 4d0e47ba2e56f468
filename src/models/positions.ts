/**
 * The fixed 2-D sine-cosine positions of MAE (He et al. 2022) and MoCo v3: half of the width for the column, half for the row, each first sines, then
 * cosines of place / 10000^(i / quarter); zeros for tokens before the patches.
 * @returns [prefix + rows x columns, width]
 * @throws {RangeError} when the width is no multiple of 4
 */
export function sineCosinePositions(width: number, [rows, columns]: readonly [number, number], prefix: number): Float32Array {
  if (width % 4 !== 0) throw new RangeError(`Sine-cosine positions need a width that is a multiple of 4, not ${width}.`);
  const quarter = width / 4;
  const table = new Float32Array((prefix + rows * columns) * width);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const start = (prefix + row * columns + column) * width;
      for (let i = 0; i < quarter; i++) {
        const frequency = 1 / 10000 ** (i / quarter);
        table[start + i] = Math.sin(column * frequency);
        table[start + quarter + i] = Math.cos(column * frequency);
        table[start + 2 * quarter + i] = Math.sin(row * frequency);
        table[start + 3 * quarter + i] = Math.cos(row * frequency);
      }
    }
  }
  return table;
}
