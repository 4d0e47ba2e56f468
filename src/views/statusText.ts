import type { HealthState, MeasureProgress, RunSummary, WorkerStatus } from '../protocol';
import { worstHealth } from './runFacts';

export interface StatusFacts {
  readonly runs: readonly RunSummary[];
  readonly scanned: boolean;
  readonly chosen: RunSummary | null;
  readonly progress: MeasureProgress | null;
  readonly worker: WorkerStatus;
}

export interface StatusText {
  readonly text: string;
  /** For screen readers: the same without icons. */
  readonly label: string;
}

const healthIcon: Readonly<Record<HealthState, string>> = { unknown: 'layers', healthy: 'pass', watch: 'warning', act: 'error' };

/** The status-bar item in one icon and a few words: the worst state, and what is running or how many runs are watched. */
export function statusText({ runs, scanned, progress, worker }: StatusFacts): StatusText {
  if (worker.state === 'failed') return say('debug-disconnect', 'worker stopped');
  if (worker.state === 'restarting') return say('debug-restart', 'restarting');
  const icon = healthIcon[worstHealth(runs)];
  if (progress !== null) return say(icon, `measuring ${progress.done}/${progress.total}`);
  if (runs.length > 0) return say(icon, `${runs.length} ${runs.length === 1 ? 'run' : 'runs'}`);
  return say('layers', scanned ? 'no runs' : worker.state === 'stopped' ? 'idle' : 'looking for runs');
}

function say(icon: string, words: string): StatusText {
  return { text: `$(${icon}) Layerscope: ${words}`, label: `Layerscope: ${words}` };
}

/** Text from a file inside a label that understands `$(icon)`. */
export function escapeIcons(text: string): string {
  return text.replace(/\$\(/g, '\\$(');
}
