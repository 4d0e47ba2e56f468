import type { JSX } from 'preact';
import { useMemo, useRef } from 'preact/hooks';
import { usePanel } from '../usePanel';
import { FindingAnnouncer, Findings } from './Findings';
import { useWidth } from './hooks';
import { RunPanel } from './RunPanel';
import { RunPicker } from './RunPicker';
import { Looking, NothingFound, WorkerBanner } from './States';
import { sortFindings } from '../select/lines';
import { metricToShow } from '../select/metrics';

/** The Layer health view, read from top to bottom. */
export function App(): JSX.Element {
  const { state, choose, touch } = usePanel();
  const main = useRef<HTMLElement>(null);
  const width = useWidth(main);
  const { runs, open, choice, worker } = state;
  const wanted = runs.find((run) => run.id === choice.runId);
  const opening = wanted !== undefined && wanted.id !== open?.run.id;
  const findings = useMemo(() => (open ? sortFindings(open.run.findings) : []), [open?.run]);
  const metric = metricToShow(state.metrics, choice.metric, open);
  return (
    <main ref={main} class="panel" data-ready={state.ready} onClickCapture={touch} onKeyDownCapture={touch}>
      <h1 class="hidden">Layer health</h1>
      {state.ready && <WorkerBanner worker={worker} />}
      {state.ready && runs.length === 0 && (state.scanned ? <NothingFound folders={state.folders} problems={state.folderProblems} /> : worker.state !== 'failed' && <Looking folders={state.folders} />)}
      {runs.length > 0 && (
        <div class="top">
          <RunPicker runs={runs} runId={choice.runId} onChoose={(runId) => choose({ runId, layers: null })} />
          {open && wanted && !opening && <Findings run={open.run} findings={findings} metrics={state.metrics} />}
        </div>
      )}
      {opening && <p class="note">Opening {wanted.name}</p>}
      {runs.length > 0 && !wanted && <p class="note">Choose a run to see its layers.</p>}
      {open && metric && wanted && !opening && <RunPanel key={open.run.id} state={state} open={open} metric={metric} width={width} onChoose={choose} />}
      <FindingAnnouncer runId={open?.run.id ?? ''} findings={findings} />
    </main>
  );
}
