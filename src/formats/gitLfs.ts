/** https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: a pointer is a text of less than 1024 bytes that begins with its version. */
const signature = 'version https://git-lfs.github.com/spec/';
const largestPointer = 1024;

/** Why a file cannot be used when it is a Git LFS pointer instead of the content; null when it is not one. */
export function explainGitLfsPointer(head: Uint8Array): string | null {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.byteLength, largestPointer)).toString('latin1');
  if (!text.startsWith(signature)) {
    return null;
  }
  const size = /^size (\d+)\s*$/m.exec(text)?.[1];
  return `is a Git LFS pointer, not the file itself${size === undefined ? '' : ` (${size} bytes)`}: run "git lfs pull" to fetch it`;
}
