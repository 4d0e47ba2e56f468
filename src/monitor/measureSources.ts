import { stat } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, FormatError, createFormatRegistry } from '../formats';
import type { FormatRegistry } from '../formats';
import { EngineUnavailable } from '../linalg';
import { metricsOfPrevious } from '../metrics';
import type { MeasureOptions } from '../metrics';
import type { FileProblem, MeasurementRecord, MeasureProgress, ProbeData } from '../protocol';
import { findRuns, isShard, runIdOf } from '../runs';
import type { FileOnDisk, RunOnDisk } from '../runs';
import { classify } from '../runs/classify';
import { isPartOfRun } from '../runs/conventions';
import { RecordStore } from '../store';
import { extractMissing } from './extractMissing';
import type { FeatureExtractor } from './featureExtractor';
import { measuredMetrics, methodOf, metricsOf, relabel, relabelTraining, toProblem, toRecords } from './fileRecords';
import type { MeasuredFile } from './fileRecords';
import { inspectSources } from './inspectSources';
import type { CheckpointReferences, LayerMeasurer, LayerTask } from './layerMeasurer';
import { type Lots, lotOfLayer, ownLots } from './lots';
import { isCurrent, isCurrentOfWeights, planCheckpoint, planProbe } from './plan';
import { findChanged, noReferences } from './references';
import type { InspectedTensors } from './tensorWatch';
import { inspectTensors } from './tensorWatch';
import { workThrough } from './workThrough';

/** `index` (1 .. `count`) says which part of the probes and checkpoints is ours; the parts are disjoint and together complete. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

export interface MeasureSourcesRequest {
  /** Absolute path of a run's folder, or of one probe or checkpoint file. */
  readonly target: string;
  readonly measurer: LayerMeasurer;
  readonly options: MeasureOptions;
  /** Metric ids; all when left out. */
  readonly metrics?: readonly string[];
  /** Which layers; all when left out. */
  readonly acceptLayer?: (layer: string) => boolean;
  readonly shard?: Shard;
  /** Of a run: the images that the models of checkpoints without a probe are shown. Default: those checkpoints have no features. */
  readonly features?: { readonly data: ProbeData; readonly extractor: FeatureExtractor; readonly onProgress?: (current: string) => void };
  /** Measure also what is stored already. Default false. */
  readonly again?: boolean;
  /** Whether new records are appended to `<run>/.layerscope`. Default true. Stored records are read in both cases. */
  readonly save?: boolean;
  readonly signal?: AbortSignal;
  /** Layers given to the measurer at once: as many as it has threads, and one that waits. Default 5. */
  readonly layersAtOnce?: number;
  /** In what order layers are measured while another process measures the same. Default: one that no other process has. */
  readonly lots?: Lots;
  readonly onProgress?: (progress: MeasureProgress) => void;
  /** New records, as soon as a layer is finished and they are on disk. */
  readonly onRecords?: (records: readonly MeasurementRecord[]) => void;
}

export interface MeasureSourcesResult {
  /** Absolute path of the run's folder. */
  readonly folder: string;
  /** Name of the run: of its folder. */
  readonly run: string;
  /**
   * Every current record that was asked for, those found on disk included; by checkpoint, layer and metric. Of a run also what its training
   * recorded of its own batches, which is measured by nobody else and so never outdated.
   */
  readonly records: readonly MeasurementRecord[];
  readonly problems: readonly FileProblem[];
  /** The probes and checkpoints that were asked for, of all shards, readable or not. */
  readonly files: readonly FileOnDisk[];
  /** Names of the layers there are in them and in what the training recorded, accepted or not. Of a shard without an accepted layer, those of the others, too. */
  readonly layers: readonly string[];
  /** Features that models of the run gave, as probes of it. */
  readonly extracted: readonly FileOnDisk[];
  /** Layers measured now, not counting what was stored. */
  readonly measured: number;
  /** Probes and checkpoints that could be opened. */
  readonly opened: number;
}

/** What four threads are given, and one layer that waits. */
const defaultLayersAtOnce = 5;

interface LayerToDo {
  readonly file: MeasuredFile;
  readonly task: LayerTask;
  /** What is missing of it by now; null when another process has stored it. */
  lookAgain(): Promise<LayerTask | null>;
}

