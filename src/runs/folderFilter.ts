import picomatch from 'picomatch';

const options = { dot: true, nocase: process.platform === 'win32' };

/** Which folders a scan looks into, by glob patterns relative to the searched folder (forward slashes). */
export class FolderFilter {
  private readonly isExcluded: (path: string) => boolean;
  private readonly isIncluded: ((path: string) => boolean) | null;
  private readonly includesRoot: boolean;
  /** The folders named by the patterns up to their first wildcard: only there can something be included. */
  private readonly bases: readonly string[];

  /** @param include none: everything */
  constructor(include: readonly string[], exclude: readonly string[]) {
    const excluded = tidy(exclude);
    const included = tidy(include);
    this.isExcluded = excluded.length === 0 ? () => false : picomatch(excluded, options);
    this.isIncluded = included.length === 0 ? null : picomatch(included.flatMap((pattern) => [pattern, `${pattern}/**`]), options);
    this.includesRoot = included.some((pattern) => pattern === '**' || pattern === '.');
    this.bases = included.map((pattern) => fold(picomatch.scan(pattern).base));
  }

  /** Whether a file or folder is left out. */
  excludes(path: string): boolean {
    return this.isExcluded(path) || this.isExcluded(`${path}/`);
  }

  /** Whether files of this folder ('' is the searched one) may make a run. */
  includes(folder: string): boolean {
    return this.isIncluded === null || (folder === '' ? this.includesRoot : this.isIncluded(folder));
  }

  /** Whether this folder, or one below it, may be included. */
  mayHoldIncluded(folder: string): boolean {
    const path = fold(folder);
    return this.isIncluded === null || this.bases.some((base) => base === '' || path === base || path.startsWith(`${base}/`) || base.startsWith(`${path}/`));
  }
}

function tidy(patterns: readonly string[]): string[] {
  return patterns.map((pattern) => pattern.trim().replace(/^\.\//, '').replace(/\/+$/, '')).filter((pattern) => pattern !== '');
}

function fold(path: string): string {
  return options.nocase ? path.toLowerCase() : path;
}
