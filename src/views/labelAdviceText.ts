import type { LabelAdvice } from '../protocol';
import { escapeMarkdown } from './runFacts';

/** Suggestions as a Markdown document for a person who labels. */
export function labelAdviceText(run: string, probe: string, { layer, samples, labelled, clusters, suggestions, warnings }: LabelAdvice): string {
  const lines = [
    '# Samples to label next',
    '',
    `${escapeMarkdown(run)}, ${escapeMarkdown(probe)}, layer ${escapeMarkdown(layer)}: ${labelled} of ${samples} training samples have a label. ` +
      `The samples were put into ${clusters} clusters; those in the middle of clusters without a label come first.`,
    '',
  ];
  if (suggestions.length > 0) {
    lines.push('| | sample_id | why |', '|--:|--:|---|');
    for (const [at, { sampleId, reason }] of suggestions.entries()) lines.push(`| ${at + 1} | ${sampleId} | ${escapeMarkdown(reason)} |`);
    lines.push('');
  }
  for (const warning of warnings) lines.push(escapeMarkdown(warning), '');
  return lines.join('\n');
}
