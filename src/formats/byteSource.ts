/**
 * The one way formats read bytes: ranged, asynchronous, and tied to one version of the content.
 * A reader never learns whether it is a local file, memory or something remote.
 */
export interface ByteSource {
  /** For messages: the path as the person knows it. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Changes whenever the content may have changed; two sources of equal name and version hold the same bytes. */
  readonly version: string;
  /**
   * Reads exactly `length` bytes at `offset`.
   * @throws {FormatError} when the range is outside the source or the content changed since it was opened.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** What is wrong with a file: `file`, `place` ("byte 8", "line 12", "tensor block3") and `reason`, also joined in the message. */
export class FormatError extends Error {
  constructor(
    readonly file: string,
    readonly place: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(place === '' ? `${file}: ${reason}` : `${file}, ${place}: ${reason}`, options);
    this.name = 'FormatError';
  }
}
