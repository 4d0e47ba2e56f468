import type { Finding, Onset } from '../protocol';
import type { LayerGaps } from './gapSeries';
import type { Carrier, Decision } from './lateLayerOverfitting';

const titles: Readonly<Record<string, { readonly title: string; readonly unit: string }>> = {
  coding_rate_reduction: { title: 'coding rate reduction', unit: ' nats' },
  alignment: { title: 'alignment', unit: '' },
  random_label_transfer: { title: 'random-label transfer', unit: '' },
};

/** Most layers and metrics named one by one; the rest is counted. */
const mostCarriersTold = 4;

/** Title, explanation and advice of the finding in words, with the numbers that decided. */
export function describeLateLayers(decision: Decision, layers: readonly string[], onset: Onset): Pick<Finding, 'title' | 'explanation' | 'advice'> {
  const when = (at: number): string => `${onset.axis} ${String(at)}`;
  const [only] = layers;
  return {
    title: layers.length === 1 ? `Layer ${only ?? ''} memorizes since ${when(onset.at)}` : `Late layers memorize since ${when(onset.at)}`,
    explanation: explain(decision, onset, when),
    advice: [
      onset.low === decision.carriers[0]?.series.start.at
        ? `Stop training near ${when(onset.at)}: it is visible in the first checkpoints already, so there is no good one to go back to.`
        : `Go back to the checkpoint at ${when(onset.low)}, the last one without it, or stop there next time.`,
      'Train with stronger augmentation: views that differ more leave less to recognise a single image by.',
      'Train on more images, or for fewer epochs on these.',
      'Raise weight decay; dropout and label smoothing in the head lower memorization too.',
      'Add a random-label regulariser, which punishes layers from which single samples can be told apart (Becker & Risse, arXiv 2411.19640).',
      'Continue with UMM, which freezes the early layers and makes the late ones forget (Qiang et al., arXiv 2410.00772).',
      `Check with a few labels: compare held-out accuracy of ${layers.join(', ')} with a layer before and with the checkpoint at ${when(onset.low)}.`,
    ],
  };
}

function explain(decision: Decision, onset: Onset, when: (at: number) => string): string {
  const { carriers, early, comparisons, thresholds, falseAlarmLevel } = decision;
  const told = carriers.slice(0, mostCarriersTold).map((carrier) => describeCarrier(carrier, when));
  if (carriers.length > told.length) told.push(`and ${String(carriers.length - told.length)} more`);
  const start = carriers[0]?.series.start;
  return [
    `Training samples are treated more and more differently from held-out ones: ${told.join('; ')}.`,
    `${nameLayers(early)} ${early.length === 1 ? 'is' : 'are'} the reference.`,
    `It began after ${when(onset.low)} and by ${when(onset.high)}.`,
    `At the last two checkpoints or longer each gap is beyond ${short(thresholds.gap)} times its noise (bootstrap over samples), and its growth ` +
      `since the first checkpoint beyond ${short(thresholds.growth)} times; these limits keep the chance of a false alarm below ` +
      `${short(100 * falseAlarmLevel)} % over the ${String(comparisons)} comparisons made.`,
    ...(start === undefined || start.untrained
      ? []
      : [`The first checkpoint (${when(start.at)}) is of a network that was trained already: what was memorized before it is not counted.`]),
  ].join(' ');
}

function describeCarrier({ metric, established: { growth, since, last } }: Carrier, when: (at: number) => string): string {
  const { title, unit } = titles[metric] ?? { title: metric, unit: '' };
  const share = last.point.heldOut ? `, ${short((100 * last.point.gap) / Math.abs(last.point.heldOut))} % of its held-out value` : '';
  return (
    `the ${title} gap of ${growth.layer.layer} went from ${short(growth.baseline.gap)} at ${when(growth.baseline.at)} to ` +
    `${short(last.point.gap)}${unit} at ${when(last.at)}${share}; it is ${short(last.point.gap / last.point.standardError)} times its noise and has ` +
    `grown by ${short(last.excess)}${unit} more than any early layer's, established since ${when(since.at)}`
  );
}

function nameLayers(layers: readonly LayerGaps[]): string {
  const first = layers[0]?.layer ?? '';
  if (layers.length === 1) return `The first layer (${first})`;
  return `The first ${String(layers.length)} layers (${first} to ${layers[layers.length - 1]?.layer ?? ''})`;
}

function short(value: number): string {
  return String(Number(value.toPrecision(2)));
}
