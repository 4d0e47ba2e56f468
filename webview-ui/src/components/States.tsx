import type { JSX } from 'preact';
import type { FolderProblem, RunSummary, WorkerStatus } from '../../../src/protocol';
import { isMeasured } from '../select/timeline';
import { post } from '../vscodeApi';
import { Icon } from './Icon';

export function Looking({ folders }: { folders: readonly string[] }): JSX.Element {
  return (
    <div class="empty">
      <h2>Looking for runs</h2>
      <Folders folders={folders} />
    </div>
  );
}

/** What was looked for, where, and the two ways to begin. */
export function NothingFound({ folders, problems }: { folders: readonly string[]; problems: readonly FolderProblem[] }): JSX.Element {
  return (
    <div class="empty">
      <h2>No training run found</h2>
      <p>A run is a folder with probe files, checkpoints or a training log, such as:</p>
      <ul class="looked-for">
        <li>
          <code>probes/epoch=0012.safetensors</code> or <code>.npz</code>: features of a fixed set of samples
        </li>
        <li>
          <code>checkpoint-99.pth</code>, <code>model.safetensors</code>: the weights
        </li>
        <li>
          <code>log.txt</code>, <code>*.jsonl</code>, <code>metrics.csv</code>: the training log
        </li>
      </ul>
      <Folders folders={folders} problems={problems} />
      <div class="ways">
        <button type="button" class="button wide" onClick={() => post({ kind: 'openSample' })}>
          Open a sample run
        </button>
        <button type="button" class="button secondary wide" onClick={() => post({ kind: 'openHelp', page: 'recording.md' })}>
          Record your own training
        </button>
        <button type="button" class="link-button" onClick={() => post({ kind: 'refresh' })}>
          Look again
        </button>
      </div>
    </div>
  );
}

function Folders({ folders, problems = [] }: { folders: readonly string[]; problems?: readonly FolderProblem[] }): JSX.Element {
  const reasons = new Map(problems.map(({ folder, reason }) => [folder, reason]));
  if (folders.length === 0) return <p class="muted">No folder is open.</p>;
  return (
    <>
      <p class="muted">Looked in</p>
      <ul class="folders">
        {folders.map((folder) => (
          <li key={folder}>
            <code>{folder}</code>
            {reasons.has(folder) && <>: {reasons.get(folder)}</>}
          </li>
        ))}
      </ul>
    </>
  );
}

/** A run was found, but there is nothing in it that could be measured. */
export function NothingToMeasure({ run }: { run: RunSummary }): JSX.Element {
  const queued = run.files.some((file) => (isMeasured(file, 'probe') || isMeasured(file, 'checkpoint')) && file.state !== 'problem');
  if (queued) return <p class="note">No layer is measured yet. The first one appears here as soon as it is.</p>;
  return (
    <div class="empty in-run">
      <h2>Nothing to measure in this run</h2>
      <p>{run.note ?? 'It holds no probe file: features of a fixed set of samples, one file a checkpoint.'}</p>
      <button type="button" class="button secondary" onClick={() => post({ kind: 'openHelp', page: 'recording.md' })}>
        How to record probes
      </button>
    </div>
  );
}

/** The measuring process is down, comes up, or lacks its engine. Nothing is said while all is well. */
export function WorkerBanner({ worker }: { worker: WorkerStatus }): JSX.Element | null {
  const down = worker.state === 'failed' || (worker.state === 'stopped' && worker.message !== '');
  const unavailable = worker.engine?.name === 'unavailable';
  if (!down && !unavailable && worker.state !== 'restarting') return null;
  if (worker.state === 'restarting') return <p class="note worker-note">Measuring starts again. {worker.message}</p>;
  return (
    <section class="banner" aria-label="Measuring">
      <Icon name="warning" class="error" />
      <div>
        <p class="banner-title">{down ? 'Measuring has stopped' : 'Measuring is not possible'}</p>
        <p>{down ? worker.message : worker.engine?.reason}</p>
        <p>What is already measured stays.</p>
        <div class="banner-actions">
          <button type="button" class="button" onClick={() => post({ kind: 'restartWorker' })}>
            Restart
          </button>
          <button type="button" class="button secondary" onClick={() => post({ kind: 'showLog' })}>
            Show log
          </button>
        </div>
      </div>
    </section>
  );
}
