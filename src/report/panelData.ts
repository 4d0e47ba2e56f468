import { metricCatalog } from '../metrics';
import type { ReportData, RunDetail } from '../protocol';
import { packRecords } from './recordColumns';

/** What the panel of a report shows: the first run to begin with, as the editor would open it. */
export function panelData(details: readonly RunDetail[]): ReportData {
  return {
    runs: details.map((detail) => ({ ...detail, records: packRecords(detail.records) })),
    metrics: metricCatalog,
    choice: { runId: details[0]?.run.id ?? null, metric: null, show: 'gap', axis: 'log', layers: null, asTable: false },
  };
}
