import type { FolderProblem, WatchedFolder, WorkerEvents } from '../protocol';

/** Tells of watched folders that cannot be searched: each scan finds them again, a change alone is news. */
export class FolderNews {
  /** Null before the first scan: what an earlier process told may be over. */
  private told: readonly FolderProblem[] | null = null;

  constructor(private readonly events: Pick<WorkerEvents, 'foldersChanged' | 'log'>) {}

  /** What the last scan found. */
  take(problems: readonly FolderProblem[], watched: readonly WatchedFolder[]): void {
    const before = this.told ?? [];
    if (this.told !== null && JSON.stringify(before) === JSON.stringify(problems)) return;
    this.told = problems;
    for (const { folder, reason } of problems) {
      if (!before.some((each) => each.folder === folder && each.reason === reason)) this.events.log('warn', `${folder}: ${reason}; no runs are found in it until that changes`);
    }
    for (const { folder } of before) {
      const isOver = !problems.some((each) => each.folder === folder) && watched.some(({ path }) => path === folder);
      if (isOver) this.events.log('info', `${folder}: can be searched again`);
    }
    this.events.foldersChanged(problems);
  }
}
