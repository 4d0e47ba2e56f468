import { open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import {
  explainGitLfsPointer, explainSystemError, floatTypes, FormatError, isCheckpointName, isLogName, openTensors, sniffLength,
  type FormatRegistry, type Sniff, type TensorFile,
} from '../formats';
import type { RunFileKind } from '../protocol';
import { isCheckpointFolder, isProbeFolder } from './conventions';
import { hintOfFeatures } from './likelyFeatures';
import { explainEmpty, explainWithoutLayers } from './probe';

/** What a file is, as far as its head (and, for tensors, the list of them) says. */
export interface Classification {
  readonly kind: RunFileKind;
  readonly formatId: string | null;
  readonly format: string;
  /** Whether the file alone makes its folder a run. */
  readonly makesRun: boolean;
  readonly problem: { readonly place: string; readonly reason: string; readonly severity: 'info' | 'warning' } | null;
  /** What to know of a file that can be used. */
  readonly hint?: string;
}

/** Formats that hardly anybody keeps data sets in. */
const onlyOfTraining: ReadonlySet<string> = new Set(['safetensors', 'npz', 'keras', 'kerasWeights', 'tensorFlowBundle', 'tensorFlowJs']);

/** Whether a file is worth opening; asked for every file of a scan. */
export function isCandidate(name: string, folder: string, registry: FormatRegistry): boolean {
  return registry.formats.some((format) => format.mayBe(name, folder));
}

/**
 * Looks at a file: its first 4 KB, and for containers of tensors their list; no values.
 * @returns null when it is none of ours
 * @throws what the operating system says when the file cannot be opened
 */
export async function classify(path: string, size: number, registry: FormatRegistry): Promise<Classification | null> {
  const name = basename(path);
  const folder = dirname(path);
  const sniff: Sniff = { name, folder, head: await readHead(path, size), size };
  const inProbeFolder = isProbeFolder(basename(dirname(path)));
  const pointer = explainGitLfsPointer(sniff.head);
  if (pointer !== null) {
    const kind: RunFileKind = inProbeFolder ? 'probe' : 'checkpoint';
    const isTensors = registry.candidates(name, folder).some((format) => format.kind === 'tensors');
    if (!isTensors && !isLogName(name)) {
      return null;
    }
    const problem = { place: '', reason: pointer, severity: 'warning' } as const;
    return { kind: isTensors ? kind : 'log', formatId: null, format: 'Git LFS pointer', makesRun: isTensors, problem };
  }
  const format = registry.identify(sniff);
  if (format?.kind === 'log') {
    const problem = size === 0 ? ({ place: '', reason: 'is empty: nothing has been logged yet', severity: 'info' } as const) : null;
    return { kind: 'log', formatId: format.id, format: `${format.label} log`, makesRun: true, problem };
  }
  if (format?.kind === 'tensors') {
    // Arrays of NumPy lie beside many a training; only their name tells a checkpoint.
    const isTold = format.id !== 'npy' || inProbeFolder || speaksForTraining(path, format.id);
    return isTold ? classifyTensors(path, registry, { id: format.id, label: format.label }, inProbeFolder) : null;
  }
  return null;
}

async function classifyTensors(
  path: string,
  registry: FormatRegistry,
  { id, label }: { readonly id: string; readonly label: string },
  inProbeFolder: boolean,
): Promise<Classification | null> {
  try {
    const opened = await openTensors(path, registry, { name: basename(path) });
    await opened.close();
    const kind = kindOf(opened.file, inProbeFolder) ?? (isEmptyCheckpoint(opened.file, path, id) ? 'checkpoint' : null);
    if (kind === null) return null;
    const reason = kind === 'probe' ? explainWithoutLayers(opened.file, basename(path)) : explainEmpty(opened.file);
    const problem = reason === null ? null : { ...reason, severity: 'warning' as const };
    const hint = kind === 'checkpoint' ? hintOfFeatures(opened.file) : null;
    return { kind, formatId: id, format: `${label} ${kind}`, makesRun: kind === 'probe' || speaksForTraining(path, id), problem, ...(hint === null ? {} : { hint }) };
  } catch (error) {
    const kind: RunFileKind = inProbeFolder ? 'probe' : 'checkpoint';
    const problem =
      error instanceof FormatError
        ? ({ place: error.place, reason: error.reason, severity: 'warning' } as const)
        : ({ place: '', reason: explainSystemError(error), severity: 'warning' } as const);
    return { kind, formatId: id, format: `${label} ${kind}`, makesRun: inProbeFolder || speaksForTraining(path, id), problem };
  }
}

/** Whether a file of tensors alone makes its folder a run: those of general formats may as well be data sets. */
function speaksForTraining(path: string, formatId: string): boolean {
  return onlyOfTraining.has(formatId) || isCheckpointName(basename(path)) || isCheckpointFolder(basename(dirname(path)));
}

/**
 * A probe has float matrices with one number of rows and says that it is one, by a metadata key, by tensors of samples or by its folder;
 * everything else with weights in it is a checkpoint. A file without floating-point numbers is neither, unless it lies where probes lie.
 */
function kindOf(file: TensorFile, inProbeFolder: boolean): 'probe' | 'checkpoint' | null {
  const floats = file.tensors.filter(({ dtype, shape }) => floatTypes.has(dtype) && shape.length > 0);
  const names = new Set(file.tensors.map(({ name }) => name));
  const isNamed = Object.hasOwn(file.metadata, 'layerscope');
  const declared = isNamed || names.has('sample_id');
  const layers = floats.filter(({ shape }) => shape.length >= 2);
  // One without any tensor is an empty probe, not somebody's table.
  const isRecorded = declared || file.tensors.length === 0;
  if (layers.length > 0 ? declared || inProbeFolder : isNamed || (isRecorded && inProbeFolder)) {
    // Says that it is a probe: when its rows differ or there is no layer, opening it tells what is wrong.
    return 'probe';
  }
  if (floats.length === 0) {
    // Where probes lie, matrices of whole numbers are features in a type that cannot be measured: opening it tells so.
    return inProbeFolder && file.tensors.some(({ shape }) => shape.length >= 2) ? 'probe' : null;
  }
  const rows = new Set(layers.map(({ shape }) => (shape.length === 3 ? shape[0]! * shape[1]! : shape[0])));
  const hasSamples = names.has('split') || names.has('label');
  return layers.length > 0 && rows.size === 1 && hasSamples ? 'probe' : 'checkpoint';
}

/** Containers of PyTorch may hold other things than tensors; a file of these without any, where a checkpoint should be, went wrong. */
function isEmptyCheckpoint({ tensors }: TensorFile, path: string, formatId: string): boolean {
  const isToldByName = isCheckpointName(basename(path)) || isCheckpointFolder(basename(dirname(path)));
  return tensors.length === 0 && (formatId === 'safetensors' || formatId === 'npz') && isToldByName;
}

async function readHead(path: string, size: number): Promise<Uint8Array> {
  if (size === 0) {
    return new Uint8Array(0);
  }
  const handle = await open(path, 'r');
  try {
    const head = new Uint8Array(Math.min(sniffLength, size));
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
