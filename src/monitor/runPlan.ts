import type { MeasurementRecord } from '../protocol';
import type { RecordStore } from '../store';
import type { CheckpointReferences, LayerTask } from './layerMeasurer';
import { isCurrent, isCurrentOfWeights, planCheckpoint, planProbe } from './plan';
import { findReferences, noReferences } from './references';
import type { Surroundings } from './surroundings';
import type { InspectedTensors, TensorWatch } from './tensorWatch';

/** What is missing of the probes and checkpoints of a run: knows what each of them is compared with, and what is stored. */
export class RunPlan {
  /** By path. Without an entry a file has come or changed since all files had been looked at the last time. */
  private readonly references = new Map<string, CheckpointReferences>();
  /** What was missing of a file when it was asked last, and under which conditions. */
  private readonly known = new Map<string, { readonly conditions: string; readonly tasks: LayerTask[] }>();

  constructor(
    private readonly store: RecordStore,
    private readonly around: Pick<Surroundings, 'methodOf' | 'metricsOf' | 'options'>,
  ) {}

  /** Looks at all files anew. @returns those that are compared with something else than before. */
  compare(files: readonly TensorWatch[]): TensorWatch[] {
    const known = (kind: 'probe' | 'checkpoint') =>
      files.flatMap(({ path, disk: { absolutePath }, content }) => (content?.kind === kind ? [{ path, absolutePath, content }] : []));
    const found = new Map([...findReferences(known('probe')), ...findReferences(known('checkpoint'))]);
    return files.filter(({ path }) => {
      const references = found.get(path);
      if (references === undefined || JSON.stringify(this.references.get(path)) === JSON.stringify(references)) return false;
      this.references.set(path, references);
      return true;
    });
  }

  forget({ path }: TensorWatch): void {
    this.references.delete(path);
    this.known.delete(path);
  }

  /** Whether it is known what the file is compared with. */
  isCompared({ path }: TensorWatch): boolean {
    return this.references.has(path);
  }

  /** Most of a probe can be measured before that; the weights of a checkpoint wait. */
  isPlaced(file: TensorWatch, { kind }: InspectedTensors): boolean {
    return kind === 'probe' || this.isCompared(file);
  }

  /** Whether a record is what measuring now would give. */
  isCurrent({ path, content }: TensorWatch, record: MeasurementRecord): boolean {
    const { methodOf, options } = this.around;
    const references = this.references.get(path);
    return content?.kind === 'checkpoint'
      ? isCurrentOfWeights(record, references ?? noReferences, methodOf)
      : isCurrent(record, options(), references?.previous, methodOf);
  }

  /** One task a layer that misses something; with `again` all of them with everything. */
  missing(file: TensorWatch, content: InspectedTensors, again: boolean, only?: string): LayerTask[] {
    if (again || only !== undefined) return this.find(file, content, again, only);
    const { metricsOf, options } = this.around;
    const { kind, fingerprint } = content;
    const conditions = JSON.stringify([
      fingerprint, this.store.countOf(fingerprint), [...file.failures.keys()], kind === 'probe' && options(), metricsOf(kind), this.references.get(file.path),
    ]);
    let known = this.known.get(file.path);
    if (known?.conditions !== conditions) this.known.set(file.path, (known = { conditions, tasks: this.find(file, content, again) }));
    return known.tasks;
  }

  private find(file: TensorWatch, content: InspectedTensors, again: boolean, only?: string): LayerTask[] {
    const { methodOf, metricsOf } = this.around;
    const plan = {
      file: file.disk.absolutePath,
      layers: only === undefined ? content.layers : [only],
      metrics: metricsOf(content.kind),
      methodOf,
      records: this.store.ofContent(content.fingerprint),
      acceptLayer: (layer: string) => !file.failures.has(layer),
      again,
    };
    const references = this.references.get(file.path);
    if (content.kind === 'probe') return planProbe({ ...plan, options: this.around.options(), previous: references?.previous });
    return planCheckpoint({ ...plan, references: references ?? noReferences });
  }
}