/**
 * Measures what is not measured yet of a run, a probe or a checkpoint and answers with all of its records. Several processes may do so at once:
 * before a layer is measured, the records are looked at again.
 * Bad files and layers become problems; the rest is measured. With a shard, records are written to a file of its own,
 * because not every network drive keeps appends of several machines apart.
 * @throws {RangeError} naming an unknown metric or a shard outside 1 .. count; {FormatError} when the target itself cannot be used;
 * {EngineUnavailable} when nothing can be measured here; an AbortError when `signal` is aborted (finished layers stay on disk).
 */
export async function measureSources(request: MeasureSourcesRequest): Promise<MeasureSourcesResult> {
  const { shard, acceptLayer, options, again = false, save = true, signal = new AbortController().signal } = request;
  const metrics = checkMetrics(request.metrics);
  checkShard(shard);
  const registry = createFormatRegistry();
  const located = await locate(request.target, metrics, registry);
  const { run } = located;
  const isRun = path.resolve(request.target) === run.folder;
  const fromModels = isRun && request.features !== undefined && metricsOf('probe').some((id) => metrics.includes(id))
    ? await extractMissing({ ...request.features, run, registry, signal }) : { extracted: [], problems: [] };
  const extracted = fromModels.extracted.map(({ probe }) => probe);
  const [files, others] = [[...extracted, ...located.files], [...extracted, ...located.others]];
  const beside = path.join(run.folder, '.layerscope');
  const store = new RecordStore({
    read: [beside],
    write: save ? [beside] : [],
    ...(shard === undefined ? {} : { fileName: `records-shard-${shard.index}-of-${shard.count}.jsonl` }),
  });
  await store.refresh();

  const problems: FileProblem[] = [...run.problems, ...fromModels.problems];
  const measuredFiles: MeasuredFile[] = [];
  const toDo: LayerToDo[] = [];
  let measured = 0;
  let done = 0;
  let total = 0;
  let fatal: unknown = null;

  const measureLayer = async ({ file, task: planned, lookAgain }: LayerToDo): Promise<void> => {
    const title = `${planned.layer} of ${file.path}`;
    try {
      const task = await lookAgain();
      if (task === null || signal.aborted) return;
      request.onProgress?.({ runId: run.id, done, total, current: title });
      const measurements = await request.measurer.measure(task, signal);
      const changed = await findChanged(task, file.content.fileVersion);
      if (changed !== null) throw new FormatError(changed === task.file ? file.path : changed, '', 'changed while it was measured');
      // Another process may have been at the same layer and ended sooner: records are not to pile up.
      if ((await lookAgain()) === null) return;
      const records = toRecords(file, measurements);
      await store.append(records);
      measured += 1;
      request.onRecords?.(records);
    } catch (error) {
      if (signal.aborted || error instanceof EngineUnavailable) fatal ??= error;
      else problems.push(toProblem(file.path, planned.layer, error));
    } finally {
      done += 1;
      request.onProgress?.({ runId: run.id, done, total, current: title });
    }
  };

  const ours = files.filter((_, i) => shard === undefined || i % shard.count === shard.index - 1);
  const remarks = new Set<string>();
  const inspect = async (file: FileOnDisk, identify: boolean): Promise<InspectedTensors | null> => {
    signal.throwIfAborted();
    const isOurs = ours.includes(file);
    try {
      const content = await inspectTensors(file, registry, { identify });
      // The checkpoints of a run all hold the same tensors that are no layers; once is enough.
      if (isOurs) problems.push(...content.problems.filter(({ severity, reason }) => severity !== 'info' || file.kind === 'probe' || (!remarks.has(reason) && remarks.add(reason))));
      return content;
    } catch (error) {
      if (!(error instanceof FormatError) || file.absolutePath === path.resolve(request.target)) throw error;
      if (isOurs) problems.push({ file: error.file, place: error.place, reason: error.reason, severity: 'error' });
      return null;
    }
  };
  const { contents, references } = await inspectSources(ours, others, metrics, inspect);
  const referencesOf = (file: MeasuredFile): CheckpointReferences => references.get(file.path) ?? noReferences;

  for (const { path: name, absolutePath } of ours) {
    const content = contents.get(name);
    if (content === undefined) continue;
    const file: MeasuredFile = { run: run.name, path: name, content };
    // A copy of a file that was just planned (last.safetensors, for example) is measured with it, unless it is compared with something else.
    const copies = measuredFiles.filter((other) => other.content.fingerprint === content.fingerprint);
    measuredFiles.push(file);
    const since = (one: MeasuredFile): string | undefined => referencesOf(one).previous?.fingerprint;
    if (copies.some((copy) => since(copy) === since(file))) continue;
    const kinds = metricsOf(content.kind).filter((id) => copies.length === 0 || metricsOfPrevious.includes(id));
    const plan = { file: absolutePath, layers: content.layers, metrics: metrics.filter((id) => kinds.includes(id)), methodOf, again };
    const { previous } = referencesOf(file);
    const missing = (accept: ((layer: string) => boolean) | undefined): LayerTask[] => {
      const now = { ...plan, records: store.ofContent(content.fingerprint), ...(accept && { acceptLayer: accept }) };
      return content.kind === 'probe' ? planProbe({ ...now, options, previous }) : planCheckpoint({ ...now, references: referencesOf(file) });
    };
    const lookAgain = async (task: LayerTask): Promise<LayerTask | null> => {
      if (again) return task;
      await store.refresh();
      return missing((layer) => layer === task.layer)[0] ?? null;
    };
    toDo.push(...missing(acceptLayer).map((task) => ({ file, task, lookAgain: () => lookAgain(task) })));
  }
  total = toDo.length;
  const lots = request.lots ?? ownLots;
  const lotOf = ({ file, task }: LayerToDo): number => lotOfLayer(lots, file.content.fingerprint, task.layer);
  await workThrough(toDo, {
    atOnce: request.layersAtOnce ?? defaultLayersAtOnce,
    lotOf: () => (store.addedByOthers > 0 ? lotOf : null),
    act: async (each) => {
      if (fatal === null && !signal.aborted) await measureLayer(each);
    },
  });
  if (fatal !== null) throw fatal;
  signal.throwIfAborted();
  problems.push(...(save ? store.problems : []));
  const accepted = (file: MeasuredFile, record: MeasurementRecord): boolean =>
    (file.content.kind === 'probe' ? isCurrent(record, options, referencesOf(file).previous, methodOf) : isCurrentOfWeights(record, referencesOf(file), methodOf)) &&
    metrics.includes(record.metric) && (acceptLayer?.(record.layer) ?? true);
  const records = withoutCopies(measuredFiles).flatMap((file) =>
    relabel(file, store.ofContent(file.content.fingerprint).filter((record) => accepted(file, record))),
  );
  // Of a run, not of one of its files; the first of several shards answers for it.
  if (isRun && (shard === undefined || shard.index === 1)) {
    const ofTraining = store.ofTraining().filter(({ metric, layer }) => metrics.includes(metric) && (acceptLayer?.(layer) ?? true));
    records.push(...relabelTraining(run.name, ofTraining));
  }
  const layers = new Set([...measuredFiles.flatMap(({ content }) => content.layers), ...(isRun ? store.ofTraining().map(({ layer }) => layer) : [])]);
  if (acceptLayer !== undefined && shard !== undefined) {
    for (const file of files) {
      if ([...layers].some(acceptLayer)) break;
      if (!ours.includes(file)) for (const layer of (await inspect(file, false))?.layers ?? []) layers.add(layer);
    }
  }
  return { folder: run.folder, run: run.name, records: records.sort(compareRecords), problems, files, layers: [...layers], extracted, measured, opened: measuredFiles.length };
}

