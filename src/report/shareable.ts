import type { FileProblem, RunDetail } from '../protocol';

/**
 * Runs as they may be shown to others: without the folders of the machine that they lie on, and each with a name of its own.
 * Paths inside a run stay, as they say which file is meant; of files elsewhere the name alone does.
 */
export function shareableRuns(details: readonly RunDetail[]): readonly RunDetail[] {
  const names = distinctNames(details.map(({ run }) => run));
  return details.map((detail, place) => {
    const { run } = detail;
    const id = String(place + 1);
    const name = names[place] ?? run.name;
    const hide = (text: string): string => withoutFolders(text, run.folder);
    const problems = run.problems.map(({ file, place: where, reason, severity }): FileProblem => ({ file: isAbsolute(file) ? hideFile(file, run.folder) : file, place: hide(where), reason: hide(reason), severity }));
    return {
      ...detail,
      run: {
        ...run, id, name, folder: '', modified: 0, problems,
        files: run.files.map((file) => ({ ...file, modified: 0 })),
        ...(run.note === undefined ? {} : { note: hide(run.note) }),
      },
    };
  });
}

/** The names of runs, with as many of the folders around as it takes to tell those of one name apart. */
export function distinctNames(runs: readonly { readonly name: string; readonly folder: string }[]): readonly string[] {
  const parts = runs.map(({ folder }) => folder.split(/[\\/]/).filter((part) => part !== ''));
  const longest = Math.max(0, ...parts.map(({ length }) => length));
  let names = runs.map(({ name }) => name);
  for (let depth = 2; depth <= longest; depth += 1) {
    const before = names;
    const isShared = (name: string): boolean => before.filter((other) => other === name).length > 1;
    names = before.map((name, place) => (isShared(name) ? (parts[place] ?? []).slice(-depth).join('/') : name));
  }
  return names.map((name, place) => (names.indexOf(name) === place ? name : `${name} (${String(place + 1)})`));
}

/** Where files of people and of data sets lie. A name of a graph's node may begin with a slash, too, and is to stay. */
const usualRoots = ['home', 'root', 'Users', 'Volumes', 'mnt', 'media', 'data', 'datasets', 'scratch', 'gpfs', 'lustre', 'nfs', 'tmp', 'var', 'opt', 'srv', 'usr', 'etc', 'workspace', 'workspaces', 'private', 'content', 'kaggle'];

/** A text with every absolute path in it cut to what lies inside the run, or to the last name. */
export function withoutFolders(text: string, folder: string): string {
  const roots = new Set(usualRoots);
  const own = /^\/([^/]+)/.exec(folder)?.[1];
  if (own !== undefined) roots.add(own);
  const posix = new RegExp(`(?<![\\w.\\-/\\\\])(?:file://)?/(?:${[...roots].map(escapeRegExp).join('|')})(?:/[^\\s/'"\`<>|:;,()]+)+/?`, 'g');
  const inside = folder === '' ? text : text.replaceAll(`${folder}/`, '').replaceAll(`${folder}\\`, '').replaceAll(folder, 'the run');
  return inside.replace(/(?<![\w])(?:[A-Za-z]:[\\/]|\\\\)[^\s'"`<>|;,()]+/g, lastName).replace(posix, lastName);
}

function hideFile(file: string, folder: string): string {
  const isInside = file.startsWith(`${folder}/`) || file.startsWith(`${folder}\\`);
  return isInside ? file.slice(folder.length + 1).replaceAll('\\', '/') : lastName(file);
}

function isAbsolute(file: string): boolean {
  return /^(?:\/|\\\\|[A-Za-z]:[\\/])/.test(file);
}

function lastName(file: string): string {
  return file.split(/[\\/]/).filter((part) => part !== '').at(-1) ?? '';
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
