import type { JSX } from 'preact';
import type { MetricInfo, PanelChoice } from '../../../src/protocol';
import { Segmented } from './Segmented';

const groups = [
  ['features', 'Features of the probes'],
  ['weights', 'Weights of the checkpoints'],
] as const;

/** What the colours mean. */
export function MetricPicker(props: {
  readonly metrics: readonly MetricInfo[];
  readonly metric: MetricInfo;
  readonly show: PanelChoice['show'];
  readonly onChoose: (change: Partial<PanelChoice>) => void;
}): JSX.Element {
  const { metrics, metric, show, onChoose } = props;
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
          {groups.map(([subject, label]) => {
            const options = metrics
              .filter((one) => one.subject === subject)
              .map((one) => (
                <option key={one.id} value={one.id}>
                  {one.title}
                </option>
              ));
            if (options.length === 0 || options.length === metrics.length) return options;
            return (
              <optgroup key={subject} label={label}>
                {options}
              </optgroup>
            );
          })}
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
            disabled={metric.hasGap ? null : `No gap is defined for ${metric.title}.`}
          />
        )}
      </div>
      <p id="metric-summary" class="hidden">
        {metric.summary}
      </p>
    </div>
  );
}
