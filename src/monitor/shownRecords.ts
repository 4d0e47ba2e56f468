import { metricsOfPrevious } from '../metrics';
import type { MeasurementRecord } from '../protocol';
import { isOfTraining, trainingSource } from '../protocol';
import type { RecordStore } from '../store';
import { relabel, relabelTraining } from './fileRecords';
import type { RunPlan } from './runPlan';
import type { RunState } from './runState';
import type { InspectedTensors, TensorWatch } from './tensorWatch';

/** Which of the stored records a run shows: those that are current, once for each content. */
export class ShownRecords {
  constructor(
    private readonly run: RunState,
    private readonly files: ReadonlyMap<string, TensorWatch>,
    private readonly store: RecordStore,
    private readonly plan: RunPlan,
  ) {}

  /** All of a file. */
  show(file: TensorWatch): void {
    const { content } = file;
    if (content === null) return;
    const stored = this.isCopy(file) ? [] : this.store.ofContent(content.fingerprint);
    this.run.setRecords(file.path, this.relabel(file, stored.filter((record) => this.plan.isCurrent(file, record))));
  }

  /** What the file is compared with has become known or another: only the records that depend on it come or go. */
  showCompared(file: TensorWatch): void {
    const { content, path } = file;
    if (content === null) return;
    if (content.kind === 'checkpoint' || this.isCopy(file) || this.run.recordsOf(path).some(({ metric }) => metricsOfPrevious.includes(metric))) {
      this.show(file);
      return;
    }
    const stored = this.store.ofContent(content.fingerprint).filter((record) => metricsOfPrevious.includes(record.metric) && this.plan.isCurrent(file, record));
    if (stored.length > 0) this.run.addRecords(path, this.relabel(file, stored));
  }

  /** What has just been measured of a content, in every file that holds it. */
  add({ fingerprint }: InspectedTensors, records: readonly MeasurementRecord[]): void {
    for (const file of this.files.values()) {
      if (file.content?.fingerprint !== fingerprint || this.isCopy(file)) continue;
      this.run.addRecords(file.path, this.relabel(file, records.filter((record) => this.plan.isCurrent(file, record))));
    }
  }

  /**
   * What the training recorded of its own batches: there is nothing to measure it from, so that it is shown as it is, whatever the settings are.
   * @returns whether there was any.
   */
  showTraining(changed: ReadonlySet<string>): boolean {
    const records = [...changed].flatMap((key) => this.store.ofContent(key).filter(isOfTraining));
    if (records.length > 0) this.run.addRecords(trainingSource, relabelTraining(this.run.runName, records));
    return records.length > 0;
  }

  private relabel({ path, content }: TensorWatch, records: readonly MeasurementRecord[]): MeasurementRecord[] {
    return content === null ? [] : relabel({ run: this.run.runName, path, content }, records);
  }

  /** Whether another file holds the same content for the same moment, for example `last.safetensors`: one of them is enough. */
  private isCopy({ path, content }: TensorWatch): boolean {
    if (content === null) return false;
    return [...this.files.values()].some(
      ({ path: otherPath, content: other }) =>
        otherPath < path && other !== null && other.fingerprint === content.fingerprint && other.epoch === content.epoch && other.step === content.step,
    );
  }
}
