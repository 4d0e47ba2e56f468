import type { RunSummary } from '../../../src/protocol';

type Named = Pick<RunSummary, 'id' | 'name' | 'folder'>;

/** What runs are called in a list, by id: their names, with the folder around them where several have one name, as two opened folders may hold a run each. */
export function runNames(runs: readonly Named[]): ReadonlyMap<string, string> {
  const names = new Map(runs.map((run) => [run.id, run.name]));
  for (const around of [nearestFolder, wholeFolder]) {
    const repeated = repeatedOf([...names.values()]);
    for (const run of runs) if (repeated.has(names.get(run.id) ?? '')) names.set(run.id, `${run.name} \u00b7 ${around(run)}`);
  }
  return names;
}

function repeatedOf(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.filter((name, place) => names.indexOf(name) !== place));
}

function nearestFolder(run: Named): string {
  return wholeFolder(run).split(/[\\/]/).at(-1) ?? '';
}

/** The folder that the name starts from. */
function wholeFolder({ name, folder }: Named): string {
  const own = folder.replaceAll('\\', '/').endsWith(`/${name}`) ? name.length : (folder.split(/[\\/]/).at(-1)?.length ?? 0);
  return folder.slice(0, -own - 1);
}
