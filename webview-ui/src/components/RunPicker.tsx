import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { RunSummary } from '../../../src/protocol';
import { formatAt } from '../format';
import { runNames } from '../select/runNames';
import { Icon } from './Icon';
import { useNow } from './hooks';

const liveWithin = 120_000;

/** Which run, how it is, how far it is, and whether it still writes. */
export function RunPicker(props: {
  readonly runs: readonly RunSummary[];
  readonly runId: string | null;
  readonly onChoose: (runId: string) => void;
}): JSX.Element {
  const { runs, runId, onChoose } = props;
  const now = useNow();
  const names = useMemo(() => runNames(runs), [runs]);
  const run = runs.find((one) => one.id === runId);
  const health = run?.health ?? 'unknown';
  return (
    <header class="run">
      <div class="run-row">
        <Icon name={health} class="run-health" />
        <select class="select run-select" aria-label="Run" value={run?.id ?? ''} onChange={(event) => onChoose(event.currentTarget.value)}>
          {!run && <option value="">Choose a run</option>}
          {runs.map((one) => (
            <option key={one.id} value={one.id}>
              {one.id === run?.id || one.health === 'unknown' || one.health === 'healthy' ? names.get(one.id) : `${names.get(one.id)} \u00b7 ${one.health}`}
            </option>
          ))}
        </select>
      </div>
      {run && (
        <p class="run-facts">
          <span class={`health-word health-${health}`}>{run.health === 'unknown' ? unknownWord(run) : run.health}</span>
          {howFar(run)}
          {now - run.modified < liveWithin && <span class="live">live</span>}
        </p>
      )}
    </header>
  );
}

/** Weights alone say nothing of health, and neither do few layers or checkpoints. */
function unknownWord({ files }: RunSummary): string {
  if (!files.some((file) => file.state === 'measured')) return 'not measured';
  return files.some((file) => file.kind === 'probe') ? 'not judged yet' : 'weights only';
}

function howFar(run: RunSummary): string {
  if (run.epoch !== null) return `epoch ${formatAt(run.epoch)}`;
  if (run.step !== null) return `step ${formatAt(run.step)}`;
  return '';
}
