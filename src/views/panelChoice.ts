import type { PanelChoice } from '../protocol';

export const defaultChoice: PanelChoice = {
  runId: null,
  metric: null,
  show: 'gap',
  axis: 'log',
  layers: null,
  asTable: false,
};

/** A choice from storage or from the page; every field that is not what it should be takes its default. */
export function parseChoice(value: unknown): PanelChoice {
  if (typeof value !== 'object' || value === null) return defaultChoice;
  const given = value as Partial<Record<keyof PanelChoice, unknown>>;
  return {
    runId: typeof given.runId === 'string' ? given.runId : defaultChoice.runId,
    metric: typeof given.metric === 'string' && given.metric !== '' ? given.metric : defaultChoice.metric,
    show: given.show === 'value' || given.show === 'gap' ? given.show : defaultChoice.show,
    axis: given.axis === 'linear' || given.axis === 'log' ? given.axis : defaultChoice.axis,
    layers: isStrings(given.layers) ? given.layers : defaultChoice.layers,
    asTable: given.asTable === true,
  };
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

export function sameChoice(a: PanelChoice, b: PanelChoice): boolean {
  return (
    a.runId === b.runId && a.metric === b.metric && a.show === b.show && a.axis === b.axis && a.asTable === b.asTable &&
    (a.layers === b.layers || (a.layers !== null && b.layers !== null && a.layers.join('\n') === b.layers.join('\n')))
  );
}
