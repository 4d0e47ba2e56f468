import type { PartRows } from './partRows';

/** Why nothing can be computed from these rows at all, or null. */
export function notFiniteReason({ notFinite, features }: PartRows): string | null {
  if (!notFinite) return features.columns === 0 ? 'The layer has no features.' : null;
  return `${count(notFinite.rows, features.rows)} NaN or infinite (first: row ${notFinite.first}).`;
}

/** Why rows cannot be scaled to length 1, or null. */
export function noDirectionReason(part: PartRows): string | null {
  const reason = notFiniteReason(part);
  if (reason || !part.allZero) return reason;
  return `${count(part.allZero.rows, part.features.rows)} all zero and so without direction (first: row ${part.allZero.first}).`;
}

function count(rows: number, of: number): string {
  return `${rows} of ${of} rows ${rows === 1 ? 'is' : 'are'}`;
}

/** Of one part of a probe. A useful probe has 128 samples x 8 views at least, half of them held out. */
export const usefulSamples = 64;
export const usefulViews = 8;

export function fewSamplesWarning({ sampleIds }: PartRows): string[] {
  return sampleIds.length < usefulSamples ? [`Only ${sampleIds.length} sample${sampleIds.length === 1 ? '' : 's'}; a part of a probe should have ${usefulSamples} at least.`] : [];
}
