import { createFormatRegistry, describeStateDict, floatTypes, FormatError, openTensors } from '../formats';
import type { FormatRegistry, SkippedTensor, TensorFile, TensorInfo, TensorRole } from '../formats';
import type { FileProblem } from '../protocol';
import { hintOfFeatures } from './likelyFeatures';
import { placeInTraining } from './placeInTraining';
import { explainEmpty } from './probe';
import { orderByDepth } from './weightOrder';

/** Values of a weight tensor; structurally what the metrics take. */
export interface WeightValues {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** One weight matrix, or the kernel of a convolution. */
export interface CheckpointLayer {
  /** Name of the parameter in the bare model, without `.weight`. */
  readonly name: string;
  /** 0 is the shallowest. */
  readonly index: number;
  /** Name of the tensor in the file. */
  readonly tensor: string;
  readonly shape: readonly number[];
  /** Tensor of the teacher with the same name and shape; null when there is none. */
  readonly teacher: string | null;
}

/** A checkpoint, opened: its weight matrices are known, values are read one tensor at a time. */
export interface Checkpoint {
  /** Shallow to deep. */
  readonly layers: readonly CheckpointLayer[];
  readonly epoch: number | null;
  readonly step: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Tensors with two axes or more that are no layers, with the reason; those of optimizers and teachers are not listed. */
  readonly skipped: readonly SkippedTensor[];
  readonly problems: readonly FileProblem[];
  /** @throws {FormatError} when there is no such layer or it cannot be read. */
  readWeights(layer: string): Promise<WeightValues>;
  /** The teacher's weights of a layer; null when there are none. @throws {FormatError} when they cannot be read. */
  readTeacher(layer: string): Promise<WeightValues | null>;
  close(): Promise<void>;
}

export interface OpenCheckpointOptions {
  /** Default: all formats. */
  readonly registry?: FormatRegistry;
  /** Name of the file in problems: its path relative to the run. Default: the path. */
  readonly name?: string;
  /** Called before each read of some megabytes at most; what it throws ends the reading. */
  readonly checkpoint?: () => void;
}

/** @throws {FormatError} when the file cannot be read. */
export async function openCheckpoint(path: string, options: OpenCheckpointOptions = {}): Promise<Checkpoint> {
  const name = options.name ?? path;
  const opened = await openTensors(path, options.registry ?? createFormatRegistry(), { ...options, name });
  return { ...checkpointOf(opened.file, name), close: opened.close };
}

/** Learned or fixed, but not multiplied with anything: tables of positions, tokens, buffers. */
const tables: readonly (readonly [RegExp, string])[] = [
  [/(?:^|[._])(?:pos_embed|position_embeddings?|positional_embedding|pos_embedding|decoder_pos_embed|rel_pos_[hw]|pos_emb)(?:$|\.)/, 'is a table of positions'],
  [/relative_position_(?:bias_table|index)|attn_mask$/, 'is a table of positions'],
  [/(?:^|[._])(?:cls_token|class_token|mask_token|dist_token|register_tokens|reg_token)$/, 'is a token'],
  [/(?:^|[._])queue\d*$|(?:^|\.)center$|(?:^|[._])memory_bank$/, 'is a buffer of features'],
];
/** The state of a bare optimizer, as Hugging Face's Trainer and fairseq save it in a file of its own. */
const optimizerState = /^(?:state|optimizer)\.\d+\.[a-z_]+$|(?:^|\.)(?:exp_avg|exp_avg_sq|max_exp_avg_sq|momentum_buffer|square_avg)$/;
const weightEnding = /(?:[./](?:weight|kernel|w)(?::0)?)$/;

/** The checkpoint in an opened file of tensors. */
export function checkpointOf(file: TensorFile, fileName: string): Omit<Checkpoint, 'close'> {
  const problems = (file.skipped ?? []).map(({ name, reason }): FileProblem => ({ file: fileName, place: `tensor ${name}`, reason, severity: 'warning' }));
  const infos = new Map(file.tensors.map((info) => [info.name, info]));
  const parameters = describeStateDict(file.tensors.map(({ name }) => name)).map(({ name, role, parameterName }) => ({
    info: infos.get(name)!, role: optimizerState.test(name) ? ('optimizer' as const) : role, parameterName,
  }));
  const roles = new Set(parameters.map(({ role }) => role));
  const skipped: SkippedTensor[] = [];
  const candidates = new Map<string, { readonly info: TensorInfo; readonly role: TensorRole }>();
  const teachers = new Map<string, TensorInfo>();
  // A file with a teacher alone (an EMA checkpoint) is measured by it.
  const measuresTeacher = roles.has('teacher') && !roles.has('student') && !roles.has('model');
  for (const { info, role, parameterName } of parameters) {
    if (role === 'teacher' && !measuresTeacher) teachers.set(parameterName, info);
    if (role === 'optimizer' || role === 'other' || (role === 'teacher' && !measuresTeacher) || info.shape.length < 2) continue;
    const reason = reasonToSkip(info, parameterName);
    const known = candidates.get(parameterName);
    if (reason !== null) skipped.push({ name: info.name, reason });
    // Student and model of one name: a loose copy beside the pair.
    else if (known === undefined || (known.role === 'model' && role === 'student')) candidates.set(parameterName, { info, role });
  }
  const layerNames = shortNames([...candidates.keys()]);
  const layers = orderByDepth([...candidates.keys()]).map((parameterName, index): CheckpointLayer => {
    const { info } = candidates.get(parameterName)!;
    const teacher = teachers.get(parameterName);
    const isPair = teacher !== undefined && floatTypes.has(teacher.dtype) && teacher.shape.join() === info.shape.join();
    return { name: layerNames.get(parameterName)!, index, tensor: info.name, shape: info.shape, teacher: isPair ? teacher.name : null };
  });
  if (skipped.length > 0) problems.push({ file: fileName, place: '', reason: `not measured: ${listSkipped(skipped)}`, severity: 'info' });
  const empty = explainEmpty(file);
  if (empty !== null) {
    problems.push({ file: fileName, ...empty, severity: 'warning' });
  } else if (layers.length === 0) {
    const what = roles.size === 1 && roles.has('optimizer') ? 'only the state of an optimizer' : 'no weight matrix (two axes or more, floating-point numbers)';
    problems.push({ file: fileName, place: '', reason: `holds ${what}: there is nothing to measure`, severity: 'info' });
  }
  const hint = hintOfFeatures(file);
  if (hint !== null) problems.push({ file: fileName, place: '', reason: hint, severity: 'warning' });
  const { epoch, step } = placeInTraining(file.metadata, fileName, problems);
  const layerOf = (name: string): CheckpointLayer => {
    const layer = layers.find((each) => each.name === name);
    if (layer === undefined) throw new FormatError(fileName, `layer ${name}`, 'is not a layer of this checkpoint');
    return layer;
  };
  const read = async (tensor: string): Promise<WeightValues> => {
    const { shape, data } = await file.read(tensor);
    return { shape, data: data as Float32Array | Float64Array };
  };
  return {
    layers, epoch, step, metadata: file.metadata, skipped, problems,
    readWeights: async (name) => read(layerOf(name).tensor),
    async readTeacher(name) {
      const { teacher } = layerOf(name);
      return teacher === null ? null : read(teacher);
    },
  };
}

/** Why a tensor with two axes or more is no layer, or null. */
function reasonToSkip({ shape, dtype }: TensorInfo, parameterName: string): string | null {
  const table = tables.find(([pattern]) => pattern.test(parameterName));
  if (table !== undefined) return table[1];
  if (!floatTypes.has(dtype)) return `its numbers are ${dtype}, not floating-point ones`;
  if (shape.includes(0)) return `is empty: its shape is [${shape.join(', ')}]`;
  if (shape.reduce((product, length) => product * length, 1) === Math.max(...shape)) return `is a vector in the shape [${shape.join(', ')}]`;
  return null;
}

/** Names without their ending, where that leaves them different from each other. */
function shortNames(names: readonly string[]): Map<string, string> {
  const counts = new Map<string, number>();
  const short = (name: string): string => name.replace(weightEnding, '') || name;
  for (const name of names) counts.set(short(name), (counts.get(short(name)) ?? 0) + 1);
  return new Map(names.map((name) => [name, counts.get(short(name)) === 1 ? short(name) : name]));
}

const mostSkippedNamed = 6;

function listSkipped(skipped: readonly SkippedTensor[]): string {
  const named = skipped.slice(0, mostSkippedNamed).map(({ name, reason }) => `${name} (${reason})`);
  return skipped.length > named.length ? `${named.join(', ')} and ${skipped.length - named.length} more` : named.join(', ');
}
