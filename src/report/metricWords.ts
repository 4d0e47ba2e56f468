import { metricInfo } from '../metrics';
import { type Block, inlinesOf, type Text } from './blocks';

/** What a metric is called; its id where the catalog does not know it. */
export function titleOf(id: string): Text {
  return metricInfo(id)?.title ?? [{ name: id }];
}

/** With its unit. */
export function titleWithUnit(id: string): Text {
  const unit = metricInfo(id)?.unit ?? '';
  return unit === '' ? titleOf(id) : [...inlinesOf(titleOf(id)), ` (${unit})`];
}

/** What it says, and what is known to be weak about it. Nothing of a metric that the catalog does not know. */
export function aboutMetric(id: string): readonly Block[] {
  const metric = metricInfo(id);
  return metric === undefined ? [] : [{ kind: 'paragraph', text: metric.summary, note: true }, ...caveatOf(id)];
}

/** What is known to be weak about it, with its name. */
export function caveatOf(id: string): readonly Block[] {
  const caveat = metricInfo(id)?.caveat;
  return caveat === undefined ? [] : [{ kind: 'paragraph', text: [{ strong: 'Caveat' }, ' of ', ...inlinesOf(titleOf(id)), `: ${caveat}`], note: true }];
}
