/** Whether a path that a file names, with forward slashes, leads to something below the file's own folder. */
export function staysInside(path: string): boolean {
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !/[\\:\0]/.test(part));
}
