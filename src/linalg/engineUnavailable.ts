import type { Engine } from './engine';

/** An engine that cannot be used on this machine, and why, in words fit for a person. */
export class EngineUnavailable extends Error {
  override readonly name = 'EngineUnavailable';

  constructor(
    /** Its name, or `auto` when none can be used. */
    readonly engine: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`${engine === 'auto' ? 'No engine' : `The ${engine} engine`} can${engine === 'auto' ? '' : 'not'} be used: ${reason}.`, options);
  }
}

/** The first line of what was thrown, without its full stop. */
export function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return (message.trim().split('\n', 1)[0] ?? '').trim().replace(/\.$/, '');
}

/** @throws when the engine does not compute. */
export async function requireProducts(engine: Pick<Engine, 'gemm'>): Promise<void> {
  const two = { rows: 1, columns: 1, data: Float64Array.of(2) };
  const product = await engine.gemm(two, two);
  if (product.data[0] !== 4) throw new Error(`its product of 2 and 2 is ${product.data[0]}`);
}
