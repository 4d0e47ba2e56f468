/**
 * Turns `x` of `length` numbers at `offset`, one every `stride`, into a reflector H = I - tau v v' with H x = (beta, 0, ...)' and v_0 = 1.
 * On return x_0 holds beta and the rest of x the rest of v. Answers with tau; 0 when nothing needs to be reflected.
 */
export function makeReflector(x: Float64Array, offset: number, length: number, stride = 1): number {
  let tail = 0;
  for (let i = 1; i < length; i++) {
    const value = x[offset + i * stride] as number;
    tail += value * value;
  }
  if (tail === 0) return 0;
  const alpha = x[offset] as number;
  const norm = Math.sqrt(alpha * alpha + tail);
  const beta = alpha > 0 ? -norm : norm;
  const scale = 1 / (alpha - beta);
  for (let i = 1; i < length; i++) x[offset + i * stride] = (x[offset + i * stride] as number) * scale;
  x[offset] = beta;
  return (beta - alpha) / beta;
}
