/** An engine that cannot be used on this machine, and why, in words fit for a person. */
export class EngineUnavailable extends Error {
  override readonly name = 'EngineUnavailable';

  constructor(
    readonly engine: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`The ${engine} engine cannot be used: ${reason}.`, options);
  }
}
