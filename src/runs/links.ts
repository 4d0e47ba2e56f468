import { realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';

/**
 * Which symbolic links a scan follows: those that lead out of the searched folder (checkpoints on a scratch disk).
 * What lies inside it is found in its own place, so that "latest.pt" is not a second checkpoint and no loop is walked.
 */
export class LinkRules {
  /** @param realRoot real path of the searched folder */
  constructor(private readonly realRoot: string) {}

  /** Real path of the folder that a link leads to; null when it is not to be followed. */
  async folderToFollow(link: string, realParent: string): Promise<string | null> {
    const real = await this.target(link);
    if (real === null || isInside(this.realRoot, real) || isInside(realParent, real)) {
      return null;
    }
    return (await stat(real)).isDirectory() ? real : null;
  }

  async isFileToRead(link: string): Promise<boolean> {
    const real = await this.target(link);
    return real !== null && (await stat(real)).isFile();
  }

  /** Null for a link into the searched folder, to nothing, or to itself. */
  private async target(link: string): Promise<string | null> {
    try {
      const real = await realpath(link);
      return isInside(real, this.realRoot) ? null : real;
    } catch {
      return null;
    }
  }
}

/** Whether `path` is `folder` or lies in it. */
function isInside(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
