import type { LabelSuggestions } from '../metrics';
import type { LabelAdvice } from '../protocol';

/** Suggestions in the form in which they travel and are printed. */
export function toLabelAdvice(layer: string, { suggestions, samples, labelled, clusters, warnings }: LabelSuggestions): LabelAdvice {
  return {
    layer, samples, labelled, clusters, warnings,
    suggestions: suggestions.map(({ sampleId, reason, clusterSize, covered }) => ({ sampleId: printable(sampleId), reason, clusterSize, covered })),
  };
}

/** JSON has no whole numbers beyond 2^53. */
function printable(id: bigint): number | string {
  return Number.isSafeInteger(Number(id)) ? Number(id) : String(id);
}
