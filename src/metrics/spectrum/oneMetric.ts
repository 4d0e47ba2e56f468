import type { MeasureContext, MetricFamily, PartValue } from '../contract';
import type { PartRows } from '../partRows';

/** A family of one metric without randomness and without a gap; what it shares with others is kept by part. */
export function oneMetric<Metric extends string>(
  metric: Metric,
  { dependsOnSize }: { readonly dependsOnSize: boolean },
  measure: (part: PartRows, context: MeasureContext) => PartValue | Promise<PartValue>,
): MetricFamily<Metric> {
  return {
    id: metric,
    shapes: [{ metric, random: false, gap: null, dependsOnSize }],
    method: 1,
    async measurePart(part, _layer, _options, context) {
      context.checkpoint();
      return { [metric]: await measure(part, context) } as Record<Metric, PartValue>;
    },
  };
}
