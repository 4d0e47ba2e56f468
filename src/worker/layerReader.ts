import { FormatError, openFile } from '../formats';
import { metricsOfBothParts, metricsOfDeepest, metricsOfPrevious } from '../metrics';
import type { LayerFeatures, LayerReference, Part } from '../metrics';
import type { CheckpointReference, FeatureTask } from '../monitor';
import { openProbe } from '../runs';

type Role = 'layer' | 'deepest' | 'previous';
type OpenLayer = { -readonly [Name in keyof LayerFeatures]: LayerFeatures[Name] };

interface Held {
  readonly key: string;
  readonly layer: LayerFeatures;
  /** The part that it holds the rows of; null: all rows. */
  readonly part: Part | null;
  readonly isLabelled: boolean;
}

/** What is asked for of a file. */
interface Wanted {
  readonly part: Part;
  /** Whether the other part is needed, too, should samples be labelled. */
  readonly both: boolean;
  readonly checkpoint: () => void;
}

/** Unused for so long, layers are let go: they may be hundreds of megabytes, and the next task may be of another file. */
const idleMilliseconds = 500;

/**
 * Reads layers, and keeps the last one and the last ones that it was compared with as long as work on them follows: the units of a layer come one
 * by one, and the deepest layer of a probe is the same for all of its layers.
 */
export class LayerReader {
  private readonly held = new Map<Role, Held>();
  /** What is memoized of a layer hangs on its copy: it goes when the work on the next part begins. */
  private readonly copies = new Map<Role, { readonly of: LayerFeatures; readonly part: Part; readonly copy: OpenLayer }>();
  private timer: NodeJS.Timeout | null = null;

  /**
   * The layer of a task, with what these metrics of it are compared with.
   * @throws {FormatError} when it cannot be read; that the one before cannot be read is a reason in the answer.
   */
  async read(task: Pick<FeatureTask, 'file' | 'layer' | 'previous'> & { readonly metrics?: readonly string[] }, part: Part, metrics: readonly string[], checkpoint: () => void): Promise<LayerFeatures> {
    this.keep();
    const { file, layer: name, previous } = task;
    const isAsked = (some: readonly string[], of = metrics): boolean => of.some((id) => some.includes(id));
    // What a later unit of the task needs is read with the first one.
    const wanted = { part, both: isAsked(metricsOfBothParts, task.metrics), checkpoint };
    const layer = await this.hold('layer', file, name, wanted);
    checkpoint();
    if (isAsked(metricsOfBothParts)) {
      // What other measures left on the copy is of no use to these, which need the room.
      this.copies.delete('layer');
      this.forget('deepest');
    }
    const copy = this.copyOf('layer', layer, part);
    if (isAsked(metricsOfDeepest)) copy.deepest = await this.deepestOf(file, name, { ...wanted, both: false });
    checkpoint();
    if (isAsked(metricsOfPrevious)) {
      copy.previous = previous === null ? null : await this.previousOf(previous, name, { ...wanted, both: false });
    } else {
      // It serves one layer, and the units that need it follow each other.
      delete copy.previous;
      this.forget('previous');
    }
    checkpoint();
    return copy;
  }

  /** Work has ended: what is held is let go soon, unless more comes. */
  rest(): void {
    this.keep();
    this.timer = setTimeout(() => {
      this.held.clear();
      this.copies.clear();
    }, idleMilliseconds);
  }

  private keep(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  private forget(role: Role): void {
    this.held.delete(role);
    this.copies.delete(role);
  }

  private copyOf(role: Role, layer: LayerFeatures, part: Part): OpenLayer {
    const known = this.copies.get(role);
    if (known?.of === layer && known.part === part) return known.copy;
    const copy = { ...layer };
    this.copies.set(role, { of: layer, part, copy });
    return copy;
  }

  private async deepestOf(file: string, name: string, wanted: Wanted): Promise<LayerFeatures | null> {
    const probe = await openProbe(file, { checkpoint: wanted.checkpoint });
    const deepest = probe.layers.at(-1)?.name;
    await probe.close();
    return deepest === undefined || deepest === name ? null : this.copyOf('deepest', await this.hold('deepest', file, deepest, wanted), wanted.part);
  }

  private async previousOf({ file, fingerprint }: CheckpointReference, name: string, wanted: Wanted): Promise<LayerReference> {
    try {
      return { since: fingerprint, layer: this.copyOf('previous', await this.hold('previous', file, name, wanted), wanted.part), reason: '' };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const place = error.place === '' ? '' : `, ${error.place}`;
      return { since: fingerprint, layer: null, reason: `The layer cannot be read from the earlier checkpoint (${error.file}${place}): ${error.reason}.` };
    }
  }

  private async hold(role: Role, file: string, name: string, { part, both, checkpoint }: Wanted): Promise<LayerFeatures> {
    const key = JSON.stringify([file, await versionOf(file), name]);
    const known = this.held.get(role);
    if (known?.key === key && (known.part === null || (known.part === part && !(both && known.isLabelled)))) return known.layer;
    // Let go of the last one first: two of them need not fit into memory.
    this.forget(role);
    const probe = await openProbe(file, { checkpoint });
    try {
      const layer = await probe.readLayer(name, both && probe.isLabelled ? undefined : part === 'train' ? 0 : 1);
      this.held.set(role, { key, layer, part: layer.features.rows === probe.rows ? null : part, isLabelled: probe.isLabelled });
      return layer;
    } finally {
      await probe.close();
    }
  }
}

/** A layer of a file that was rewritten is another layer. */
async function versionOf(file: string): Promise<string> {
  const source = await openFile(file);
  await source.close();
  return source.version;
}
