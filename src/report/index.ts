export { renderHtml, type ReportAssets } from './html';
export { renderMarkdown } from './markdown';
export { panelData } from './panelData';
export { reportDocument, type ReportOptions } from './reportDocument';
export type { ReportedRun } from './runSection';
export { shareableRuns } from './shareable';
export { readReportParts, type ReportParts, reportText } from './reportFile';
