import { driftMetrics, metricsOfPrevious } from '../metrics';
import type { FileOnDisk } from '../runs';
import type { CheckpointReferences } from './layerMeasurer';
import { findReferences } from './references';
import type { InspectedTensors } from './tensorWatch';

/** Whether the files of this kind are measured against each other. */
function isComparing(kind: FileOnDisk['kind'], ours: readonly FileOnDisk[], metrics: readonly string[]): boolean {
  const comparing: readonly string[] = kind === 'probe' ? metricsOfPrevious : driftMetrics;
  return ours.some((file) => file.kind === kind) && comparing.some((id) => metrics.includes(id));
}

interface Inspected {
  /** Of our files, by path. */
  readonly contents: ReadonlyMap<string, InspectedTensors>;
  readonly references: ReadonlyMap<string, CheckpointReferences>;
}

/**
 * Opens our files, and those of the others that are needed to know what ours are compared with. Of the others only what ours are compared with is
 * read to be identified: a shard of a long run must not read all of it.
 */
export async function inspectSources(
  ours: readonly FileOnDisk[],
  all: readonly FileOnDisk[],
  metrics: readonly string[],
  inspect: (file: FileOnDisk, identify: boolean) => Promise<InspectedTensors | null>,
): Promise<Inspected> {
  const others = all.filter((file) => !ours.includes(file) && isComparing(file.kind, ours, metrics));
  const known = [...ours, ...others];
  const contents = new Map<string, InspectedTensors>();
  for (const file of known) {
    const content = await inspect(file, ours.includes(file));
    if (content !== null) contents.set(file.path, content);
  }
  const find = (): ReadonlyMap<string, CheckpointReferences> => {
    const ofKind = (kind: FileOnDisk['kind']) =>
      known.flatMap(({ path: name, absolutePath }) => {
        const content = contents.get(name);
        return content?.kind === kind ? [{ path: name, absolutePath, content }] : [];
      });
    return new Map([...findReferences(ofKind('probe')), ...findReferences(ofKind('checkpoint'))]);
  };
  const first = find();
  const compared = new Set(ours.flatMap(({ path: name }) => [first.get(name)?.previous?.file, first.get(name)?.first?.file]));
  for (const file of others) {
    if (!compared.has(file.absolutePath)) continue;
    const content = await inspect(file, true);
    if (content !== null) contents.set(file.path, content);
  }
  return { contents, references: find() };
}
