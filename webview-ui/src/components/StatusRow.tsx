import type { JSX } from 'preact';
import type { MeasureProgress, RunSummary } from '../../../src/protocol';
import { formatCount, plural } from '../format';
import { isMeasured } from '../select/timeline';
import { post } from '../vscodeApi';

/** What is measured, what runs, what waits; with the one thing to do about it. */
export function StatusRow(props: { readonly run: RunSummary; readonly runs: readonly RunSummary[]; readonly progress: MeasureProgress | null }): JSX.Element {
  const { run, runs, progress } = props;
  return (
    <section class="status" aria-label="Measurements">
      {progress && <Progress progress={progress} other={progress.runId === run.id ? null : (runs.find((one) => one.id === progress.runId)?.name ?? 'another run')} />}
      {(!progress || progress.runId !== run.id) && <Freshness run={run} />}
      <p class="export">
        Export{' '}
        <button type="button" class="link-button" onClick={() => post({ kind: 'export', format: 'csv' })}>
          CSV
        </button>{' '}
        <button type="button" class="link-button" onClick={() => post({ kind: 'export', format: 'json' })}>
          JSON
        </button>
      </p>
    </section>
  );
}

function Progress({ progress, other }: { progress: MeasureProgress; other: string | null }): JSX.Element {
  const { done, total, current } = progress;
  const words = `measuring ${formatCount(done)} of ${formatCount(total)}${other === null ? '' : `, ${other}`}`;
  return (
    <div class="progress-row">
      <span class="progress-words">{words}</span>
      <progress value={done} max={Math.max(1, total)} aria-label="Measurements done" title={current} />
      <button type="button" class="link-button" onClick={() => post({ kind: 'cancel' })}>
        Cancel
      </button>
      {current && <span class="progress-current">{current}</span>}
    </div>
  );
}

function Freshness({ run }: { run: RunSummary }): JSX.Element | null {
  const probes = run.files.filter((file) => isMeasured(file, 'probe') || isMeasured(file, 'checkpoint'));
  const count = (...states: string[]): number => probes.filter((file) => states.includes(file.state)).length;
  const pending = count('found', 'queued', 'measuring');
  const waiting = count('waiting');
  const measured = count('measured');
  if (probes.length === 0) return null;
  return (
    <div class="freshness">
      {pending > 0 ? (
        <>
          <span>
            {formatCount(pending)} of {plural(probes.length, 'checkpoint')} not fully measured yet
          </span>
          <button type="button" class="button" onClick={() => post({ kind: 'measure' })}>
            Measure
          </button>
        </>
      ) : (
        <span>{measured === probes.length ? `All ${plural(measured, 'checkpoint')} measured` : `${formatCount(measured)} of ${plural(probes.length, 'checkpoint')} measured`}</span>
      )}
      {waiting > 0 && <span class="muted">{waiting === 1 ? '1 file is' : `${formatCount(waiting)} files are`} still being written</span>}
    </div>
  );
}