interface Located {
  readonly run: RunOnDisk;
  /** What is meant: probes first, as they say more. */
  readonly files: readonly FileOnDisk[];
  /** All probes and checkpoints of the run, for what is measured against another one. */
  readonly others: readonly FileOnDisk[];
}

/** The run that a target belongs to, and the files that are meant. @throws {FormatError} when none of the metrics can be measured of a file target. */
async function locate(target: string, metrics: readonly string[], registry: FormatRegistry): Promise<Located> {
  const absolute = path.resolve(target);
  const found = await stat(absolute).catch((error: unknown) => {
    throw new FormatError(target, '', explainSystemError(error));
  });
  let folder = found.isDirectory() ? absolute : path.dirname(absolute);
  while (!found.isDirectory() && isPartOfRun(path.basename(folder)) && path.dirname(folder) !== folder) folder = path.dirname(folder);
  const { runs, problems } = await findRuns([{ name: path.basename(folder), path: folder }], { registry });
  const run = runs.find((each) => each.folder === folder);
  const isAsked = (kind: 'probe' | 'checkpoint'): boolean => metricsOf(kind).some((id) => metrics.includes(id));
  const ofKind = (kind: 'probe' | 'checkpoint'): FileOnDisk[] =>
    (run?.files ?? []).filter((file) => file.kind === kind && (kind === 'probe' || (file.formatId !== null && !isShard(file.path))));
  if (found.isDirectory()) {
    if (run === undefined) {
      const below = runs.map(({ name }) => name).join(', ');
      throw new FormatError(target, '', `holds no log, checkpoint or probe${below === '' ? '' : `; runs below it: ${below}`}`);
    }
    const files = (['probe', 'checkpoint'] as const).flatMap((kind) => (isAsked(kind) ? ofKind(kind) : []));
    return { run: { ...run, problems: [...run.problems, ...problems] }, files, others: [...ofKind('probe'), ...ofKind('checkpoint')] };
  }
  const known = run?.files.find(({ absolutePath }) => absolutePath === absolute);
  const classified = known !== undefined ? null : (await classify(absolute, found.size, registry).catch((error: unknown) => {
    throw new FormatError(target, '', explainSystemError(error));
  }));
  const file: FileOnDisk = known ?? {
    kind: classified?.kind ?? (isAsked('probe') ? 'probe' : 'checkpoint'), path: path.relative(folder, absolute).split(path.sep).join('/'),
    absolutePath: absolute, formatId: null, format: 'probe', bytes: found.size, modified: found.mtimeMs, epoch: null, step: null, problem: null,
  };
  if (file.kind !== 'log' && !isAsked(file.kind)) {
    const hint = known?.hint?.reason ?? classified?.hint;
    throw new FormatError(target, '', `is a ${file.kind}: ${metrics.join(', ')} cannot be measured of it${hint === undefined ? '' : `. It ${hint}`}`);
  }
  return { run: run ?? { id: runIdOf(folder), name: path.basename(folder), folder, files: [file], problems: [] }, files: [file], others: [...ofKind('probe'), ...ofKind('checkpoint')] };
}

