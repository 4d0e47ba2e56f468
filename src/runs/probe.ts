import { createFormatRegistry, FormatError, openTensors } from '../formats';
import type { DType, FormatRegistry, Tensor, TensorFile, TensorInfo } from '../formats';
import type { Matrix } from '../linalg/matrix';
import type { FileProblem } from '../protocol';
import { layerOrder } from './layerOrder';
import { placeInTraining } from './placeInTraining';
import { rowsOf, type LayerCandidate } from './probeRows';
import { sampleSetOf, samplesOf, type ProbeSamples } from './probeSamples';

/** More rows than any probe of a fixed sample set needs; the pairs of its rows alone would be 10^12. */
export const mostProbeRows = 1_000_000;

/** Features of one layer with what belongs to their rows; structurally what the metrics take. */
export interface ProbeLayer extends ProbeSamples {
  readonly layer: string;
  /** 0 is the shallowest. Layers that cannot be used keep their place, so that the index is the same in every checkpoint. */
  readonly layerIndex: number;
  /** rows x d. NaN and constant features are kept; what follows from them is for the metrics to say. */
  readonly features: Matrix;
  /** Where the first of these rows is in the file, counted from 0. */
  readonly firstRow: number;
}

export interface ProbeLayerInfo {
  readonly name: string;
  readonly index: number;
  readonly width: number;
  readonly dtype: DType;
}

/** A probe file (inputs.md, section 1), opened: layers and samples are known, features are read layer by layer. */
export interface Probe {
  /** Shallow to deep. */
  readonly layers: readonly ProbeLayerInfo[];
  readonly epoch: number | null;
  readonly step: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Tensors with one entry a row that have no meaning here. */
  readonly rowMetadata: readonly TensorInfo[];
  readonly rows: number;
  readonly samples: number;
  /** The same for probes of the same samples, divided into parts in the same way and with as many views each: only those can be compared. */
  sampleSet(): string;
  /** What is wrong with parts of the file; the rest is usable. */
  readonly problems: readonly FileProblem[];
  /** Whether any sample has a class. */
  readonly isLabelled: boolean;
  /**
   * @param split only the rows of this part (0 = seen in training, 1 = held out), where they follow each other in a file that can be read in pieces; otherwise
   *   all rows. Samples are those of the whole probe either way.
   * @throws {FormatError} when there is no such layer or it cannot be read.
   */
  readLayer(name: string, split?: 0 | 1): Promise<ProbeLayer>;
  close(): Promise<void>;
}

export interface OpenProbeOptions {
  /** Default: all formats. */
  readonly registry?: FormatRegistry;
  /** Name of the file in problems: its path relative to the run. Default: the path. */
  readonly name?: string;
  /** Called before each read of some megabytes at most; what it throws ends the reading. */
  readonly checkpoint?: () => void;
}

