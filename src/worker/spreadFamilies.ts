import { setImmediate } from 'node:timers/promises';
import { metricCatalog, metricFamilies } from '../metrics';
import type { LayerMeasurer, LayerTask } from '../monitor';

/** Dearest first, so that threads that finish early take the cheap ones. */
const families = [...metricFamilies].reverse();
const placeOf = new Map(metricCatalog.map(({ id }, place) => [id, place]));

/**
 * Measures the families of a layer side by side when it is the only one that is asked for: the last layer of a file, or the only new one,
 * would leave all threads but one idle. Several layers at once use the threads better as they are, one each. The values are the same.
 */
export function spreadFamilies(pool: LayerMeasurer): LayerMeasurer {
  let asked = 0;
  return {
    async measure(task, signal) {
      asked += 1;
      try {
        // Whoever fills the threads does so in one turn of the loop.
        await setImmediate();
        const parts = asked === 1 ? partsOf(task) : [task];
        const measured = await Promise.all(parts.map((part) => pool.measure(part, signal)));
        return measured.flat().sort((a, b) => (placeOf.get(a.metric) ?? 0) - (placeOf.get(b.metric) ?? 0));
      } finally {
        asked -= 1;
      }
    },
    engineStatus: () => pool.engineStatus(),
    close: () => pool.close(),
  };
}

/** The work of a weight tensor is one piece: its measures share one spectrum. */
function partsOf(task: LayerTask): LayerTask[] {
  if (task.kind === 'weights') return [task];
  return families
    .map((family) => ({ ...task, metrics: task.metrics.filter((metric) => family.metrics.includes(metric)) }))
    .filter(({ metrics }) => metrics.length > 0);
}
