/**
 * Text that a notification shows as it is. VS Code makes links of `[text](command:…)` there, which run commands; names and settings may come with a folder
 * that nobody has read.
 */
export function withoutLinks(text: string): string {
  return text.replaceAll('](', '] (');
}
