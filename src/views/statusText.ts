import type { HealthState, MeasureProgress, RunSummary, WorkerStatus } from '../protocol';
import { type HostFolder, plural, worstHealth } from './runFacts';

export interface StatusFacts {
  readonly runs: readonly RunSummary[];
  readonly scanned: boolean;
  readonly progress: MeasureProgress | null;
  readonly worker: WorkerStatus;
  readonly folders: readonly HostFolder[];
}

export interface StatusText {
  readonly text: string;
  /** For screen readers: the same without icons. */
  readonly label: string;
}

const healthIcon: Readonly<Record<HealthState, string>> = { unknown: 'layers', healthy: 'pass', watch: 'warning', act: 'error' };

/** The status-bar item in one icon and a few words: the worst state, and what is running or what is watched and was found. */
export function statusText({ runs, scanned, progress, worker, folders }: StatusFacts): StatusText {
  if (worker.state === 'failed') return say('debug-disconnect', 'worker stopped');
  if (worker.state === 'restarting') return say('debug-restart', 'restarting');
  const icon = healthIcon[worstHealth(runs)];
  if (progress !== null) return say(icon, `measuring ${progress.done}/${progress.total}`);
  const findings = runs.reduce((sum, run) => sum + run.findings.length, 0);
  if (findings > 0) return say(icon, `${plural(runs.length, 'run')}, ${plural(findings, 'finding')}`);
  if (runs.length > 0) return say(icon, plural(runs.length, 'run'));
  const unsearched = folders.filter((folder) => folder.problem !== undefined).length;
  if (unsearched > 0) return say('warning', `${plural(unsearched, 'folder')} cannot be searched`);
  return say('layers', scanned ? 'no runs' : worker.state === 'stopped' ? 'idle' : 'looking for runs');
}

function say(icon: string, words: string): StatusText {
  return { text: `$(${icon}) Layerscope: ${words}`, label: `Layerscope: ${words}` };
}

/** Text from a file inside a label that understands `$(icon)`. */
export function escapeIcons(text: string): string {
  return text.replace(/\$\(/g, '\\$(');
}
