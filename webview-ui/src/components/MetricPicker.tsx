import type { JSX } from 'preact';
import type { MetricGroup, MetricInfo, PanelChoice } from '../../../src/protocol';
import { Segmented } from './Segmented';

/** What the colours mean. */
export function MetricPicker(props: {
  readonly metrics: readonly MetricInfo[];
  readonly metric: MetricInfo;
  readonly show: PanelChoice['show'];
  /** Why only the value can be shown; null when the gap can be, too. */
  readonly noGap: string | null;
  readonly onChoose: (change: Partial<PanelChoice>) => void;
}): JSX.Element {
  const { metrics, metric, show, noGap, onChoose } = props;
  return (
    <div class="metric">
      <div class="metric-row">
        <select
          class="select metric-select"
          aria-label="Measure"
          aria-describedby="metric-summary"
          value={metric.id}
          onChange={(event) => onChoose({ metric: event.currentTarget.value })}
        >
          {groupsOf(metrics).map(([group, members]) => (
            <optgroup key={group} label={group}>
              {members.map(({ id, title }) => (
                <option key={id} value={id}>
                  {title}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
        {metric.subject === 'features' && (
          <Segmented
            name="show"
            label="Show the value or the gap between train and held-out"
            segments={[
              { value: 'value', label: 'Value' },
              { value: 'gap', label: 'Gap' },
            ]}
            value={show}
            onChange={(value) => onChoose({ show: value })}
            disabled={noGap}
          />
        )}
      </div>
      <p id="metric-summary" class="hidden">
        {metric.summary}
      </p>
    </div>
  );
}

/** Under their headings, in the order of the catalog. */
function groupsOf(metrics: readonly MetricInfo[]): [MetricGroup, MetricInfo[]][] {
  const groups = new Map<MetricGroup, MetricInfo[]>();
  for (const metric of metrics) {
    const members = groups.get(metric.group);
    if (members) members.push(metric);
    else groups.set(metric.group, [metric]);
  }
  return [...groups];
}
