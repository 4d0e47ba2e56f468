import type { ScalarColumns, ScalarPurge } from './scalarLog';

/** Gathers points until they are taken. Columns that grow by doubling: no object is made for a point. */
export class ColumnBuffer {
  private tag = new Uint32Array(1024);
  private steps = new Float64Array(1024);
  private times = new Float64Array(1024);
  private values = new Float64Array(1024);
  private purges: ScalarPurge[] = [];
  private length = 0;
  /** Index of the quantity that is the epoch. */
  private epochTag = -1;
  private lastStep = NaN;
  private lastEpoch = NaN;

  add(tag: number, step: number, time: number, value: number): void {
    const at = this.length;
    if (at === this.tag.length) {
      this.grow();
    }
    this.tag[at] = tag;
    this.steps[at] = step;
    this.times[at] = time;
    this.values[at] = value;
    this.length = at + 1;
  }

  purge(fromStep: number, tags: readonly string[] | null): void {
    this.purges.push({ at: this.length, fromStep, tags });
  }

  setEpochTag(tag: number): void {
    this.epochTag = tag;
  }

  /**
   * Hands over the points. Loggers that write the epoch as a quantity of its own write it beside the others of the same step: these get it.
   * @param all also the points of a last step whose epoch has not come yet; otherwise they wait for it, where the step before had one.
   */
  take(tags: readonly string[], all: boolean): ScalarColumns {
    const epochs = this.epochTag < 0 ? null : this.epochsOfSteps();
    const length = epochs === null || all ? this.length : this.lengthWithEpochs(epochs);
    const columns: ScalarColumns = {
      tags,
      tag: this.tag.slice(0, length),
      epochs: epochs?.slice(0, length) ?? null,
      steps: this.steps.slice(0, length),
      times: this.times.slice(0, length),
      values: this.values.slice(0, length),
      purges: this.purges.filter(({ at }) => at <= length),
    };
    if (epochs !== null && length > 0) {
      this.lastStep = this.steps[length - 1]!;
      this.lastEpoch = epochs[length - 1]!;
    }
    this.purges = this.purges.filter(({ at }) => at > length).map((purge) => ({ ...purge, at: purge.at - length }));
    for (const column of [this.tag, this.steps, this.times, this.values]) column.copyWithin(0, length, this.length);
    this.length -= length;
    return columns;
  }

  private epochsOfSteps(): Float64Array {
    const epochs = new Float64Array(this.length);
    for (let end = this.length; end > 0; ) {
      const step = this.steps[end - 1];
      let start = end;
      let epoch = NaN;
      while (start > 0 && this.steps[start - 1] === step) {
        start--;
        if (this.tag[start] === this.epochTag && Number.isNaN(epoch)) epoch = this.values[start]!;
      }
      if (start === 0 && Number.isNaN(epoch) && step === this.lastStep) epoch = this.lastEpoch;
      epochs.fill(epoch, start, end);
      end = start;
    }
    return epochs;
  }

  private lengthWithEpochs(epochs: Float64Array): number {
    let length = this.length;
    if (length === 0 || !Number.isNaN(epochs[length - 1])) {
      return length;
    }
    const step = this.steps[length - 1];
    while (length > 0 && this.steps[length - 1] === step) length--;
    return Number.isNaN(length > 0 ? epochs[length - 1] : this.lastEpoch) ? this.length : length;
  }

  private grow(): void {
    const length = 2 * this.tag.length;
    const tag = new Uint32Array(length);
    tag.set(this.tag);
    this.tag = tag;
    const enlarge = (column: Float64Array): Float64Array<ArrayBuffer> => {
      const larger = new Float64Array(length);
      larger.set(column);
      return larger;
    };
    this.steps = enlarge(this.steps);
    this.times = enlarge(this.times);
    this.values = enlarge(this.values);
  }
}
