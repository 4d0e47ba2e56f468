import type { Classification } from './classify';

/** What identifies the content of a file without reading it. */
export interface FileStamp {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

interface Entry {
  readonly stamp: FileStamp;
  readonly classification: Classification | null;
  scan: number;
}

/** Remembers between scans what each file was found to be, so that an unchanged file is not opened again. */
export class DiscoveryCache {
  private readonly entries = new Map<string, Entry>();
  private scan = 0;

  get size(): number {
    return this.entries.size;
  }

  /** Begins a scan; entries that it does not touch can be removed by `endScan`. */
  beginScan(): void {
    this.scan++;
  }

  /** @returns undefined when the file has to be looked at */
  get(path: string, stamp: FileStamp): Classification | null | undefined {
    const entry = this.entries.get(path);
    if (entry === undefined || !isSame(entry, stamp)) {
      return undefined;
    }
    entry.scan = this.scan;
    return entry.classification;
  }

  set(path: string, stamp: FileStamp, classification: Classification | null): void {
    this.entries.set(path, { stamp, classification, scan: this.scan });
  }

  /** Forgets files under `folder` that the scan did not meet. */
  endScan(folder: string): void {
    for (const [path, entry] of this.entries) {
      if (entry.scan !== this.scan && path.startsWith(folder)) {
        this.entries.delete(path);
      }
    }
  }
}

function isSame({ stamp: before, classification }: Entry, now: FileStamp): boolean {
  if (before.ino !== now.ino) {
    return false;
  }
  // A log that grew is still a log.
  const isGrownLog = classification?.kind === 'log' && classification.problem === null && now.size >= before.size;
  return isGrownLog || (before.size === now.size && before.mtimeMs === now.mtimeMs);
}
