import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Finding, MetricInfo, RunSummary } from '../../../src/protocol';
import { formatAt, formatCount, formatInterval, formatSplit, formatValue, plural } from '../format';
import { post } from '../vscodeApi';
import { Icon } from './Icon';

/** The worst finding in words, open to its evidence; the others behind one line. */
export function Findings(props: { readonly run: RunSummary; readonly findings: readonly Finding[]; readonly metrics: readonly MetricInfo[] }): JSX.Element | null {
  const { run, findings, metrics } = props;
  const [worst, ...others] = findings;
  if (!worst) {
    if (run.health !== 'healthy') return null;
    return (
      <p class="no-finding">
        <Icon name="healthy" />
        <span>No finding: nothing in these layers calls for attention.</span>
      </p>
    );
  }
  return (
    <section class="findings" aria-label="Findings">
      <FindingCard key={worst.id} finding={worst} metrics={metrics} />
      {others.length > 0 && (
        <details class="more-findings">
          <summary>{plural(others.length, 'more finding')}</summary>
          {others.map((finding) => (
            <FindingCard key={finding.id} finding={finding} metrics={metrics} />
          ))}
        </details>
      )}
    </section>
  );
}

function FindingCard({ finding, metrics }: { finding: Finding; metrics: readonly MetricInfo[] }): JSX.Element {
  const [open, setOpen] = useState(false);
  const { onset } = finding;
  const seenIn = finding.metrics.map((id) => titleOf(metrics, id)).join(', ');
  const toggle = (): void => {
    if (!open) post({ kind: 'openFinding', findingId: finding.id });
    setOpen(!open);
  };
  return (
    <article class={`finding finding-${finding.severity}`}>
      <button type="button" class="finding-head" aria-expanded={open} onClick={toggle}>
        <Icon name={finding.severity} />
        <span class="finding-words">
          <span class="finding-title">
            <span class="hidden">{finding.severity}: </span>
            {finding.title}
          </span>
          <span class="finding-where">
            {onset.low === onset.high ? '' : `${onset.axis} ${formatAt(onset.low)} to ${formatAt(onset.high)} \u00b7 `}
            {finding.layers.join(', ')}
            {seenIn === '' ? '' : ` \u00b7 ${seenIn}`}
          </span>
        </span>
        <Icon name="chevron" class={open ? 'turned' : ''} />
      </button>
      {open && <FindingBody finding={finding} metrics={metrics} />}
    </article>
  );
}

function FindingBody({ finding, metrics }: { finding: Finding; metrics: readonly MetricInfo[] }): JSX.Element {
  const title = (id: string): string => titleOf(metrics, id);
  return (
    <div class="finding-body">
      <div class="finding-part">
        {sentences(finding.explanation).map((sentence) => (
          <p key={sentence}>{sentence}</p>
        ))}
      </div>
      {finding.advice.length > 0 && (
        <div class="finding-part">
          <h2>What to do</h2>
          <ul>
            {finding.advice.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </div>
      )}
      {finding.evidence.length > 0 && (
        <div class="finding-part finding-evidence">
          <h2>Evidence</h2>
          <div class="table-scroll" tabIndex={0} role="region" aria-label="Evidence table">
            <table class="table">
              <caption class="hidden">The measurements that decided: {finding.title}</caption>
              <thead>
                <tr>
                  <th scope="col">layer</th>
                  <th scope="col">{finding.onset.axis}</th>
                  <th scope="col">value</th>
                  <th scope="col">95 % interval</th>
                  <th scope="col">n</th>
                  <th scope="col">views</th>
                  <th scope="col">method</th>
                  <th scope="col" class="text">measure</th>
                </tr>
              </thead>
              <tbody>
                {finding.evidence.map((record) => (
                  <tr key={`${record.source}/${record.layer}/${record.metric}/${record.split}`}>
                    <th scope="row">{record.layer}</th>
                    <td>{formatAt(record.epoch ?? record.step ?? 0)}</td>
                    <td>{record.value === null ? 'none' : <data value={record.value}>{formatValue(record.value)}</data>}</td>
                    <td>{record.uncertainty ? formatInterval(record.uncertainty) : ''}</td>
                    <td>{formatCount(record.n)}</td>
                    <td>{record.views}</td>
                    <td>{record.method}</td>
                    <td class="text">
                      {title(record.metric)}, {formatSplit(record.split)}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </div>
      )}
    </div>
  );
}

/** A long explanation reads better a sentence a paragraph. */
function sentences(text: string): string[] {
  return text.split(/(?<=\.)\s+(?=[A-Z])/);
}

/** Tells a screen reader about a finding that was not there before; about nothing else. */
export function FindingAnnouncer({ runId, findings }: { runId: string; findings: readonly Finding[] }): JSX.Element {
  const known = useRef<{ runId: string; ids: ReadonlySet<string> } | null>(null);
  const [words, setWords] = useState('');
  const ids = findings.map((finding) => finding.id).join('\n');
  useEffect(() => {
    const before = known.current;
    known.current = { runId, ids: new Set(findings.map((finding) => finding.id)) };
    if (before?.runId !== runId) return;
    const fresh = findings.filter((finding) => !before.ids.has(finding.id));
    if (fresh.length > 0) setWords(fresh.map((finding) => `${finding.severity}: ${finding.title}`).join('. '));
  }, [runId, ids]);
  return (
    <div class="hidden" aria-live="polite" data-test="announcer">
      {words}
    </div>
  );
}

function titleOf(metrics: readonly MetricInfo[], id: string): string {
  return metrics.find((metric) => metric.id === id)?.title ?? id;
}
