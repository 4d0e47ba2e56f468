import type { Engine } from '../linalg';
import { driftMetrics, measureWeights } from '../metrics';
import type { LayerMeasurement, WeightReference } from '../metrics';
import type { CheckpointReference, WeightTask } from '../monitor';
import { openCheckpoint } from '../runs';

interface Context {
  readonly engine: Engine;
  readonly checkpoint: () => void;
}

/** Measures a weight tensor. Holds the tensor, and for a moment each it is compared with: never more than a few of one layer. */
export async function measureWeightTask({ file, layer, metrics, references }: WeightTask, context: Context): Promise<LayerMeasurement[]> {
  const { checkpoint } = context;
  const opened = await openCheckpoint(file, { checkpoint });
  try {
    const about = { layer, layerIndex: opened.layers.find(({ name }) => name === layer)?.index ?? 0, weights: await opened.readWeights(layer) };
    const measured: LayerMeasurement[] = [];
    const isAsked = (id: string): boolean => metrics.includes(id);
    const [drift, driftFromFirst] = driftMetrics;
    checkpoint();
    if (isAsked(drift)) measured.push(...(await measureWeights({ ...about, previous: await readReference(references.previous, layer, checkpoint) }, [drift], context)));
    checkpoint();
    if (isAsked(driftFromFirst)) {
      const isFirst = references.first?.file === file;
      const first = isFirst ? { since: references.first?.fingerprint ?? '', weights: about.weights, reason: '' } : await readReference(references.first, layer, checkpoint);
      measured.push(...(await measureWeights({ ...about, first }, [driftFromFirst], context)));
    }
    checkpoint();
    if (isAsked('teacher_distance')) measured.push(...(await measureWeights({ ...about, teacher: await opened.readTeacher(layer) }, ['teacher_distance'], context)));
    const rest = metrics.filter((id) => id !== drift && id !== driftFromFirst && id !== 'teacher_distance');
    return [...(await measureWeights(about, rest, context)), ...measured];
  } finally {
    await opened.close();
  }
}

async function readReference(reference: CheckpointReference | null, layer: string, checkpoint: () => void): Promise<WeightReference | null> {
  if (reference === null) return null;
  const other = await openCheckpoint(reference.file, { checkpoint });
  try {
    return { since: reference.fingerprint, weights: await other.readWeights(layer), reason: '' };
  } finally {
    await other.close();
  }
}
