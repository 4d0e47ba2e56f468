import { type Block, type ReportDocument, type Text } from './blocks';
import { comparisonSection } from './comparison';
import { howFar, type ReportedRun, runSection } from './runSection';

export interface ReportOptions {
  /** When the report is made. */
  readonly at: Date;
  /** Of Layerscope. */
  readonly version: string;
}

/**
 * Puts a report on one or more runs together. Pure: the same runs give the same document.
 * @param runs as they may be shown to others (`shareableRuns`), in the order in which they are shown
 */
export function reportDocument(runs: readonly ReportedRun[], { at, version }: ReportOptions): ReportDocument {
  const [only] = runs;
  const title = runs.length === 1 && only !== undefined ? `Layer health of ${only.detail.run.name}` : `Layer health of ${String(runs.length)} runs`;
  return {
    title,
    made: { at, version },
    blocks: [
      ...(runs.length > 1 ? [overview(runs)] : []),
      ...(runs.length > 1 ? comparisonSection(runs) : []),
      ...runs.map((run, place) => runSection(run, version, place)),
    ],
  };
}

function overview(runs: readonly ReportedRun[]): Block {
  return {
    kind: 'table',
    caption: 'The runs of this report',
    corner: 'run',
    columns: ['health', 'how far', 'findings'],
    rows: runs.map(({ detail: { run } }) => ({
      header: [{ name: run.name }],
      cells: [
        { text: [{ strong: run.health }], words: true },
        { text: howFar(run), words: true },
        { text: run.findings.map(({ title }) => title).join('; ') || 'none', words: true } satisfies { text: Text; words: true },
      ],
    })),
  };
}