function checkMetrics(metrics: readonly string[] | undefined): readonly string[] {
  const unknown = metrics?.find((id) => !measuredMetrics.includes(id));
  if (unknown !== undefined) throw new RangeError(`There is no metric "${unknown}". Known: ${measuredMetrics.join(', ')}.`);
  return metrics ?? measuredMetrics;
}

function checkShard(shard: Shard | undefined): void {
  if (shard === undefined) return;
  const { index, count } = shard;
  if (!Number.isInteger(count) || !Number.isInteger(index) || count < 1 || index < 1 || index > count) {
    throw new RangeError(`A shard is I/N with whole numbers 1 <= I <= N, not ${index}/${count}.`);
  }
}

/** Files of one content at one moment are shown once. */
function withoutCopies(files: readonly MeasuredFile[]): MeasuredFile[] {
  const seen = new Set<string>();
  return files.filter(({ content: { fingerprint, epoch, step } }) => {
    const key = JSON.stringify([fingerprint, epoch, step]);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

const splitOrder = ['train', 'held_out', 'gap'];

function compareRecords(a: MeasurementRecord, b: MeasurementRecord): number {
  return (
    (a.epoch ?? Infinity) - (b.epoch ?? Infinity) || (a.step ?? Infinity) - (b.step ?? Infinity) || a.layerIndex - b.layerIndex ||
    measuredMetrics.indexOf(a.metric) - measuredMetrics.indexOf(b.metric) || splitOrder.indexOf(a.split ?? '') - splitOrder.indexOf(b.split ?? '')
  );
}
