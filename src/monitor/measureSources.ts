import { stat } from 'node:fs/promises';
import path from 'node:path';
import { explainSystemError, FormatError, createFormatRegistry } from '../formats';
import type { FormatRegistry } from '../formats';
import { EngineUnavailable } from '../linalg';
import type { MeasureOptions } from '../metrics';
import type { FileProblem, MeasurementRecord, MeasureProgress } from '../protocol';
import { findRuns, runIdOf } from '../runs';
import type { FileOnDisk, RunOnDisk } from '../runs';
import { isPartOfRun } from '../runs/conventions';
import { RecordStore } from '../store';
import type { LayerMeasurer, LayerTask } from './layerMeasurer';
import { isCurrent, planProbe } from './plan';
import { measuredMetrics, methodOf, relabel, toProblem, toRecords } from './probeRecords';
import type { ProbeFile } from './probeRecords';
import { inspectProbe, isUnchanged } from './probeWatch';
import { Slots } from './slots';

/** `index` (1 .. `count`) says which part of the probes is ours; the parts are disjoint and together complete. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

export interface MeasureSourcesRequest {
  /** Absolute path of a run's folder, or of one probe file. */
  readonly target: string;
  readonly measurer: LayerMeasurer;
  readonly options: MeasureOptions;
  /** Metric ids; all when left out. */
  readonly metrics?: readonly string[];
  /** Which layers; all when left out. */
  readonly acceptLayer?: (layer: string) => boolean;
  readonly shard?: Shard;
  /** Measure also what is stored already. Default false. */
  readonly again?: boolean;
  /** Whether new records are appended to `<run>/.layerscope`. Default true. Stored records are read in both cases. */
  readonly save?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: MeasureProgress) => void;
  /** New records, as soon as a layer is finished and they are on disk. */
  readonly onRecords?: (records: readonly MeasurementRecord[]) => void;
}

export interface MeasureSourcesResult {
  /** Absolute path of the run's folder. */
  readonly folder: string;
  /** Name of the run: of its folder. */
  readonly run: string;
  /** Every current record that was asked for, those found on disk included; by checkpoint, layer and metric. */
  readonly records: readonly MeasurementRecord[];
  readonly problems: readonly FileProblem[];
  /** Layers of probes measured now, not counting what was stored. */
  readonly measured: number;
}

/** Layers given to the measurer at once; it takes as many as it has threads. */
const layersAtOnce = 64;

/**
 * Measures what is not measured yet of a run or a probe and answers with all of its records.
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
  const { run, files } = await locate(request.target, registry);
  const beside = path.join(run.folder, '.layerscope');
  const store = new RecordStore({
    read: [beside],
    write: save ? [beside] : [],
    ...(shard === undefined ? {} : { fileName: `records-shard-${shard.index}-of-${shard.count}.jsonl` }),
  });
  await store.refresh();

  const problems: FileProblem[] = [...run.problems];
  const probes: ProbeFile[] = [];
  const slots = new Slots(layersAtOnce);
  const running: Promise<void>[] = [];
  let measured = 0;
  let done = 0;
  let total = 0;
  let fatal: unknown = null;

  const measureLayer = async (probe: ProbeFile, task: LayerTask): Promise<void> => {
    if (fatal !== null || signal.aborted) return;
    const title = `${task.layer} of ${probe.path}`;
    request.onProgress?.({ runId: run.id, done, total, current: title });
    try {
      const measurements = await request.measurer.measure(task, signal);
      if (!(await isUnchanged(task.file, probe.content.fileVersion))) throw new FormatError(probe.path, '', 'changed while it was measured');
      const records = toRecords(probe, measurements);
      await store.append(records);
      measured += 1;
      request.onRecords?.(records);
    } catch (error) {
      if (signal.aborted || error instanceof EngineUnavailable) fatal ??= error;
      else problems.push(toProblem(probe.path, task.layer, error));
    } finally {
      done += 1;
      request.onProgress?.({ runId: run.id, done, total, current: title });
    }
  };

  const ours = files.filter((_, i) => shard === undefined || i % shard.count === shard.index - 1);
  for (const file of ours) {
    signal.throwIfAborted();
    if (fatal !== null) break;
    let probe: ProbeFile;
    try {
      probe = { run: run.name, path: file.path, content: await inspectProbe(file, registry) };
    } catch (error) {
      if (!(error instanceof FormatError) || file.absolutePath === path.resolve(request.target)) throw error;
      problems.push({ file: error.file, place: error.place, reason: error.reason, severity: 'error' });
      continue;
    }
    problems.push(...probe.content.problems);
    // A copy of a file that was just planned (last.safetensors, for example) is measured with it.
    const isCopy = probes.some(({ content }) => content.fingerprint === probe.content.fingerprint);
    probes.push(probe);
    if (isCopy) continue;
    const { fingerprint, layers } = probe.content;
    const tasks = planProbe({
      file: file.absolutePath, layers, metrics, options, methodOf, again, records: store.ofContent(fingerprint), ...(acceptLayer && { acceptLayer }),
    });
    total += tasks.length;
    running.push(...tasks.map((task) => slots.run(() => measureLayer(probe, task))));
  }
  await Promise.all(running);
  if (fatal !== null) throw fatal;
  signal.throwIfAborted();
  problems.push(...(save ? store.problems : []));
  const accepted = (record: MeasurementRecord): boolean =>
    isCurrent(record, options, methodOf) && metrics.includes(record.metric) && (acceptLayer?.(record.layer) ?? true);
  const records = withoutCopies(probes).flatMap((probe) => relabel(probe, store.ofContent(probe.content.fingerprint).filter(accepted)));
  return { folder: run.folder, run: run.name, records: records.sort(compareRecords), problems, measured };
}

/** The run that a target belongs to, and the probes that are meant. */
async function locate(target: string, registry: FormatRegistry): Promise<{ readonly run: RunOnDisk; readonly files: readonly FileOnDisk[] }> {
  const absolute = path.resolve(target);
  const found = await stat(absolute).catch((error: unknown) => {
    throw new FormatError(target, '', explainSystemError(error));
  });
  let folder = found.isDirectory() ? absolute : path.dirname(absolute);
  while (!found.isDirectory() && isPartOfRun(path.basename(folder)) && path.dirname(folder) !== folder) folder = path.dirname(folder);
  const { runs, problems } = await findRuns([{ name: path.basename(folder), path: folder }], { registry });
  const run = runs.find((each) => each.folder === folder);
  if (found.isDirectory()) {
    if (run === undefined) {
      const below = runs.map(({ name }) => name).join(', ');
      throw new FormatError(target, '', `holds no log, checkpoint or probe${below === '' ? '' : `; runs below it: ${below}`}`);
    }
    return { run: { ...run, problems: [...run.problems, ...problems] }, files: run.files.filter(({ kind }) => kind === 'probe') };
  }
  const known = run?.files.find(({ absolutePath }) => absolutePath === absolute);
  const file: FileOnDisk = known ?? {
    kind: 'probe', path: path.relative(folder, absolute).split(path.sep).join('/'), absolutePath: absolute, formatId: null, format: 'probe',
    bytes: found.size, modified: found.mtimeMs, epoch: null, step: null, problem: null,
  };
  return { run: run ?? { id: runIdOf(folder), name: path.basename(folder), folder, files: [file], problems: [] }, files: [file] };
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
function withoutCopies(probes: readonly ProbeFile[]): ProbeFile[] {
  const seen = new Set<string>();
  return probes.filter(({ content: { fingerprint, epoch, step } }) => {
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