/** @throws {FormatError} when the file cannot be read, holds no layer, or its samples cannot be told apart. */
export async function openProbe(path: string, options: OpenProbeOptions = {}): Promise<Probe> {
  const name = options.name ?? path;
  const opened = await openTensors(path, options.registry ?? createFormatRegistry(), { ...options, name });
  try {
    return { ...(await probeOf(opened.file, name)), close: opened.close };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

const layerTypes: ReadonlySet<DType> = new Set<DType>(['F16', 'BF16', 'F32', 'F64']);
const reserved = ['sample_id', 'split', 'label'] as const;

/** The probe in an opened file of tensors. @throws {FormatError} as `openProbe`. */
export async function probeOf(file: TensorFile, fileName: string): Promise<Omit<Probe, 'close'>> {
  const problems = skippedIn(file, fileName);
  const candidates = candidatesOf(file, fileName, problems);
  if (candidates.length === 0) {
    const { place, reason } = whyWithoutLayers(file, problems);
    throw new FormatError(fileName, place, reason);
  }
  const described = reserved.flatMap((name) => file.tensors.filter((tensor) => tensor.name === name));
  const { rows, views, because } = rowsOf(candidates, described);
  if (rows > mostProbeRows) {
    throw new FormatError(fileName, '', `has ${rows} rows, more than the limit of ${mostProbeRows}`);
  }
  const fits = (candidate: LayerCandidate) => candidate.rows === rows && (candidate.views === 1 || candidate.views === views);
  const usable = candidates.filter(fits);
  for (const { info, ...other } of candidates.filter((candidate) => !fits(candidate))) {
    const reason = other.rows === rows ? `has ${other.views} views a sample where others have ${views}` : `has ${other.rows} rows where ${because} ${rows}`;
    problems.push(problem(fileName, `tensor ${info.name}`, `${reason}; the layer is left out`));
  }
  const sampleTensors = await readSampleTensors(file, fileName, described, problems);
  const samples = samplesOf(fileName, rows, views, sampleTensors, problems);
  const { epoch, step } = placeInTraining(file.metadata, fileName, problems);
  return {
    layers: usable.map(({ info, index }) => ({ name: info.name, index, width: info.shape.at(-1)!, dtype: info.dtype })),
    epoch,
    step,
    metadata: file.metadata,
    rowMetadata: file.tensors.filter(({ name, shape }) => shape.length === 1 && !(reserved as readonly string[]).includes(name)),
    rows,
    samples: samples.sampleIds.length,
    sampleSet: () => sampleSetOf(samples),
    problems,
    isLabelled: samples.label.some((label) => label >= 0),
    async readLayer(name, split) {
      const candidate = usable.find(({ info }) => info.name === name);
      if (candidate === undefined) {
        throw new FormatError(fileName, `tensor ${name}`, 'is not a layer of this probe that can be used');
      }
      const { first, count } = (split === undefined || file.readRows === undefined ? null : rowsOfPart(samples, split)) ?? { first: 0, count: rows };
      // Of [samples, views, d], the views of a sample lie together.
      const own = candidate.views;
      const inPieces = count < rows && first % own === 0 && count % own === 0;
      const { data } = inPieces ? await file.readRows!(name, first / own, count / own) : await file.read(name);
      const features = { rows: inPieces ? count : rows, columns: candidate.info.shape.at(-1)!, data: data as Float32Array | Float64Array };
      const range = inPieces ? { sample: samples.sample.subarray(first, first + count), firstRow: first } : { firstRow: 0 };
      return { layer: name, layerIndex: candidate.index, features, ...samples, ...range };
    },
  };
}

/** Why a file of tensors is no probe that can be measured, as far as their list says; null when it holds a layer. */
export function explainWithoutLayers(file: TensorFile, fileName: string): { readonly place: string; readonly reason: string } | null {
  const problems = skippedIn(file, fileName);
  return candidatesOf(file, fileName, problems).length > 0 ? null : whyWithoutLayers(file, problems);
}

/** The same of any file of tensors: null when it holds a tensor. */
export function explainEmpty({ tensors }: TensorFile): { readonly place: string; readonly reason: string } | null {
  return tensors.length > 0 ? null : { place: '', reason: 'is empty: it holds no tensor' };
}

/** The first tensor that was refused, where there is one. */
function whyWithoutLayers(file: TensorFile, [refused]: readonly FileProblem[]): { readonly place: string; readonly reason: string } {
  if (refused !== undefined) return { place: refused.place, reason: refused.reason };
  return explainEmpty(file) ?? { place: '', reason: 'holds no layer: no 2-dimensional tensor of floating-point numbers [rows, d] with rows in it' };
}

function skippedIn({ skipped = [] }: TensorFile, fileName: string): FileProblem[] {
  return skipped.map(({ name, reason }) => problem(fileName, `tensor ${name}`, reason));
}

/** Where the rows of a part are, when nothing else is between them; null otherwise, and when there are none. */
function rowsOfPart({ sample, split }: ProbeSamples, wanted: 0 | 1): { readonly first: number; readonly count: number } | null {
  let first = -1;
  let last = -1;
  let count = 0;
  for (let row = 0; row < sample.length; row++) {
    if (split[sample[row]!] !== wanted) continue;
    if (first < 0) first = row;
    last = row;
    count += 1;
  }
  return count > 0 && last - first + 1 === count ? { first, count } : null;
}

/** Tensors that may be layers, in order of depth. */
function candidatesOf(file: TensorFile, fileName: string, problems: FileProblem[]): LayerCandidate[] {
  const byName = new Map<string, Omit<LayerCandidate, 'index'>>();
  for (const info of file.tensors) {
    if ((reserved as readonly string[]).includes(info.name) || info.shape.length < 2) {
      continue;
    }
    const place = `tensor ${info.name}`;
    const shape = `[${info.shape.join(', ')}]`;
    if (!layerTypes.has(info.dtype)) {
      problems.push(problem(fileName, place, `${info.dtype} of shape ${shape} is no layer: features are F16, BF16, F32 or F64`, 'info'));
    } else if (info.shape.length > 3) {
      problems.push(problem(fileName, place, `has ${info.shape.length} axes ${shape}; pool it to [rows, d] before saving (mean over tokens or pixels, or the class token)`));
    } else if (info.shape.includes(0)) {
      problems.push(problem(fileName, place, `is empty: its shape is ${shape}`));
    } else {
      const views = info.shape.length === 3 ? info.shape[1]! : 1;
      byName.set(info.name, { info, rows: info.shape[0]! * views, views });
    }
  }
  // Layers with another number of rows keep their index, too: it must be the same in every checkpoint of the run.
  const order = layerOrder([...byName.keys()], file.metadata['layers'], fileName, problems);
  return order.map((name, index) => ({ ...byName.get(name)!, index }));
}

async function readSampleTensors(
  file: TensorFile,
  fileName: string,
  infos: readonly TensorInfo[],
  problems: FileProblem[],
): Promise<Record<string, Tensor>> {
  const tensors: Record<string, Tensor> = {};
  for (const { name, shape } of infos) {
    if (shape.length === 1 && shape[0]! <= mostProbeRows) {
      tensors[name] = await file.read(name);
      continue;
    }
    const reason = `has shape [${shape.join(', ')}], but needs one entry a row`;
    if (name !== 'label') {
      throw new FormatError(fileName, `tensor ${name}`, reason);
    }
    problems.push(problem(fileName, `tensor ${name}`, `${reason}; all samples count as not labelled`));
  }
  return tensors;
}

function problem(file: string, place: string, reason: string, severity: FileProblem['severity'] = 'warning'): FileProblem {
  return { file, place, reason, severity };
}
